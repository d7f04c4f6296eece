"""Colour preservation: the painting's light, the frame's colours. Pure functions."""

from __future__ import annotations

import cv2
import numpy as np

from livestyle.frame import Picture


def keep_frame_color(painting: Picture, frame: Picture) -> Picture:
    """Luma of the painting with the chroma of the frame, in YCbCr (BT.601).

    Both HxWx3 uint8 RGB of one size; returns the same (Gatys et al. 2016, luminance transfer).
    """
    luma = cv2.cvtColor(painting, cv2.COLOR_RGB2YCrCb)
    mixed = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
    mixed[..., 0] = luma[..., 0]
    return cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB).astype(np.uint8, copy=False)
