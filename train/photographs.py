"""Write the photographs that styles are refined on, from scikit-image's samples, all free to redistribute.

python -m train.photographs --out media
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skimage.data
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
    """Write cat.jpg, coffee.jpg and rocket.jpg."""
    flags = parse_flags(Flags, argv)
    untyped: Any = skimage.data
    flags.out.mkdir(parents=True, exist_ok=True)
    for name in ("cat", "coffee", "rocket"):
        photograph = at_side(Image.fromarray(getattr(untyped, name)()), SIDE_PX)
        Image.fromarray(photograph).save(flags.out / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
