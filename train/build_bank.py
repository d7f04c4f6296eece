"""Make the built-in bank: style statistics of the works in bank_styles.toml, with previews.

    python -m train.build_bank --images FOLDER [--images-tar 'style-*.tar'] --out bank

Only statistics and the previews that livestyle paints go into the bank, never the works.
Run it again after a new decoder (previews) or encoder (statistics).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from livestyle.bank import STYLE_SIDE_PX, Bank
from livestyle.engine import choose_engine
from livestyle.preview import paint_preview
from livestyle.style import StyleInfo, save_style
from train.data import Entry, index_pictures, read_picture
from train.runtime import flag, parse_flags

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Flags:
    """Make the built-in bank of styles."""

    images: tuple[str, ...] = flag("where the works' files are: folders, tar shards or globs")
    works: Path = flag("the list of works", Path("train/bank_styles.toml"))
    out: Path = flag("the bank's folder", Path("bank"))


def cropped(entry: Entry, crop: list[float] | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The work's picture without its margins, HxWx3 uint8 RGB, shorter side at most 384 px.

    crop: left, top, right, bottom as fractions of the size.
    """
    image = read_picture(entry)
    if crop:
        left, top, right, bottom = crop
        box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
        image = image.crop(tuple(round(v) for v in box))  # type: ignore[arg-type]
    k = min(1.0, STYLE_SIDE_PX / min(image.size))
    size = (round(image.width * k), round(image.height * k))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def main(argv: list[str] | None = None) -> None:
    """Read the list, encode each work, paint each preview."""
    flags = parse_flags(Flags, argv)
    entries = {Path(entry.name).name: entry for entry in index_pictures(list(flags.images))}
    works = tomllib.loads(flags.works.read_text(encoding="utf-8"))["style"]
    missing = [work["file"] for work in works if work["file"] not in entries]
    if missing:
        raise FileNotFoundError(f"not among the images: {', '.join(missing)}")
    engine = choose_engine()
    for order, work in enumerate(works, 1):
        info = StyleInfo(
            work["name"], work["title"], work["artist"], work["year"], work["kind"], order, engine.encoder_id
        )
        stats = engine.style_stats(cropped(entries[work["file"]], work.get("crop")))
        save_style(flags.out / f"{info.name}.safetensors", info, stats)
    bank = Bank(encoder=engine.encoder_id, builtin_dir=flags.out, user_dir=flags.out / "none")
    for name in bank.names:
        paint_preview(engine, bank, bank.entry(name))
        print(bank.entry(name).info.label, flush=True)


if __name__ == "__main__":
    main()
