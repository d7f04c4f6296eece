"""Pictures at other sizes."""

from __future__ import annotations

import cv2
import numpy as np

from livestyle.frame import Picture
from livestyle.pointer import fitted


def resized(rgb: Picture, width: int, height: int) -> Picture:
    """The picture at another size; the same object when the size is right already."""
    if rgb.shape[:2] == (height, width):
        return rgb
    shrinks = width * height < rgb.shape[0] * rgb.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(rgb, (width, height), interpolation=method).astype(np.uint8, copy=False)


def letterboxed(rgb: Picture, width: int, height: int) -> Picture:
    """The picture scaled to fit width x height, on black; nothing is cut or stretched."""
    box = fitted((rgb.shape[1], rgb.shape[0]), (width, height))
    scaled = resized(rgb, box.width, box.height)
    if (box.width, box.height) == (width, height):
        return scaled
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[box.y : box.y + box.height, box.x : box.x + box.width] = scaled
    return canvas
