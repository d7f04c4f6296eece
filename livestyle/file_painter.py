"""Paints the frames of a file as a Look says, or as the Look of each moment does.

What it does not know: files and their formats, segments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from livestyle import __version__
from livestyle.bank import Bank
from livestyle.engine import Engine
from livestyle.frame import Picture
from livestyle.masks import MaskFile
from livestyle.pipeline import Painter
from livestyle.settings import Look
from livestyle.weights import network_entries


class LookPainter:
    """See `livestyle.transcode.FilePainter`."""

    def __init__(
        self, painter: Painter, look_at: Callable[[float], Look], *, looks: str, looks_back: bool, weights: Path | None
    ) -> None:
        """look_at: the Look at a time in seconds. looks: a digest of all of them, as of `look_digest`.

        looks_back: one of them has stability. weights: the folder that the engine has its networks from.
        """
        self._painter, self._look_at = painter, look_at
        self.looks_back = looks_back
        self.identity = f"{_networks(painter.engine, weights)}, size {painter.size}, {looks}"

    def begin(self) -> None:
        """Forget the frames before."""
        self._painter.reset()

    def paint(self, rgb: Picture, pts_seconds: Fraction) -> Picture:
        """The painting of a frame, HxWx3 uint8 RGB. Raises StyleError."""
        seconds = float(pts_seconds)
        return self._painter.paint(rgb, self._look_at(seconds), at_seconds=seconds).rgb


def steady_painter(painter: Painter, look: Look, weights: Path | None) -> LookPainter:
    """For a Look that stays."""
    digest = look_digest(look, painter.bank)
    return LookPainter(painter, lambda seconds: look, looks=digest, looks_back=look.stability > 0, weights=weights)


def look_digest(look: Look, bank: Bank) -> str:
    """Looks with the same one paint the same: it covers the styles' numbers and the mask's pixels."""
    digest = hashlib.sha256()
    area = look.layout.area if look.layout else None
    digest.update(area.labels.tobytes() if isinstance(area, MaskFile) else repr(area).encode())
    for region in look.region_styles:
        stats = bank.blend(region) if region is not None else None
        digest.update(stats.numbers.tobytes() + stats.palette.covariance.tobytes() if stats else b"original")
    plain = replace(look, layout=None, weights=(("", 1.0),))
    digest.update(repr(plain).encode())
    return digest.hexdigest()


def _networks(engine: Engine, weights: Path | None) -> str:
    sums = [entry.sha256 for entry in network_entries(weights, engine.model)]
    return f"livestyle {__version__}, {engine.model} {sums}, {engine.name}, {engine.precision} on {engine.device}"
