"""Pictures into a video file that appears under its name only when it is whole.

What it does not know: how pictures are encoded (`encoder.py`), and what a file is (`output_file.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from livestyle.frame import Picture
from livestyle.sinks.encoder import Encoding, PictureEncoder
from livestyle.sinks.output_file import OutputFile
from livestyle.sinks.tracks import TracksFrom


@dataclass(frozen=True, kw_only=True)
class VideoOptions(Encoding):
    """How a video file is written; decided once."""

    tracks_from: TracksFrom | None = None
    """A media file whose other tracks are copied; its clock is the one of `pts_seconds`."""


class VideoSink:
    """A context manager: `with VideoSink(...) as sink: sink.write(rgb, pts_seconds)`.

    Leaving it by an exception deletes what was written, unless it `survives`. Raises SettingError for an unknown
    suffix and OutputError when the file cannot be written. Used by one thread at a time.
    """

    def __init__(
        self, path: str | Path, options: VideoOptions, *, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.options = options
        self._note = note
        self._file = OutputFile(
            Path(path),
            time_base=options.time_base,
            tracks_from=options.tracks_from,
            survives=options.survives,
            note=note,
        )

    @property
    def path(self) -> Path:
        """Of the file when it is whole; with a number where it `survives` and the name was taken."""
        return self._file.path

    @property
    def partial(self) -> Path:
        """Of the file until then."""
        return self._file.partial

    def __enter__(self) -> VideoSink:
        self._encoder = self._file.open(
            lambda container: PictureEncoder(container, self.options, self._note, name=self.path.name)
        )
        return self

    def write(self, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a picture of the agreed size; see `PictureEncoder.encode`."""
        with self._file.failures():
            packets = self._encoder.encode(rgb, pts_seconds)
        self._file.mux(packets, pts_seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._file.discard()
            return
        with self._file.failures():
            packets = self._encoder.rest()
        self._file.finish(packets)
