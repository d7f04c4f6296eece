"""What a worker of a batch does: pure functions of what it is sent and of input files that it can read.

What they make is given back as bytes, so nothing but the inputs has to be where the worker is. They know no cluster.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from pathlib import Path

from livestyle.batch.task_folder import task_folder
from livestyle.errors import DeviceError, SourceError
from livestyle.files.jobs import Job
from livestyle.files.recipe import EngineChoice, Recipe
from livestyle.files.stages import Stages
from livestyle.files.video_format import VideoFormat
from livestyle.sinks.segment import Segment, SegmentFiles
from livestyle.sinks.video import VideoOptions


@dataclass(frozen=True)
class Input:
    """A file that a worker is to read: its absolute path, and its size where it was sent from."""

    path: Path
    size_bytes: int

    def check(self) -> None:
        """Raise SourceError where there is another file under that path, or none."""
        try:
            size_bytes = self.path.stat().st_size
            with self.path.open("rb"):
                pass
        except OSError as error:
            raise SourceError(
                f"{self.path} cannot be read on {platform.node()} ({error.strerror}): "
                "all machines must see the inputs under the same path, on a shared file system"
            ) from None
        if size_bytes != self.size_bytes:
            raise SourceError(
                f"{self.path} on {platform.node()} is another file, of {size_bytes} bytes and not {self.size_bytes}: "
                "all machines must see the same inputs, on a shared file system"
            )


def input_of(path: Path) -> Input:
    """Raises SourceError."""
    try:
        return Input(path.absolute(), path.stat().st_size)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})") from None


@dataclass(frozen=True)
class PaintedSegments:
    """files: segments with their bytes. damage, notes: see `VideoReport`."""

    files: tuple[tuple[Segment, bytes], ...]
    damage: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PaintedPicture:
    """data: the image file."""

    data: bytes
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Folder:
    """See `livestyle.sinks.segment.Shelf`."""

    folder: Path
    suffix: str
    done: dict[int, Segment] = field(default_factory=dict)

    def path(self, number: int) -> Path:
        return self.folder / f"{number}{self.suffix}"

    def add(self, segment: Segment) -> None:
        self.done[segment.number] = segment


def hello(choice: EngineChoice) -> tuple[str, str]:
    """What this worker computes, as `networks_in`, and its engine for a person to read. Raises LivestyleError."""
    engine = choice.build()
    return choice.networks, f"model {engine.model}, engine {engine.name}, {engine.precision} ({engine.device})"


def paint_segments(
    recipe: Recipe,
    networks: str,
    source: Input,
    output: Path,
    video_format: VideoFormat,
    options: VideoOptions,
    first: int,
    last: int | None,
) -> PaintedSegments:
    """Paint the segments of a video from first to last, or to its end.

    networks: what the other workers compute. output: what the segments will be a part of; nothing is written there.
    options: as of `video_format`, which says how the source is read.
    Raises LivestyleError.
    """
    source.check()
    _check_alike(recipe, networks)
    notes: list[str] = []
    with task_folder() as folder, video_format.open(source.path) as video:
        shelf = _Folder(folder, video_format.check(output).segment_suffix)
        files = SegmentFiles(shelf, options, output=output, note=notes.append, damage=lambda: video.damage)
        stages = Stages(video, recipe.video_painter(), files, _silent)
        stages.paint(first, last)
        made = tuple((segment, shelf.path(number).read_bytes()) for number, segment in sorted(shelf.done.items()))
        return PaintedSegments(made, stages.damage, (*notes, *video.notes))


def paint_picture(recipe: Recipe, networks: str, source: Input, suffix: str) -> PaintedPicture:
    """Paint an image file. suffix: of the one to give back. networks: as in `paint_segments`. Raises LivestyleError."""
    source.check()
    _check_alike(recipe, networks)
    with task_folder() as folder:
        output = folder / f"painting{suffix}"
        notes = recipe.paint_picture(Job(source.path, output))
        return PaintedPicture(output.read_bytes(), tuple(notes))


def _check_alike(recipe: Recipe, networks: str) -> None:
    if recipe.engine.networks != networks:
        raise DeviceError(
            f"{platform.node()} would paint otherwise than the first worker, with {recipe.engine.networks} instead of "
            f"{networks}: install the same version everywhere, and choose --device and --model"
        )


def _silent(done: int, expected: int | None) -> None:
    pass
