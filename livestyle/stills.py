"""Paints image files one by one: each is read, painted in a Look and written. Where to: `livestyle.jobs`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from livestyle.color import sampled_palette
from livestyle.errors import SourceError
from livestyle.frame import Picture
from livestyle.jobs import Job
from livestyle.pipeline import Painter
from livestyle.settings import Look, fit_size
from livestyle.sinks.images import save_image
from livestyle.sources.still import Still, read_still
from livestyle.style import Palette

SMALLEST_PX = 16
"""A side of what an engine paints, at least."""


class Stills:
    """Paints image files as a command's options say."""

    def __init__(
        self,
        painter: Callable[[], Painter],
        look_for: Callable[[Callable[[], Palette]], Look],
        *,
        size: tuple[int, int] | int | None = None,
        quality: int | None = None,
    ) -> None:
        """painter: asked for when a picture is read. look_for: see `Setup.look_for`.

        size: of the paintings; None: each picture's own. quality: of lossy files.
        """
        self._painter, self._look_for, self._size, self._quality = painter, look_for, size, quality

    def paint(self, job: Job, note: Callable[[str], None]) -> None:
        """Paint one file into another. Raises SourceError and OutputError; then nothing is written.

        note: called with a line that a person should read.
        """
        still = read_still(job.source)  # before the network loads: a bad first file is said at once
        for remark in still.notes:
            note(f"{job.source}: {remark}")
        painting = self._painting(job, still)
        save_image(job.output, painting, quality=self._quality, exif=still.exif)

    def _painting(self, job: Job, still: Still) -> Picture:
        height, width = still.rgb.shape[:2]
        if min(fit_size(width, height, self._size)) < SMALLEST_PX:
            raise SourceError(
                f"{job.source} is {width}x{height} pixels and a painting has {SMALLEST_PX} or more a side: "
                f"enlarge it, as --size {SMALLEST_PX} does"
            )
        look = self._look_for(partial(sampled_palette, still.rgb))
        return self._painter().paint(still.rgb, look).rgb
