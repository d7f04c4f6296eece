"""What a person means by the video that `livestyle video` is to paint: a file, or a sequence of images."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol

from livestyle.frame import Frame
from livestyle.sources.light import Signal
from livestyle.sources.piped import PipedMedia
from livestyle.sources.sequence import RATE, SequenceSource, sequence_files
from livestyle.sources.signal import Mastering
from livestyle.sources.video import VideoSource


class FileSource(Protocol):
    """A video that can be read from any time on, the same each time. Used by one thread at a time.

    One that comes through a pipe can only be read on, but for the last few frames.
    """

    name: str
    path: Path
    files: tuple[Path, ...]
    """What it is made of."""
    width: int
    height: int
    sample_aspect: Fraction
    """Width of a pixel over its height."""
    rate: Fraction
    """Frames per second, on average."""
    time_base: Fraction
    """Seconds per tick: every pts_seconds is a multiple of it."""
    duration_seconds: float | None
    """As announced; None when nobody knows."""
    frame_count_hint: int | None
    signal: Signal
    """How its own colours are meant; its frames are SDR in BT.709."""
    mastering: Mastering

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how it is read, one line each; more can come with every frame."""

    @property
    def damage(self) -> str | None:
        """What is wrong with what was read, in one line; that a file is cut short shows at its end."""

    def read(self) -> Frame | None:
        """The next frame, or None at the end. Of a damaged file it gives what can be decoded."""

    def seek(self, seconds: Fraction, *, run_in: bool = False) -> None:
        """Go on with the first frame at or after a time; run_in: with the one before it, if there is one."""

    def stop(self) -> None:
        """Let a read that waits for a pipe in another thread end; from then on there may be nothing to read."""

    def close(self) -> None:
        """Let go of the files; safe to call twice."""

    def __enter__(self) -> FileSource: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_video(named: Path | PipedMedia, *, sequence_rate: Fraction | None = None) -> FileSource:
    """Open a video file, or a sequence: a folder of images, a pattern, a name with %04d. Raises SourceError.

    sequence_rate: of a sequence, in frames per second.
    """
    if isinstance(named, Path) and (files := sequence_files(named)):
        return SequenceSource(named, files, rate=sequence_rate or RATE)
    return VideoSource(named)
