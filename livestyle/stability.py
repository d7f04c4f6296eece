"""Keeps the paintings of a stream steady: what does not move does not flicker, what moves is carried along.

Before the network the frame's noise is averaged away where nothing moves, so that the same scene gives
the same painting. After it, each painting is blended with the one before, moved along the optical flow
(Kroeger et al. 2016, on a small grey copy). Where the scene cannot be followed, behind a moving thing
or at a cut, the new painting is taken as it is. How well it can be followed is measured where ghosts
would come from: beside the paintings a grey copy of the frames is blended in the same way, and where it
differs from the frame, the paintings are not trusted either.

Only the past is used, so nothing is delayed. It does not know networks, styles or files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livestyle.frame import Picture
from livestyle.motion import Map, flow_to, moved
from livestyle.style import Palette, blend_palettes

FLOW_SIDE_PX = 180
"""Shorter side of the copy that motion is looked for in."""
CARRIED_SIDE_PX = 360
"""Paintings with a larger shorter side are carried at this one; their finer strokes are the new ones."""

STILL_SECONDS = 0.65
MOVING_SECONDS = 0.11
CALM_SECONDS = 0.15
PALETTE_SECONDS = 0.5
"""How long a painting's parts that stand still and that move, a frame's noise and a painting's colours
are averaged over at stability 0.5."""
LONGEST_SECONDS = 2.0
MOST_CARRIED = 0.85
"""Of what moves: ghosts and soft edges grow with it."""

STILL_LEVELS = 5.0
MOVING_LEVELS = 8.0
"""Grey levels of 255 by which the scene may differ from what is carried: at these it counts for 37 %."""
BETTER_LEVELS = 1.0
"""Where motion explains the scene better than standstill by so much, standstill counts for 37 %."""
BLUR_PX = 3

SURE = 0.5
CUT_SHARE = 0.6
"""A cut: over so much of the picture less than SURE of what moves is trusted."""
GAP_SECONDS = 0.5
"""After a pause as long as this nothing is carried over."""


@dataclass(frozen=True, eq=False)
class Step:
    """How the scene got from the last frame to this one, in the flow's size."""

    strength: float
    elapsed_seconds: float
    flow: Map
    """(H, W, 2): where each pixel was, minus where it is, in its own pixels."""
    still: Map
    """(H, W), 0 to 1: nothing moves here."""
    carried: Map
    """(H, W), 0 to 1: share of the last painting in the next."""


