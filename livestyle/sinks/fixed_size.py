"""Pictures for outputs that cannot change their size: a video file, a virtual camera.

The first picture decides, with even sides, as 4:2:0 video has them: an odd one loses its last line or column.
Later pictures of another size are scaled to fit, on black.
"""

from __future__ import annotations

import numpy as np

from livestyle.frame import Picture
from livestyle.resize import letterboxed


def even_size(rgb: Picture) -> tuple[int, int]:
    """(width, height) in pixels of the largest even size in a picture (HxWx3 uint8)."""
    return rgb.shape[1] // 2 * 2, rgb.shape[0] // 2 * 2


def fitted(rgb: Picture, size: tuple[int, int]) -> Picture:
    """The picture (HxWx3 uint8 RGB) at (width, height) pixels, contiguous; cut by one where that is all it takes."""
    width, height = size
    if even_size(rgb) == size:
        return np.ascontiguousarray(rgb[:height, :width])
    return letterboxed(rgb, width, height)
