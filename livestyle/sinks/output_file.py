"""A video file on its way to the disk: it appears under its name only when it is whole.

One that survives failures replaces no file, neither one of its name nor one that is being written: it takes a number.
It holds the container, the other tracks that are copied from the source, and what happens when something fails.
Time stamps are exact in mp4 and mov. Matroska (mkv, webm) counts milliseconds, and where the sound starts
before 0 (AAC's run-in) it moves sound and picture later by that, together. There is no avi: it keeps no time
stamps, so neither a start offset nor a variable rate would survive.

What it does not know: where its packets of pictures come from.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import av
from av.container import OutputContainer
from av.packet import Packet

from livestyle.errors import OutputError
from livestyle.sinks import created, numbered, partial_path
from livestyle.sinks.codecs import codec_for
from livestyle.sinks.extras import EXPERIMENTAL
from livestyle.sinks.muxed import Muxed
from livestyle.sinks.scheduling import usual_priority
from livestyle.sinks.tracks import Tracks, TracksFrom

_FRAGMENTS = {"movflags": "+hybrid_fragmented", "frag_duration": "500000", "flush_packets": "1"}
_CLUSTERS = {"cluster_time_limit": "500", "flush_packets": "1"}
_SURVIVING_OPTIONS = {".mp4": _FRAGMENTS, ".mov": _FRAGMENTS, ".mkv": _CLUSTERS, ".webm": _CLUSTERS}

Added = TypeVar("Added")


class OutputFile(Muxed):
    """To be opened, fed with packets, and finished or discarded. Used by one thread at a time."""

    def __init__(
        self,
        path: Path,
        *,
        time_base: Fraction,
        tracks_from: TracksFrom | None,
        survives: bool,
        note: Callable[[str], None],
    ) -> None:
        """time_base: seconds per tick of the pictures. tracks_from: whose other tracks are copied.

        survives: the file is kept when writing fails, as far as it was written, plays, and replaces none: `path` gets
        a number where it must. Raises SettingError for an unknown suffix, OutputError for a place that cannot be
        written to.
        """
        check_output(path, tracks_from.path if tracks_from else None)
        self.path = path
        self._time_base, self._tracks_from, self._survives, self._note = time_base, tracks_from, survives, note
        self._suffix = path.suffix.lower()
        self._names = numbered(path)
        self.partial = self._reserved() if survives else partial_path(path)
        """Where it is written until it is whole."""
        self._empty = True

    def open(self, add_pictures: Callable[[OutputContainer], Added]) -> Added:
        """Begin the file; add_pictures adds the stream of pictures, and what it returns is returned."""
        with self.failures():
            self._container = container = av.open(str(self.partial.absolute()), "w")
            added = add_pictures(container)
            if self._tracks_from:
                self._tracks = Tracks(self._tracks_from, container, self._note)
            if self._suffix in (".mp4", ".mov"):
                container.container_options.update(self._mov_options())
            if self._survives:
                container.container_options.update(_SURVIVING_OPTIONS[self._suffix])
            with usual_priority():
                container.start_encoding()  # an unwritable folder shows now, not after the encoder's look-ahead
        return added

    def mux(self, packets: Sequence[Packet[Any]], until_seconds: Fraction) -> None:
        """Add packets of pictures, and the other tracks up to a time. Raises OutputError; then nothing can follow."""
        assert self._container is not None
        with self.failures():
            if self._tracks:
                self._tracks.advance(until_seconds)
            self._container.mux(packets)
            self._empty = self._empty and not packets

    def finish(self, packets: Sequence[Packet[Any]] = ()) -> None:
        """Add the last packets and what is left of the other tracks, and give the file its name. Raises OutputError."""
        assert self._container is not None
        with self.failures():
            self._container.mux(packets)
            if self._empty and not packets:
                raise OutputError(f"{self.path}: no picture came, so no file is written; check the source")
            self._complete()
            self._name()

    def discard(self) -> None:
        """Delete what was written, unless it survives."""
        self._abandon()
        with suppress(OSError):
            if self._survives and not self._empty:
                self._name()
            else:
                self.partial.unlink()

    def _reserved(self) -> Path:
        """A partial file of nobody else, for the first name that is not taken. Raises OutputError."""
        try:
            self.path = next(name for name in self._names if not name.exists() and created(partial_path(name)))
        except OSError as error:
            raise output_error(self.path, error) from error
        return partial_path(self.path)

    def _name(self) -> None:
        """Give the file its name; where it survives and the name was taken meanwhile, the next. Raises OSError."""
        if self._survives:
            self.path = next(name for name in chain([self.path], self._names) if created(name))
        try:
            os.replace(self.partial, self.path)
        except OSError:
            if self._survives:
                self.path.unlink()  # the empty one
            raise

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Clean up whatever goes wrong, and say it in one line if it is the output's fault."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise output_error(self.path, error, kept=self._survives) from error
        except BaseException:
            self.discard()
            raise

    def _mov_options(self) -> dict[str, str]:
        # Start offsets are written in movie ticks: by default milliseconds, which would round them.
        ticks = self._time_base.denominator
        scale = math.lcm(ticks, self._tracks.time_scale if self._tracks else 1)
        scale = scale if scale < 2**31 else ticks
        return {"movflags": "+faststart", "movie_timescale": str(scale), **EXPERIMENTAL}


def check_output(path: Path, source: Path | None = None) -> None:
    """Fail before any work is done: SettingError for the suffix, OutputError for the place."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it, as in {path / 'out.mp4'}")
    codec_for(path)
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
