"""Masks of a picture that is too large for masks of its size: kept small, and enlarged where they are looked at.

Regions have soft edges, which lose nothing by that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livestyle.frame import Masks

COARSE_PIXELS = 1_000_000
"""Of a mask, at most."""
STRIP_PIXELS = 1 << 20

Places = NDArray[np.int64]
"""Rows or columns of pixels."""


@dataclass(frozen=True, eq=False)
class CoarseMasks:
    """masks: (R, h, w), of the picture at this size or a smaller one. width, height: the picture's."""

    masks: Masks
    width: int
    height: int

    def at(self, rows: Places, columns: Places) -> Masks:
        """Of these pixels of the picture: (R, len(rows), len(columns)) that sum to 1."""
        return _along(2, _along(1, self.masks, rows, self.height), columns, self.width)

    def window(self, rows: slice, columns: slice = slice(None)) -> Masks:
        """The same of neighbouring pixels."""
        return self.at(np.arange(self.height)[rows], np.arange(self.width)[columns])


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture, so many at a time that masks of its size are small."""
    step = max(1, STRIP_PIXELS // width)
    return (slice(top, min(height, top + step)) for top in range(0, height, step))


def coarse_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the masks of a picture of this size."""
    k = min(1.0, math.sqrt(COARSE_PIXELS / (width * height)))
    return max(1, round(width * k)), max(1, round(height * k))


def _along(axis: int, masks: Masks, places: Places, length: int) -> Masks:
    """Straight lines between the pixels' middles."""
    count = masks.shape[axis]
    at = np.clip((places + 0.5) * (count / length) - 0.5, 0, count - 1)
    before = at.astype(np.int64)
    share = (at - before).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
    after = np.minimum(before + 1, count - 1)
    between: Masks = masks.take(before, axis) * (1 - share) + masks.take(after, axis) * share
    return between
