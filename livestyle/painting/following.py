"""How the scene of a stream got from one frame to the next: what stands still, what moved from where, what is new.

Motion is optical flow (Kroeger et al. 2016) on a small grey copy. Whether something moves is decided by what explains
the frame better. How well it can be followed is measured where ghosts would come from: a grey copy of the frames
is carried along as their paintings are, and what differs from it in the frame is new.

It does not know paintings.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livestyle.frame import Picture
from livestyle.painting.motion import Map, flow_to, moved, places

SIDE_PX = 180
"""Shorter side of the copy that motion is looked for in."""

STILL_LEVELS = 5.0
"""Grey levels of 255: what stands still differs by less from what is carried."""
BETTER_LEVELS = 0.25
"""And motion explains it better by less than this."""
FOLLOWED_LEVELS = 12.0
"""What can be followed differs by less."""
STILL_BLUR_PX, FOLLOWED_BLUR_PX = 5, 3
FINE = 8
"""Differences are counted in this part of a level."""

CUT_SHARE = 0.6
"""A cut: so much of the picture neither stands still nor can be followed."""

Bytes = NDArray[np.uint8]
"""HxW: grey levels, or a mask of 255 and 0."""


@dataclass(frozen=True, eq=False)
class Motion:
    """From the last frame to this one, in the copy's size. What is in neither mask is new."""

    there: Map
    """(H, W, 2): x and y of where each pixel was."""
    still: Bytes
    """Mask of what did not move."""
    followed: Bytes
    """Mask of what did, and is known from where."""


class Follower:
    """Follows the scene of one stream."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)
        self._flow.setGradientDescentIterations(4)
        self._flow.setPatchStride(7)
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next frame is the first."""
        self._grey: Bytes | None = None
        self._carried: Map = np.empty(0, np.float32)

    def follow(self, frame: Picture, kept_still: float, kept_moving: float) -> Motion | None:
        """To this frame (HxWx3 uint8 RGB) from the last; None for the first one and after a cut.

        kept_still, kept_moving: shares of the past in what is carried, 0 to 1.
        """
        grey, last = _small_grey(frame), self._grey
        self._grey, fresh = grey, grey.astype(np.float32)
        before, self._carried = self._carried, fresh
        if last is None or last.shape != grey.shape:
            return None
        there = cv2.add(flow_to(grey, last, self._flow), places(*grey.shape))
        after = moved(before, there)
        unmoved, error = _difference(grey, before), _difference(grey, after)
        standstill = _blurred(unmoved, STILL_BLUR_PX)
        better = cv2.subtract(standstill, _blurred(error, STILL_BLUR_PX))
        still = cv2.bitwise_and(_below(standstill, STILL_LEVELS), _below(better, BETTER_LEVELS))
        followed = cv2.bitwise_and(_below(_blurred(error, FOLLOWED_BLUR_PX), FOLLOWED_LEVELS), cv2.bitwise_not(still))
        if cv2.countNonZero(still) + cv2.countNonZero(followed) < (1 - CUT_SHARE) * grey.size:
            return None
        cv2.accumulateWeighted(before, fresh, kept_still, mask=still)
        cv2.accumulateWeighted(after, fresh, kept_moving, mask=followed)
        return Motion(cv2.copyTo(places(*grey.shape), still, there), _bytes(still), _bytes(followed))


def _small_grey(frame: Picture) -> Bytes:
    height, width = frame.shape[:2]
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    whole = max(1, min(height, width) // SIDE_PX)  # by a whole number first: that is quick
    if whole > 1:
        grey = cv2.resize(grey, (width // whole, height // whole), interpolation=cv2.INTER_AREA)
    scale = min(1.0, SIDE_PX / min(height, width))
    return _bytes(cv2.resize(grey, (round(width * scale), round(height * scale))))


def _difference(grey: Bytes, carried: Map) -> Bytes:
    """How far what is carried is from the frame, in eighths of a level, 255 at most."""
    return _bytes(cv2.convertScaleAbs(cv2.absdiff(grey, cv2.convertScaleAbs(carried)), alpha=FINE))


def _blurred(difference: Bytes, side_px: int) -> Bytes:
    return _bytes(cv2.blur(difference, (side_px, side_px)))


def _below(difference: Map, levels: float) -> Bytes:
    """Mask of where a difference is less than so many levels."""
    return _bytes(cv2.threshold(difference, FINE * levels - 1, 255, cv2.THRESH_BINARY_INV)[1])


def _bytes(values: Map) -> Bytes:
    return values.astype(np.uint8, copy=False)
