"""Keeps the paintings of a stream steady: what does not move does not flicker, what moves is carried along.

Before the network the frame's noise is averaged away where nothing moves, so that the same scene gives
the same painting. After it, each painting is blended with the one before, moved as the scene has
moved (`livestyle.painting.following`). What cannot be followed, behind a moving thing or at a cut, is the new painting
as it is, and so is what would be a ghost: light around a dark thing, say, where the ground behind is dark as well.

Averages are kept in bytes, which is quick. Rounding would end them early, many levels off; so each frame rounds at
another point (`_mixed`).

Only the past is used, so nothing is delayed. It does not know networks, styles or files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from livestyle.frame import Picture
from livestyle.looks.style import Palette, blend_palettes
from livestyle.painting.following import Bytes, Follower, Motion
from livestyle.painting.motion import Map

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
GHOST_PX, GHOST_LEVELS = 8, 24.0
"""Where the mean of so large a square is further from the new painting than this, in levels of 255, in any colour,
the new one is taken: strokes average out over it, trails of what has moved on do not."""
GAP_SECONDS = 0.5
"""After a pause as long as this nothing is carried over."""
LOOK_SHARE = 0.07
"""When so much of the look has changed, a painting counts for 37 %: through a crossfade it stays steady
and is not far behind."""
LEAST_KEPT = 0.02
"""Less is nothing."""
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, eq=False)
class Step:
    """From the last painting to this one, and how much is kept over it: shares of the past, 0 to 1."""

    motion: Motion
    still: Bytes
    """Mask of what did not move, in the frame's size."""
    kept_still: float
    kept_moving: float
    kept_calm: float
    kept_palette: float
    turn: float
    """0 to 1: where this step rounds."""

    def to_another_look(self, change: float) -> Step | None:
        """The same step where the look has changed by so much, 0 to 1 or more; None where nothing is to be kept."""
        share = math.exp(-change / LOOK_SHARE)
        if share < LEAST_KEPT:
            return None
        return replace(
            self,
            kept_still=share * self.kept_still,
            kept_moving=share * self.kept_moving,
            kept_palette=share * self.kept_palette,
        )


