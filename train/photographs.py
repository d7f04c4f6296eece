"""Write the photographs that styles are refined on: samples of other packages, all free to redistribute.

    python -m train.photographs --out media

needs scikit-image, scikit-learn and matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.cbook
import skimage.data
import sklearn.datasets
from PIL import Image

from train.runtime import flag, parse_flags
from train.systems import at_side

SIDE_PX = 300
"""The shorter side: crops of more are not taken."""


@dataclass(frozen=True)
class Flags:
    """Write the photographs that styles are refined on."""

    out: Path = flag("the folder to write to")


def main(argv: list[str] | None = None) -> None:
    """Write cat.jpg, coffee.jpg, rocket.jpg, flower.jpg, temple.jpg and officer.jpg."""
    flags = parse_flags(Flags, argv)
    flags.out.mkdir(parents=True, exist_ok=True)
    for name, photograph in _photographs():
        Image.fromarray(at_side(photograph.convert("RGB"), SIDE_PX)).save(flags.out / f"{name}.jpg", quality=88)


def _photographs() -> Iterator[tuple[str, Image.Image]]:
    pictures: Any = skimage.data
    for name in ("cat", "coffee", "rocket"):
        yield name, Image.fromarray(getattr(pictures, name)())
    samples: Any = sklearn.datasets
    for name, file in (("flower", "flower.jpg"), ("temple", "china.jpg")):
        yield name, Image.fromarray(samples.load_sample_image(file))
    cookbook: Any = matplotlib.cbook
    yield "officer", Image.open(cookbook.get_sample_data("grace_hopper.jpg"))


if __name__ == "__main__":
    main()
