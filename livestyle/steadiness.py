"""Measures how steady the paintings of a clip are, held steady and not, side by side in one run.

Warping error (Lai et al. 2018): a painting's mean absolute difference from the one before, moved along
the frames' optical flow, where the flow there and back agrees. Optical flow finds motion of a fraction of a pixel
on ground that stands still, and a painting that never changes has a warping error too; so the plain
difference where next to nothing moves is given beside it. Steadiness has a price, measured where things
move: ghosts, the difference from the painting that is not held, and edges, how steep its steepest
fifth still is. It does not know commands; `livestyle.bench_table` knows how numbers are printed.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from livestyle.frame import Picture
from livestyle.meters import percentiles_ms
from livestyle.motion import Map, flow_to, moved, places
from livestyle.pipeline import Painter
from livestyle.resize import resized
from livestyle.settings import Look, fit_size
from livestyle.sources.video import VideoSource

SIDE_PX = 360
FRAMES = 120
SETTLING = 5
"""Frames at the start that are not counted."""

AGREES_PX = 1.0
STANDS_PX = 0.5
MOVES_PX = 1.0
STEEP_PERCENTILE = 80
LEAST_SHARE = 0.005
"""Of a picture that must stand still, or move, for it to say something about that."""


@dataclass(frozen=True)
class Steadiness:
    """Of one clip. Errors are shares of the full range, over all frames; NaN where no frame says anything."""

    clip: str
    width: int
    height: int
    frames: int
    warp_off: float
    warp_on: float
    """Warping error, not held steady and held steady."""
    flicker_off: float
    flicker_on: float
    """Difference from painting to painting where nothing moves."""
    ghosts: float
    """Difference from the painting that is not held, where things move."""
    edges: float
    """Steepness of edges that move, of that without; 1 is as sharp."""
    p50_ms: float
    p95_ms: float
    """What it costs a frame."""


def measure(
    clip: Path, make_painter: Callable[[], Painter], look: Look, *, side_px: int = SIDE_PX, frames: int = FRAMES
) -> Steadiness:
    """Paint the first frames of a clip both ways and compare. Raises SourceError."""
    off, on = make_painter(), make_painter()
    plain_look = replace(look, stability=0.0)
    meter = _Meter()
    costs_ms: list[float] = []
    with VideoSource(clip) as source:
        size = fit_size(source.width, source.height, side_px)
        for frame in itertools.islice(iter(source.read, None), frames):
            rgb, at_seconds = resized(frame.rgb, *size), float(frame.pts_seconds)
            held = on.paint(rgb, look, at_seconds=at_seconds)
            costs_ms.append(held.stage_ms["steady"])
            meter.add(rgb, off.paint(rgb, plain_look, at_seconds=at_seconds).rgb, held.rgb)
    p50_ms, p95_ms = percentiles_ms(costs_ms)
    return Steadiness(
        clip.stem,
        *size,
        frames=len(costs_ms),
        warp_off=meter.mean("warp_off"),
        warp_on=meter.mean("warp_on"),
        flicker_off=meter.mean("flicker_off"),
        flicker_on=meter.mean("flicker_on"),
        ghosts=meter.mean("ghosts"),
        edges=meter.mean("edges"),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
    )


class _Meter:
    """Gathers the errors of pairs of frames."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._last: tuple[Map, Picture, Picture] | None = None
        self._count = 0
        self._errors: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, frame: Picture, off: Picture, on: Picture) -> None:
        """The next frame with its paintings."""
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if self._last is not None and self._count >= SETTLING:
            self._compare(grey, off, on, *self._last)
        self._last = grey, off, on
        self._count += 1

    def mean(self, name: str) -> float:
        """The mean of one error over the frames that said something about it."""
        return float(np.mean(self._errors[name])) if self._errors[name] else math.nan

    def _compare(
        self, grey: Map, off: Picture, on: Picture, last_grey: Map, last_off: Picture, last_on: Picture
    ) -> None:
        back, known = self._motion(last_grey, grey)
        speed_px = np.hypot(back[..., 0], back[..., 1])
        for name, last, painting in (("off", last_off, off), ("on", last_on, on)):
            self._note(f"warp_{name}", _difference(painting, moved(last, back)), known)
            self._note(f"flicker_{name}", _difference(painting, last), known & (speed_px < STANDS_PX))
        moves = speed_px > MOVES_PX
        self._note("ghosts", _difference(on, off), moves)
        if np.mean(moves) >= LEAST_SHARE:
            steepness = _steepness(off)
            steep = moves & (steepness >= np.percentile(steepness[moves], STEEP_PERCENTILE))
            self._errors["edges"].append(float(_steepness(on)[steep].mean() / max(1e-6, steepness[steep].mean())))

    def _motion(self, last: Map, now: Map) -> tuple[Map, Map]:
        """Where each pixel was, minus where it is (H, W, 2), and whether that is known (H, W)."""
        back, forth = flow_to(now, last, self._flow), flow_to(last, now, self._flow)
        height, width = now.shape
        where = back + places(height, width)
        agrees = np.abs(back + moved(forth, back)).sum(2) < AGREES_PX
        inside = (where > 0).all(2) & (where[..., 0] < width - 1) & (where[..., 1] < height - 1)
        return back, agrees & inside

    def _note(self, name: str, errors: Map, where: Map) -> None:
        if np.mean(where) >= LEAST_SHARE:
            self._errors[name].append(float(errors[where].mean()))


def _difference(a: Map, b: Map) -> Map:
    """Mean over the colours of the absolute difference, as a share of the full range: (H, W)."""
    difference: Map = np.abs(a.astype(np.float32) - b).mean(2) / 255
    return difference


def _steepness(picture: Picture) -> Map:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    steepness: Map = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return steepness
