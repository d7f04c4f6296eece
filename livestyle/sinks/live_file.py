"""A video that is written into a pipe while it is made: Matroska in which nobody goes back.

The packets of the pictures are those that a file would hold: every segment has an encoder of its own. The header is
written at once, with the chapters, fonts and names that are known then; a length and an index are not there.

What it does not know: what is at the other end of the pipe, and when its reader plays what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
from av.packet import Packet

from livestyle.errors import OutputError, ReaderGone
from livestyle.frame import Picture
from livestyle.sinks.codecs import CODECS
from livestyle.sinks.encoder import PictureEncoder
from livestyle.sinks.muxed import Muxed
from livestyle.sinks.scheduling import usual_priority
from livestyle.sinks.segment import Segment, ignored, like_template
from livestyle.sinks.tracks import Tracks
from livestyle.sinks.video import VideoOptions

NAME = "standard output"
_OPTIONS = {"live": "1", "cluster_time_limit": "100", "flush_packets": "1", "max_interleave_delta": "100000"}
"""Clusters of 100 ms at most, and no track waits longer for another one."""


class LiveFile(Muxed):
    """A sink of segments, which come in order; see `livestyle.files.stages.Sink`. Used by one thread at a time."""

    done: Mapping[int, Segment]

    def __init__(self, descriptor: int, options: VideoOptions, *, note: Callable[[str], None]) -> None:
        """Writes the header. descriptor: of the pipe, which stays open. Raises ReaderGone, OutputError, SourceError."""
        self.done = {}
        self._options, self._note = options, note
        self._number: int | None = None
        self._last_dts: int | None = None
        with self._failures():
            self._begin()
            self._container = container = av.open(f"pipe:{descriptor}", "w", format="matroska")
            self._stream = like_template(self._encoder.stream, container, options)
            if options.tracks_from:
                self._tracks = Tracks(options.tracks_from, container, note, live=True)
            container.container_options.update(_OPTIONS)
            container.start_encoding()

    def write(self, number: int, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a picture of a segment. Raises ReaderGone, OutputError."""
        with self._failures():
            if self._number not in (None, number):
                self._end()
                self._begin()
            self._number = number
            self._mux(self._encoder.encode(rgb, pts_seconds))

    def finish(self) -> None:
        """Write what is left. Raises ReaderGone, OutputError."""
        with self._failures():
            self._end()
            self._complete()

    def discard(self) -> None:
        """It ends here; what is written can be played."""
        self._abandon()

    def _begin(self) -> None:
        """Begin an encoder for a segment, as if it were a file."""
        suffix = CODECS[self._options.codec].segment_suffix
        note = self._note if self._number is None else ignored
        self._unwritten = av.open(BytesIO(), "w", format=suffix[1:])
        self._encoder = PictureEncoder(self._unwritten, self._options, note, name=NAME)
        with usual_priority():
            self._unwritten.start_encoding()

    def _end(self) -> None:
        """End it; what it holds is large."""
        self._mux(self._encoder.rest())
        self._unwritten.close()

    def _mux(self, packets: list[Packet[Any]]) -> None:
        assert self._container is not None
        for packet in packets:
            assert packet.pts is not None and packet.dts is not None
            # An encoder begins with decoding times from before its first picture. Matroska keeps none.
            self._last_dts = packet.dts = max(packet.dts, packet.dts if self._last_dts is None else self._last_dts)
            if self._tracks:
                self._tracks.advance(packet.pts * self._options.time_base)
            packet.stream = self._stream
            self._container.mux(packet)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Clean up whatever goes wrong, and say it in one line if it is the output's fault."""
        try:
            yield
        except BrokenPipeError:
            self.discard()
            raise ReaderGone from None
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise OutputError(f"{NAME} cannot be written: {error.strerror or error}; it ends early") from error
        except BaseException:
            self.discard()
            raise