class Stabilizer:
    """The memory of one stream. Used by one thread at a time: `calm` before a painting, `steady` after it.

    Several frames may be calmed before the first of their paintings is steadied, as long as both keep their order.
    """

    step: Step | None
    """To the frame last given to `calm`; None where the memory began anew with it."""

    def __init__(self) -> None:
        self._follower = Follower()
        self._carried: Picture | None = None
        self._palettes: list[Palette] = []
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next frame is the first, and its painting is taken as it is."""
        self._follower.reset()
        self._calm: Picture = np.empty(0, np.uint8)
        self.step = None
        self._turn = 0.0
        self._at_seconds = 0.0

    def calm(self, frame: Picture, strength: float, at_seconds: float) -> Picture:
        """The frame (HxWx3 uint8 RGB) with less noise where nothing moves.

        strength: 0 to 1, more than 0. at_seconds: when in its stream the frame was taken. After GAP_SECONDS,
        when the time goes back, and when the frame has another size or another scene, the memory begins anew.
        """
        elapsed_seconds = at_seconds - self._at_seconds
        if not 0 <= elapsed_seconds < GAP_SECONDS or self._calm.shape != frame.shape:
            self.reset()
        self._at_seconds = at_seconds
        self._turn = (self._turn + GOLDEN) % 1
        self.step = self._step_to(frame, strength, elapsed_seconds)
        if self.step is None:
            self._calm = frame
            return frame
        mean = _mixed(self._calm, frame, self.step.kept_calm, self.step)
        self._calm = _put(mean, self.step.still, frame.copy())
        return self._calm

    def steady(self, painting: Picture, step: Step | None) -> Picture:
        """The painting of a frame that was calmed, steadied; HxWx3 uint8 RGB, any size of that shape.

        step: as it was after that frame was calmed.
        """
        side = min(painting.shape[:2])
        if side <= CARRIED_SIDE_PX:
            return self._carry(painting, step)
        scale = CARRIED_SIDE_PX / side
        small = _bytes(cv2.resize(painting, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        change = cv2.subtract(self._carry(small, step), small, dtype=cv2.CV_16S)
        return _bytes(cv2.add(painting, cv2.resize(change, painting.shape[1::-1]), dtype=cv2.CV_8U))

    def palettes(self, owns: list[Palette], step: Step | None) -> list[Palette]:
        """A painting's own colours, region by region, averaged over the last paintings; step as for `steady`.

        So their correction does not pump.
        """
        if step is not None and len(self._palettes) == len(owns):
            pairs = zip(self._palettes, owns, strict=True)
            owns = [blend_palettes([(last, step.kept_palette), (own, 1 - step.kept_palette)]) for last, own in pairs]
        self._palettes = owns
        return owns

    def _step_to(self, frame: Picture, strength: float, elapsed_seconds: float) -> Step | None:
        def kept(seconds: float) -> float:
            """The share of the past in an average over so long at stability 0.5."""
            seconds = min(LONGEST_SECONDS, seconds * strength / max(1e-6, 1 - strength))
            return math.exp(-max(0.0, elapsed_seconds) / seconds)

        still, moving = kept(STILL_SECONDS), min(MOST_CARRIED, kept(MOVING_SECONDS))
        motion = self._follower.follow(frame, still, moving)
        if motion is None:
            return None
        mask = _enlarged(motion.still, frame)
        return Step(motion, mask, still, moving, kept(CALM_SECONDS), kept(PALETTE_SECONDS), self._turn)

    def _carry(self, new: Picture, step: Step | None) -> Picture:
        """What is shown for a new painting; it is also what the next one is blended with."""
        last, self._carried = self._carried, new
        if last is not None and step is not None and last.shape == new.shape:
            self._carried = new.copy()
            _put(_mixed(last, new, step.kept_still, step), _enlarged(step.still, new), self._carried)
            followed = _enlarged(step.motion.followed, new)
            x, y, width, height = cv2.boundingRect(followed)
            if width:
                box = np.s_[y : y + height, x : x + width]
                moving = _mixed(_moved(last, step.motion.there, box), new[box], step.kept_moving, step)
                _put(moving, followed[box], self._carried[box])
            _put(new, _ghosts(self._carried, new), self._carried)
        return self._carried


def _mixed(last: Picture, new: Picture, kept: float, step: Step) -> Picture:
    """`kept` of the last picture and the rest of the new one.

    Rounded up from another point each frame, evenly spread: over many frames small differences count in full.
    """
    return _bytes(cv2.addWeighted(last, kept, new, 1 - kept, 0.98 * (step.turn - 0.5)))


def _moved(picture: Picture, there: Map, box: tuple[slice, slice]) -> Picture:
    """A box of the picture, taken from places that are given in a smaller size."""
    height, width = picture.shape[:2]
    x, y = width / there.shape[1], height / there.shape[0]
    enlarging = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
    places = cv2.resize(cv2.transform(there, enlarging), (width, height))
    four = cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA)  # four channels are moved twice as quickly as three
    moved: Map = cv2.remap(four, places[box], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return _bytes(cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB))


def _ghosts(carried: Picture, new: Picture) -> Bytes:
    """Mask of where what is carried is another picture than the new one."""
    means = [_means(picture) for picture in (carried, new)]
    near = cv2.inRange(cv2.absdiff(*means), (0, 0, 0), (GHOST_LEVELS,) * 3)
    return _bytes(cv2.threshold(cv2.resize(near, new.shape[1::-1]), 127, 255, cv2.THRESH_BINARY_INV)[1])


def _means(picture: Picture) -> Picture:
    """Of squares of GHOST_PX; a quarter of the pixels tells them."""
    height, width = (max(1, side // GHOST_PX) for side in picture.shape[:2])
    return _bytes(
        cv2.resize(cv2.resize(picture, (2 * width, 2 * height)), (width, height), interpolation=cv2.INTER_AREA)
    )


def _enlarged(mask: Bytes, like: Picture) -> Bytes:
    if mask.shape == like.shape[:2]:
        return mask
    return _bytes(cv2.resize(mask, like.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT))


def _bytes(values: Map) -> Picture:
    return values.astype(np.uint8, copy=False)


def _put(picture: Picture, mask: Bytes, into: Picture) -> Picture:
    """`into`, which is changed, with the picture where the mask is not 0."""
    return _bytes(cv2.copyTo(picture, mask, into))
