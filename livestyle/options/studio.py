"""Paints files, videos and pictures, as a command's options say. What is needed for that is built when first used.

It knows no other files than the one that it is given, and no progress bars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from livestyle.files.file_painter import LookPainter
from livestyle.files.jobs import Job
from livestyle.files.kinds import is_video
from livestyle.files.recipe import EngineChoice, Recipe, styles_of
from livestyle.files.stills import Stills
from livestyle.files.transcode import VideoReport, stream_video, stylize_video
from livestyle.files.video_format import VideoFormat
from livestyle.looks.look import Look
from livestyle.looks.style import Palette
from livestyle.options.painting import PaintingOptions
from livestyle.options.setup import Setup
from livestyle.painting.color import sampled_palette
from livestyle.painting.match_color import palette_of_video
from livestyle.painting.pipeline import Painter
from livestyle.painting.size import fit_size
from livestyle.script.script import Timeline, timeline, unchanging
from livestyle.sources.images import load_image
from livestyle.sources.piped import PipedMedia


class Studio:
    """Paints files one by one."""

    def __init__(self, options: PaintingOptions, *, quality: int | None = None) -> None:
        """quality: of lossy pictures. Raises LivestyleError for what is wrong with the options, before any work."""
        options.check()
        self.setup = Setup(options)
        self.size = options.painting_size
        self._options, self._quality = options, quality
        self._script = None if options.script is None else self.setup.script(options.script)

    def prepare(self) -> None:
        """Build all that does not depend on a file. Raises LivestyleError: what is wrong with it is wrong with all."""
        self.prepare_looks()
        _ = self.painter

    def prepare_looks(self) -> None:
        """Build what is needed to say how files are painted; no engine, unless images become styles."""
        _ = self._look_for
        if not self.paints_each_otherwise:
            self.looks(_no_colours)

    @property
    def paints_each_otherwise(self) -> bool:
        """Whether looks depend on the file."""
        return self._options.match_color

    def looks(self, colours: Callable[[], Palette]) -> Timeline:
        """The looks over the time of a file; its colours are asked for with --match-color only."""
        return self._scripted or unchanging(self._look_for(colours))

    @cached_property
    def painter(self) -> Painter:
        """For streams of frames."""
        return Painter(self.setup.engine, self.setup.bank, size=self.size)

    @property
    def engine_choice(self) -> EngineChoice:
        """What was asked for."""
        options = self._options
        return EngineChoice(options.device, options.model, options.half, options.int8, self.setup.weights_dir)

    def recipe(self, job: Job) -> Recipe:
        """How a file is painted. Raises SourceError where its colours are needed and it cannot be read."""

        def colours() -> Palette:
            return palette_of_video(job.source) if is_video(job.source) else sampled_palette(load_image(job.source))

        looks = self.looks(colours)
        return Recipe(self.engine_choice, looks, styles_of(looks, self.setup.bank), self.size, self._quality)

    def paint_video(
        self,
        source: Path,
        output: Path,
        *,
        progress: Callable[[int, int | None], None],
        note: Callable[[str], None],
        **options: Any,
    ) -> VideoReport:
        """Paint a video file; see `stylize_video`, which takes the options too and whose errors are raised."""
        looks = self.looks(lambda: palette_of_video(source))
        return stylize_video(
            source,
            output,
            self._painter_of(looks),
            size_of=self._fitted,
            progress=progress,
            note=note,
            **options,
        )

    def paint_stream(
        self,
        source: Path | PipedMedia,
        descriptor: int,
        *,
        progress: Callable[[int, int | None], None],
        note: Callable[[str], None],
        video_format: VideoFormat,
    ) -> VideoReport:
        """Paint a video into a pipe; see `stream_video`."""
        looks = self.looks(lambda: palette_of_video(source) if isinstance(source, Path) else _no_colours())
        return stream_video(
            source,
            descriptor,
            self._painter_of(looks),
            size_of=self._fitted,
            progress=progress,
            note=note,
            video_format=video_format,
        )

    def _painter_of(self, looks: Timeline) -> LookPainter:
        return LookPainter(self.painter, looks, self.setup.weights_dir)

    def _fitted(self, width: int, height: int) -> tuple[int, int]:
        """The size of the paintings for a source's."""
        return fit_size(width, height, self.size)

    def paint_picture(self, job: Job, note: Callable[[str], None], progress: Callable[[int, int], None]) -> None:
        """Paint an image file, in the look of time 0; see `Stills.paint`."""
        self._stills.paint(job, note, progress)

    @cached_property
    def _stills(self) -> Stills:
        return Stills(
            lambda: self.painter,
            lambda colours: self.looks(colours).look_at(0.0),
            size=self.size,
            quality=self._quality,
            weights=self.setup.weights_dir,
        )

    @cached_property
    def _look_for(self) -> Callable[[Callable[[], Palette]], Look]:
        return self.setup.look_for(self._options, match_color=self._options.match_color)

    @cached_property
    def _scripted(self) -> Timeline | None:
        if self._script is None:
            return None
        start = self._look_for(_no_colours)
        show = self.setup.show(start)
        script = self.setup.encoded_script(self._script, show)
        return timeline(script, replace(show, styles=self.setup.bank.names))  # with the images that it has encoded


def _no_colours() -> Palette:
    raise AssertionError("colours are asked for with --match-color only")
