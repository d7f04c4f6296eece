"""Pictures that tests make and compare."""

from __future__ import annotations

import cv2
import numpy as np

from livestyle.frame import Picture

SIZE = (180, 320)


def scene(seed: int = 0, size: tuple[int, int] = SIZE) -> Picture:
    """Soft blobs of all sizes: something to follow everywhere."""
    rng = np.random.default_rng(seed)
    picture = sum(
        cv2.GaussianBlur(rng.normal(0, 60 * sigma, (*size, 3)).astype(np.float32), (0, 0), sigma)
        for sigma in (2, 5, 12)
    )
    return np.clip(128 + np.asarray(picture), 0, 255).astype(np.uint8)


def difference(a: Picture, b: Picture) -> float:
    """Mean absolute difference, in levels of 255."""
    return float(np.abs(a.astype(float) - b).mean())


def ramp(height: int = 20, width: int = 32) -> Picture:
    """HxWx3: x to the right in red, y downwards in green, blue 90."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 90)], -1).astype(np.uint8)
