"""Measures how steady the paintings of a clip are, held steady and not, side by side in one run.

Warping error (Lai et al. 2018): a painting's mean absolute difference from the one before, moved along
the frames' optical flow, where the flow there and back agrees. Optical flow finds motion of a fraction of a pixel
on ground that stands still, and a painting that never changes has a warping error too; so the plain
difference where next to nothing moves is given beside it. Steadiness has a price, measured where things
move: ghosts, the difference from the painting that is not held; edges, how steep it is across the frame's
steepest fifth; strokes, how steep its own steepest fifth still is, which counts edges and what flickers alike.
It does not know commands; `livestyle.bench.table` knows how numbers are printed.
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
from livestyle.looks.look import Look
from livestyle.meters import percentiles_ms
from livestyle.painting.motion import Map, flow_to, moved, places
from livestyle.painting.pipeline import Painter
from livestyle.painting.size import fit_size
from livestyle.resize import resized
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
    """Steepness across the frame's edges that move, of that without; 1 is as sharp."""
    strokes: float
    """Steepness of the painting's steepest parts that move, of that without. Flicker counts as well."""
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
        edges=meter.ratio("edges_on", "edges_off"),
        strokes=meter.ratio("strokes_on", "strokes_off"),
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
        grey = _grey(frame)
        if self._last is not None and self._count >= SETTLING:
            self._compare(grey, off, on, *self._last)
        self._last = grey, off, on
        self._count += 1

    def mean(self, name: str) -> float:
        """The mean of one error over the frames that said something about it."""
        return float(np.mean(self._errors[name])) if self._errors[name] else math.nan

    def ratio(self, name: str, other: str) -> float:
        """Of two means."""
        return self.mean(name) / self.mean(other) if self.mean(other) else math.nan

    def _compare(
        self, grey: Map, off: Picture, on: Picture, last_grey: Map, last_off: Picture, last_on: Picture
    ) -> None:
        back, known = self._motion(last_grey, grey)
        speed_px = np.hypot(back[..., 0], back[..., 1])
        for name, last, painting in (("off", last_off, off), ("on", last_on, on)):
            self._note(f"warp_{name}", _difference(painting, moved(last, back + places(*back.shape[:2]))), known)
            self._note(f"flicker_{name}", _difference(painting, last), known & (speed_px < STANDS_PX))
        moves = speed_px > MOVES_PX
        self._note("ghosts", _difference(on, off), moves)
        if np.mean(moves) >= LEAST_SHARE:
            self._sharpness(grey, off, on, moves)

    def _sharpness(self, grey: Map, off: Picture, on: Picture, moves: Map) -> None:
        scene = _slope(cv2.GaussianBlur(grey, (0, 0), 1))
        edge = _steepest(scene, moves)
        across = scene[edge] / np.maximum(1e-6, np.linalg.norm(scene[edge], axis=-1, keepdims=True))
        stroke = _steepest(_slope(_grey(off)), moves)
        for name, slope in (("off", _slope(_grey(off))), ("on", _slope(_grey(on)))):
            self._errors[f"edges_{name}"].append(float((slope[edge] * across).sum(-1).mean()))
            self._errors[f"strokes_{name}"].append(float(np.linalg.norm(slope[stroke], axis=-1).mean()))

    def _motion(self, last: Map, now: Map) -> tuple[Map, Map]:
        """Where each pixel was, minus where it is (H, W, 2), and whether that is known (H, W)."""
        back, forth = flow_to(now, last, self._flow), flow_to(last, now, self._flow)
        height, width = now.shape
        where = back + places(height, width)
        agrees = np.abs(back + moved(forth, where)).sum(2) < AGREES_PX
        inside = (where > 0).all(2) & (where[..., 0] < width - 1) & (where[..., 1] < height - 1)
        return back, agrees & inside

    def _note(self, name: str, errors: Map, where: Map) -> None:
        if np.mean(where) >= LEAST_SHARE:
            self._errors[name].append(float(errors[where].mean()))


def _difference(a: Map, b: Map) -> Map:
    """Mean over the colours of the absolute difference, as a share of the full range: (H, W)."""
    difference: Map = np.abs(a.astype(np.float32) - b).mean(2) / 255
    return difference


def _grey(picture: Picture) -> Map:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _slope(grey: Map) -> Map:
    """How a grey picture changes to the right and down: (H, W, 2)."""
    return np.stack([cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)], axis=-1)


def _steepest(slope: Map, where: Map) -> Map:
    """Where it is steepest there: (H, W) bool."""
    steepness = np.linalg.norm(slope, axis=-1)
    steepest: Map = where & (steepness >= np.percentile(steepness[where], STEEP_PERCENTILE))
    return steepest
