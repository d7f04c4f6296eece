"""Pictures into a video file that appears under its name only when it is whole.

Time stamps are exact in mp4 and mov. Matroska (mkv, webm) counts milliseconds, and where the sound starts
before 0 (AAC's run-in) it moves sound and picture later by that, together. There is no avi: it keeps no time
stamps, so neither a start offset nor a variable rate would survive.
What it does not know: how pictures are encoded (`encoder.py`), subtitles, metadata.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av

from livestyle.errors import OutputError, SettingError
from livestyle.frame import Picture
from livestyle.sinks import partial_path
from livestyle.sinks.audio import AudioTracks
from livestyle.sinks.encoder import Encoding, PictureEncoder

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
_FRAGMENTS = {"movflags": "+hybrid_fragmented", "frag_duration": "500000", "flush_packets": "1"}
_CLUSTERS = {"cluster_time_limit": "500", "flush_packets": "1"}
_SURVIVING_OPTIONS = {".mp4": _FRAGMENTS, ".mov": _FRAGMENTS, ".mkv": _CLUSTERS, ".webm": _CLUSTERS}


@dataclass(frozen=True, kw_only=True)
class VideoOptions(Encoding):
    """How a video file is written; decided once."""

    audio_from: Path | None = None
    """A media file whose sound is copied; its clock is the one of `pts_seconds`."""


class VideoSink:
    """A context manager: `with VideoSink(...) as sink: sink.write(rgb, pts_seconds)`.

    Leaving it by an exception deletes what was written, unless it `survives`. Raises SettingError for an unknown
    suffix and OutputError when the file cannot be written. Used by one thread at a time.
    """

    def __init__(
        self, path: str | Path, options: VideoOptions, *, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.path = Path(path)
        self.options = options
        self._note = note
        self._partial = partial_path(self.path)
        self._encoder: PictureEncoder | None = None
        self._audio: AudioTracks | None = None
        check_output(self.path, options.audio_from)
        self._suffix = self.path.suffix.lower()

    def __enter__(self) -> VideoSink:
        with self._failures():
            self._open()
        return self

    def write(self, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a picture of the agreed size; see `PictureEncoder.encode`."""
        assert self._encoder is not None
        with self._failures():
            if self._audio:
                self._audio.advance(pts_seconds)
            self._container.mux(self._encoder.encode(rgb, pts_seconds))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._discard()
            return
        with self._failures():
            self._finish()

    def _open(self) -> None:
        self._container = av.open(str(self._partial.absolute()), "w")
        self._encoder = PictureEncoder(
            self._container, self.options, self._note, webm=self._suffix == ".webm", name=self.path.name
        )
        if self.options.audio_from:
            self._audio = AudioTracks(self.options.audio_from, self._container, self._note)
        if self._suffix in (".mp4", ".mov"):
            self._container.container_options.update(self._mov_options())
        if self.options.survives:
            self._container.container_options.update(_SURVIVING_OPTIONS[self._suffix])
        self._container.start_encoding()  # an unwritable folder shows now, not after the encoder's look-ahead

    def _mov_options(self) -> dict[str, str]:
        # Start offsets are written in movie ticks: by default milliseconds, which would round them.
        ticks = self.options.time_base.denominator
        scale = math.lcm(ticks, self._audio.time_scale if self._audio else 1)
        scale = scale if scale < 2**31 else ticks
        return {"movflags": "+faststart", "movie_timescale": str(scale)}

    def _finish(self) -> None:
        if self._encoder is None or self._encoder.empty:
            raise OutputError(f"{self.path}: no picture came, so no file is written; check the source")
        self._container.mux(self._encoder.rest())
        if self._audio:
            self._audio.advance(None)
            self._audio.close()
        self._container.close()
        os.replace(self._partial, self.path)

    def _discard(self) -> None:
        if self._audio:
            self._audio.close()
        # What brought us here is the failure to report, not what follows from it.
        if hasattr(self, "_container"):
            with suppress(av.FFmpegError, OSError):
                self._container.close()
        with suppress(OSError):
            if self.options.survives and self._encoder and not self._encoder.empty:
                os.replace(self._partial, self.path)
            else:
                self._partial.unlink()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Clean up whatever goes wrong, and say it in one line if it is the output's fault."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self._discard()
            raise output_error(self.path, error, kept=self.options.survives) from error
        except BaseException:
            self._discard()
            raise


def check_output(path: Path, source: Path | None = None) -> None:
    """Fail before any work is done: SettingError for the suffix, OutputError for the place."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it, as in {path / 'out.mp4'}")
    if path.suffix.lower() not in SUFFIXES:
        raise SettingError(f"{path}: suffix {path.suffix!r} is no video format here; use one of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} is not writable; choose another")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path} is also the input; choose another name for the output")


def output_error(path: Path, error: OSError | av.FFmpegError, *, kept: bool = False) -> OutputError:
    """The one line for a write that failed. kept: the file stays as far as it was written."""
    fate = "What was written is kept" if kept else "Nothing was kept"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(f"{path}: {error.strerror}; free some space or choose another disk. {fate}")
    return OutputError(f"{path} cannot be written: {error.strerror or error}; choose another place. {fate}")