class Stabilizer:
    """The memory of one stream. Used by one thread at a time: `calm` before a painting, `steady` after it.

    Several frames may be calmed before the first of their paintings is steadied, as long as both keep their order.
    """

    step: Step | None
    """To the frame last given to `calm`; None where the memory began anew with it."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)
        self._flow.setGradientDescentIterations(6)
        self._flow.setPatchStride(5)
        self.reset()
        self.forget_paintings()

    def reset(self) -> None:
        """Forget the stream: the next frame is the first, and its painting is taken as it is."""
        self._grey: NDArray[np.uint8] | None = None
        self._followed: Map = np.empty(0, np.float32)
        self._calm: Map = np.empty(0, np.float32)
        self.step = None
        self._at_seconds = 0.0

    def forget_paintings(self) -> None:
        """What is painted from now on has another look: carry nothing over."""
        self._carried: Map | None = None
        self._palettes: list[Palette] = []

    def calm(self, frame: Picture, strength: float, at_seconds: float) -> Picture:
        """The frame (HxWx3 uint8 RGB) with less noise where nothing moves.

        strength: 0 to 1, more than 0. at_seconds: when in its stream the frame was taken. After GAP_SECONDS,
        when the time goes back, and when the frame has another size or another scene, the memory begins anew.
        """
        grey = _small_grey(frame)
        elapsed_seconds = at_seconds - self._at_seconds
        self._at_seconds = at_seconds
        if self._grey is None or not 0 <= elapsed_seconds < GAP_SECONDS or self._calm.shape != frame.shape:
            return self._begin(frame, grey)
        step, sure = self._followed_to(grey, self._grey, strength, elapsed_seconds)
        if sure < 1 - CUT_SHARE:
            return self._begin(frame, grey)
        self.step, self._grey = step, grey
        share = _enlarged(step.still * _kept(CALM_SECONDS, strength, elapsed_seconds), frame)
        self._calm = _blended(self._calm, frame.astype(np.float32), share)
        return _as_picture(self._calm)

    def steady(self, painting: Picture, step: Step | None) -> Picture:
        """The painting of a frame that was calmed, steadied; HxWx3 uint8 RGB, any size of that shape.

        step: as it was after that frame was calmed.
        """
        side = min(painting.shape[:2])
        if side <= CARRIED_SIDE_PX:
            new = painting.astype(np.float32)
            return _as_picture(self._carry(new, step))
        scale = CARRIED_SIDE_PX / side
        small = cv2.resize(painting, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
        change = cv2.resize(self._carry(small, step) - small, painting.shape[1::-1])
        steady: Picture = np.clip(painting + change + 0.5, 0, 255).astype(np.uint8)
        return steady

    def palettes(self, owns: list[Palette], step: Step | None) -> list[Palette]:
        """A painting's own colours, region by region, averaged over the last paintings; step as for `steady`.

        So their correction does not pump.
        """
        if step is not None and len(self._palettes) == len(owns):
            kept = _kept(PALETTE_SECONDS, step.strength, step.elapsed_seconds)
            pairs = zip(self._palettes, owns, strict=True)
            owns = [blend_palettes([(last, kept), (own, 1 - kept)]) for last, own in pairs]
        self._palettes = owns
        return owns

    def _begin(self, frame: Picture, grey: NDArray[np.uint8]) -> Picture:
        at_seconds = self._at_seconds
        self.reset()
        self._at_seconds = at_seconds
        self._grey, self._followed = grey, grey.astype(np.float32)
        self._calm = frame.astype(np.float32)
        return frame

    def _followed_to(
        self, grey: NDArray[np.uint8], last: NDArray[np.uint8], strength: float, elapsed_seconds: float
    ) -> tuple[Step, float]:
        """The step from the last frame to the next, and the share of it that can be followed."""
        flow = flow_to(grey, last, self._flow)
        unmoved = _difference(grey, self._followed)
        better = cv2.subtract(unmoved, _difference(grey, moved(self._followed, flow)))
        still = _trust(unmoved, STILL_LEVELS) * _trust(better, BETTER_LEVELS)
        flow = flow * (1 - still)[:, :, None]
        carried_on = moved(self._followed, flow)
        trusted = _trust(_difference(grey, carried_on), MOVING_LEVELS)
        moving_share = min(MOST_CARRIED, _kept(MOVING_SECONDS, strength, elapsed_seconds))
        still_share = _kept(STILL_SECONDS, strength, elapsed_seconds)
        carried: Map = cv2.max(still * still_share, trusted * moving_share)
        self._followed = _blended(carried_on, grey.astype(np.float32), carried)
        return Step(strength, elapsed_seconds, flow, still, carried), float(np.mean(trusted > SURE))

    def _carry(self, new: Map, step: Step | None) -> Map:
        """What is shown for a new painting; it is also what the next one is blended with."""
        if self._carried is not None and step is not None and self._carried.shape == new.shape:
            scale = np.float32(new.shape[1] / step.flow.shape[1])
            before = moved(self._carried, _enlarged(step.flow * scale, new))
            new = _blended(before, new, _enlarged(step.carried, new))
        self._carried = new
        return new


def _kept(seconds: float, strength: float, elapsed_seconds: float) -> float:
    """The share of the past that is kept over a step, for an average over so long at stability 0.5."""
    seconds = min(LONGEST_SECONDS, seconds * strength / max(1e-6, 1 - strength))
    return math.exp(-elapsed_seconds / seconds)


def _small_grey(frame: Picture) -> NDArray[np.uint8]:
    scale = min(1.0, FLOW_SIDE_PX / min(frame.shape[:2]))
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _difference(grey: NDArray[np.uint8], carried: Map) -> NDArray[np.uint8]:
    """How far what is carried is from the frame around each pixel, in levels."""
    difference = cv2.blur(cv2.absdiff(grey, cv2.convertScaleAbs(carried)), (BLUR_PX, BLUR_PX))
    return difference.astype(np.uint8, copy=False)


def _trust(difference: Map, levels: float) -> Map:
    """How much a difference leaves of the trust at each pixel, 0 to 1."""
    trust: Map = cv2.LUT(difference, _trust_table(levels))
    return trust


@lru_cache(maxsize=4)
def _trust_table(levels: float) -> Map:
    table: Map = np.exp(-((np.arange(256) / levels) ** 2)).astype(np.float32)
    return table


def _enlarged(small: Map, like: NDArray[np.generic]) -> Map:
    """A map in the size of a picture."""
    large: Map = cv2.resize(small, like.shape[1::-1])
    return large


def _blended(old: Map, new: Map, share: Map) -> Map:
    """`share` of the old picture, and the rest of the new one, at each pixel."""
    blended: Map = cv2.blendLinear(old, new, share, 1 - share)
    return blended


def _as_picture(values: Map) -> Picture:
    return cv2.convertScaleAbs(values).astype(np.uint8, copy=False)
