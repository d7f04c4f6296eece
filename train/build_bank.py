"""Make the built-in bank: style statistics of the works in bank_styles.toml, with previews.

    python -m train.build_bank --images FOLDER 'style-*.tar' --out bank

Only statistics and the previews that livestyle paints go into the bank, never the works.
Run it again after a new decoder (previews), fast network (refinements) or encoder (statistics).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from livestyle.assets import asset_dir
from livestyle.engine import choose_engine
from livestyle.files.preview import paint_preview
from livestyle.frame import Picture
from livestyle.live import hud
from livestyle.looks.bank import STYLE_SIDE_PX, Bank
from livestyle.looks.style import StyleInfo, save_style
from livestyle.model.refining import Refiner
from livestyle.resize import resized
from livestyle.sinks.images import save_image
from livestyle.sources.images import load_image
from train.data import Entry, index_pictures, read_picture
from train.runtime import flag, parse_flags, run

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
    model: str = flag("what paints the previews: paper or fast", "paper")
    sheet: Path = flag("the sheet of all previews to write", Path("docs/styles.jpg"))


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


def preview_sheet(bank: Bank, columns: int = 5, side_px: int = 256) -> Picture:
    """The demo photograph and all previews in a labelled grid, HxWx3 uint8 RGB."""
    photograph = load_image(asset_dir("media") / "astronaut.jpg")
    cells = [("the photograph", resized(photograph, side_px, side_px))]
    cells += [(name, resized(load_image(bank.entry(name).preview), side_px, side_px)) for name in bank.names]
    labelled = [hud.draw(rgb, hud.Overlay(message=label)) for label, rgb in cells]
    blank = np.full((side_px, side_px, 3), 255, np.uint8)
    labelled += [blank] * (-len(labelled) % columns)
    rows = [np.hstack(labelled[i : i + columns]) for i in range(0, len(labelled), columns)]
    return np.vstack(rows)


def main(flags: Flags) -> None:
    """Read the list, encode each work, paint each preview."""
    entries = {Path(entry.name).name: entry for entry in index_pictures(list(flags.images))}
    works = tomllib.loads(flags.works.read_text(encoding="utf-8"))["style"]
    missing = [work["file"] for work in works if work["file"] not in entries]
    if missing:
        raise FileNotFoundError(f"not among the images: {', '.join(missing)}")
    engine, refiner = choose_engine(model=flags.model), Refiner()
    for order, work in enumerate(works, 1):
        info = StyleInfo(
            work["name"], work["title"], work["artist"], work["year"], work["kind"], order, engine.encoder_id
        )
        stats = engine.style_stats(cropped(entries[work["file"]], work.get("crop")))
        save_style(flags.out / f"{info.name}.safetensors", info, refiner.refine(stats))
    bank = Bank(encoder=engine.encoder_id, builtin_dir=flags.out, user_dir=flags.out / "none")
    for name in bank.names:
        paint_preview(engine, bank, bank.entry(name))
        print(bank.entry(name).info.label, flush=True)
    flags.sheet.parent.mkdir(parents=True, exist_ok=True)
    save_image(flags.sheet, preview_sheet(bank))


if __name__ == "__main__":
    run(main, parse_flags(Flags))
