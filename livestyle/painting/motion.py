"""Optical flow between two pictures, and pictures moved along it (DIS flow, Kroeger et al. 2016).

It does not know what moves, nor what it is looked at for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[Any]
"""HxW or HxWxC float32."""

# OpenCV's type hints do not know that the flow to begin with, and the second map, may be None.


def flow_to(now: NDArray[np.uint8], last: NDArray[np.uint8], method: cv2.DISOpticalFlow) -> Map:
    """Where each pixel of `now` was in `last`, minus where it is: (H, W, 2), x and y in pixels.

    now, last: HxW uint8, grey.
    """
    flow: Map = method.calc(now, last, None)  # type: ignore[call-overload]
    return flow


def moved(picture: Map, there: Map) -> Map:
    """The picture with each pixel taken from there, (H, W, 2), x and y; from outside it the nearest one is."""
    result: Map = cv2.remap(picture, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return result


@lru_cache(maxsize=4)
def places(height: int, width: int) -> Map:
    """The x and y of each pixel, (H, W, 2)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], axis=-1)
