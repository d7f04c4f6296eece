"""The demo: a built-in clip played as if it were the camera, styles walking by on their own.

It uses the same live path, commands and sinks as a real show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from livestyle.frame import Picture
from livestyle.live import hud
from livestyle.live.app import Sink
from livestyle.live.engine_thread import Finished
from livestyle.looks.style_weights import StyleWeights, normalised
from livestyle.resize import resized
from livestyle.show.state import Show, describe, fade_to, pick
from livestyle.sinks.images import save_image
from livestyle.sinks.output_file import check_output
from livestyle.sinks.video import VideoOptions, VideoSink

SHOT_SECONDS = 3.0
HEADLESS_SECONDS = 18.0


def shots(styles: tuple[str, ...]) -> list[StyleWeights]:
    """The blends that the demo visits: five styles, then a blend of three."""
    singles: list[StyleWeights] = [((name, 1.0),) for name in styles[:5]]
    blend = normalised([(name, weight) for name, weight in zip(styles, (0.4, 0.35, 0.25), strict=False)])
    return [*singles, blend]


@dataclass
class Walk:
    """Crossfades from shot to shot until the person presses a key that picks or blends, or turns autoplay on."""

    styles: tuple[str, ...]
    _next: int = 1
    _due_seconds: float | None = None
    _expected: StyleWeights | None = None

    def __call__(self, show: Show, now_seconds: float) -> Show:
        """The state, with the next crossfade started when its time has come."""
        if show.shuffle:
            self._expected = ()  # no look has no styles: the walk has ended
        if self._expected is not None and show.look.weights != self._expected:
            return show
        if self._due_seconds is None:
            self._due_seconds = now_seconds + SHOT_SECONDS
        elif now_seconds >= self._due_seconds:
            weights = shots(self.styles)[self._next % len(shots(self.styles))]
            single = weights[0][0] if len(weights) == 1 else None
            show = pick(show, single, now_seconds) if single else fade_to(show, weights, now_seconds)
            show = replace(show, message=describe(weights))
            self._next += 1
            self._due_seconds = now_seconds + SHOT_SECONDS
        self._expected = show.look.weights
        return show


@contextmanager
def headless_outputs(folder: Path, seconds: float) -> Iterator[list[Sink]]:
    """Sinks that leave livestyle-demo.mp4 and the contact sheet livestyle-demo.png in a folder.

    Both appear when the block ends without an error. Raises OutputError.
    """
    sheet = ContactSheet(seconds)
    movie = folder / "livestyle-demo.mp4"
    with VideoRecorder(movie) as recorder:
        yield [recorder, sheet]
    sheet.save(movie.with_suffix(".png"))


class VideoRecorder:
    """A sink that records the clean paintings with the times at which their frames were grabbed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink: VideoSink | None = None
        self._start_seconds = 0.0

    def __enter__(self) -> VideoRecorder:
        check_output(self._path)
        return self

    def __call__(self, finished: Finished) -> None:
        rgb, at = finished.painting.rgb, finished.frame.grabbed_at
        if self._sink is None:
            self._start_seconds = at
            options = VideoOptions(size=(rgb.shape[1], rgb.shape[0]), time_base=Fraction(1, 90_000))
            self._sink = VideoSink(self._path, options).__enter__()
        self._sink.write(rgb, Fraction(at - self._start_seconds))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sink is not None:
            self._sink.__exit__(kind, error, trace)


@dataclass
class ContactSheet:
    """Collects paintings over the demo's time, for one labelled picture of them."""

    seconds: float
    columns: int = 3
    rows: int = 3
    cell_px: tuple[int, int] = (426, 240)
    _cells: list[Picture] = field(default_factory=list)
    _start_seconds: float | None = None

    def __call__(self, finished: Finished) -> None:
        """A sink: keep the painting when the next cell's time has come."""
        at = finished.frame.grabbed_at
        if self._start_seconds is None:
            self._start_seconds = at
        due = len(self._cells) * self.seconds / (self.columns * self.rows)
        if len(self._cells) < self.columns * self.rows and at - self._start_seconds >= due:
            cell = resized(finished.painting.rgb, *self.cell_px)
            self._cells.append(hud.draw(cell, hud.Overlay(message=describe(finished.look.weights))))

    def save(self, path: Path) -> None:
        """Write the sheet as a PNG."""
        width, height = self.cell_px
        sheet = Image.new("RGB", (width * self.columns, height * self.rows))
        for i, cell in enumerate(self._cells):
            sheet.paste(Image.fromarray(cell), (i % self.columns * width, i // self.columns * height))
        save_image(path, np.asarray(sheet))
