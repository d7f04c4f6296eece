"""From a frame to a painting: resize, mirror, engine, colour. Owns the state of one stream.

The style code is computed when the blend of styles changes, never per frame, and never with an
encoder: the bank holds statistics.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np

from livestyle.bank import Bank
from livestyle.color import keep_frame_color, match_palette
from livestyle.engine import Engine, StyleCode
from livestyle.frame import Picture
from livestyle.settings import Look, StyleWeights, fit_size
from livestyle.style import Palette


@dataclass(frozen=True, eq=False)
class Painting:
    """A finished picture: HxWx3 uint8 RGB, and the milliseconds that each stage took."""

    rgb: Picture
    stage_ms: dict[str, float]


def resized(rgb: Picture, width: int, height: int) -> Picture:
    """The picture at another size; the same object when the size is right already."""
    if rgb.shape[:2] == (height, width):
        return rgb
    shrinks = width * height < rgb.shape[0] * rgb.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(rgb, (width, height), interpolation=method).astype(np.uint8, copy=False)


class Painter:
    """Paints the frames of one stream with one engine. Used by one thread at a time."""

    def __init__(self, engine: Engine, bank: Bank, *, size: tuple[int, int] | int | None = None) -> None:
        """size: of the paintings, as in `RunSettings.size`."""
        self.engine = engine
        self.bank = bank
        self.size = size
        self._blend: tuple[StyleWeights, StyleCode, Palette] | None = None

    def paint(self, rgb: Picture, look: Look) -> Painting:
        """Paint a frame (HxWx3 uint8 RGB) as the Look says. Raises StyleError for unknown styles."""
        stage_ms: dict[str, float] = {}
        with _timed(stage_ms, "prepare"):
            height, width = rgb.shape[:2]
            frame = resized(rgb, *fit_size(width, height, self.size))
            if look.mirror:
                frame = np.ascontiguousarray(frame[:, ::-1])
        if look.bypass:
            return Painting(frame, stage_ms)
        with _timed(stage_ms, "style"):
            code, palette = self._blended(look.weights)
        with _timed(stage_ms, "network"):
            painting = self.engine.stylize(frame, code, look.alpha)
        if look.preserve_color:
            with _timed(stage_ms, "colour"):
                painting = keep_frame_color(painting, frame)
        elif look.palette:
            with _timed(stage_ms, "colour"):
                painting = match_palette(painting, palette, look.alpha)
        return Painting(painting, stage_ms)

    def _blended(self, weights: StyleWeights) -> tuple[StyleCode, Palette]:
        if self._blend is None or self._blend[0] != weights:
            stats = self.bank.blend(weights)
            self._blend = weights, self.engine.style_code(stats), stats.palette
        return self._blend[1:]


@contextmanager
def _timed(stage_ms: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stage_ms[stage] = (time.perf_counter() - start) * 1000
