"""Paints the frames of a file as the Look of each moment says.

What it does not know: files and their formats, segments.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from livestyle import __version__
from livestyle.engine import Engine
from livestyle.frame import Picture
from livestyle.looks.look import Look
from livestyle.looks.masks import MaskFile
from livestyle.looks.style import Styles
from livestyle.model.weights import network_entries
from livestyle.painting.pipeline import Painter, Started
from livestyle.script.script import Timeline


class LookPainter:
    """See `livestyle.files.stages.FilePainter`."""

    def __init__(self, painter: Painter, looks: Timeline, weights: Path | None) -> None:
        """looks: the Look at any time of the file. weights: the folder that the engine has its networks from."""
        self._painter, self._looks = painter, looks
        self.looks_back = looks.steadies
        networks = f"{networks_in(painter.engine, weights)} on {painter.engine.device}"
        self.identity = identity(networks, painter.size, looks_digest(looks, painter.styles))

    def begin(self) -> None:
        """Forget the frames before."""
        self._painter.reset()

    @property
    def in_flight(self) -> int:
        """How many frames may be under way."""
        return self._painter.engine.in_flight

    def start(self, rgb: Picture, pts_seconds: Fraction) -> Started:
        """Begin to paint a frame, HxWx3 uint8 RGB. Raises StyleError."""
        seconds = float(pts_seconds)
        return self._painter.start(rgb, self._looks.look_at(seconds), at_seconds=seconds)

    def finish(self, started: Started) -> Picture:
        """Its painting."""
        return self._painter.finish(started).rgb


def looks_digest(looks: Timeline, styles: Styles) -> str:
    """Of all Looks of a Timeline, as `look_digest`."""
    digest = hashlib.sha256()
    for begins_seconds, moment in zip((None, *looks.times), looks.moments, strict=True):
        show = moment.show
        digest.update(f"{begins_seconds} {moment.ramps} {look_digest(show.look, styles)}\n".encode())
        if show.fade_from:
            before = look_digest(replace(show.look, weights=show.fade_from), styles)
            digest.update(f"{show.fade_start_seconds} {show.fade_seconds} {before}\n".encode())
    return digest.hexdigest()


def look_digest(look: Look, styles: Styles) -> str:
    """Looks with the same one paint the same: it covers the styles' numbers and the mask's pixels."""
    digest = hashlib.sha256()
    area = look.layout.area if look.layout else None
    digest.update(area.labels.tobytes() if isinstance(area, MaskFile) else repr(area).encode())
    for region in look.region_styles:
        stats = styles.blend(region) if region is not None else None
        digest.update(stats.content if stats else b"original")
    plain = replace(look, layout=None, weights=(("", 1.0),))
    digest.update(repr(plain).encode())
    return digest.hexdigest()


def networks_in(engine: Engine, weights: Path | None) -> str:
    """What is computed, and how; on any device of the engine's kind that is the same up to rounding."""
    sums = [entry.sha256 for entry in network_entries(weights, engine.model)]
    return f"livestyle {__version__}, {engine.model} {sums}, {engine.name}, {engine.precision}"


def identity(networks: str, size: tuple[int, int] | int | None, looks: str) -> str:
    """Of a painter: what it computes, the size of its paintings, and a digest of its looks."""
    return f"{networks}, size {size}, {looks}"
