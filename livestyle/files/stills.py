"""Paints image files one by one: each is read, painted in a Look and written. Where to: `livestyle.files.jobs`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from livestyle.errors import SourceError
from livestyle.files.jobs import Job
from livestyle.frame import Picture
from livestyle.looks.look import Look
from livestyle.looks.style import Palette
from livestyle.model.weights import ModelName
from livestyle.painting.color import sampled_palette
from livestyle.painting.pipeline import Painter
from livestyle.painting.size import fit_size
from livestyle.sinks.images import save_image
from livestyle.sources.still import read_still

if TYPE_CHECKING:
    from livestyle.painting.large import LargePainter

SMALLEST_PX = 16
"""A side of what an engine paints, at least."""
WHOLE_PIXELS: dict[ModelName, int] = {"fast": 25_000_000, "paper": 4_000_000}
"""Of pictures that are painted whole, at most: that takes some 3 GB of memory. Larger ones are painted in tiles."""


class Stills:
    """Paints image files as a command's options say."""

    def __init__(
        self,
        painter: Callable[[], Painter],
        look_for: Callable[[Callable[[], Palette]], Look],
        *,
        size: tuple[int, int] | int | None = None,
        quality: int | None = None,
        weights: Path | None = None,
    ) -> None:
        """painter: asked for when a picture is read. look_for: see `Setup.look_for`.

        size: of the paintings; None: each picture's own. quality: of lossy files. weights: the folder that the
        painter's are from; None: the shipped ones.
        """
        self._painter, self._look_for, self._size, self._quality = painter, look_for, size, quality
        self._weights = weights

    def paint(
        self, job: Job, note: Callable[[str], None], progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """Paint one file into another. Raises SourceError and OutputError; then nothing is written.

        note: called with a line that a person should read. progress: with the steps of a large picture that are
        done, and how many there are; of others it is not called.
        """
        still = read_still(job.source)  # before the network loads: a bad first file is said at once
        for remark in still.notes:
            note(f"{job.source}: {remark}")
        painting, exif = self._painting(job, still.rgb, note, progress), still.exif
        del still  # a photograph of 100 megapixels makes room for what writing its painting needs
        save_image(job.output, painting, quality=self._quality, exif=exif)

    def _painting(
        self, job: Job, rgb: Picture, note: Callable[[str], None], progress: Callable[[int, int], None]
    ) -> Picture:
        height, width = rgb.shape[:2]
        size = fit_size(width, height, self._size)
        if min(size) < SMALLEST_PX:
            raise SourceError(
                f"{job.source} is {width}x{height} pixels and a painting has {SMALLEST_PX} or more a side: "
                f"enlarge it, as --size {SMALLEST_PX} does"
            )
        look = self._look_for(partial(sampled_palette, rgb))
        if size[0] * size[1] <= WHOLE_PIXELS[self._painter().engine.model]:
            return self._painter().paint(rgb, look).rgb
        note(f"{job.source}: {size[0]}x{size[1]} pixels are painted in tiles, by {self._large_painter.engine.name}")
        return self._large_painter.paint(rgb, look, progress)

    @cached_property
    def _large_painter(self) -> LargePainter:
        from livestyle.engine.tiled import tiled_engine
        from livestyle.painting.large import LargePainter

        painter = self._painter()
        return LargePainter(tiled_engine(painter.engine, self._weights), painter.styles, size=self._size)
