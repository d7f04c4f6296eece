"""A media file that comes through a pipe and is read once, from front to back: nothing of it is kept.

The pictures' packets go to whoever reads them; those of the other tracks that come between wait until they are taken.
So there is no more of it in memory than what lies between the pictures that are read and those that are written.

What it does not know: files that must be read from several places (mp4 and mov, unless fragmented), covers, the end of
what is still being made.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.video.stream import VideoStream

from livestyle.errors import SourceError
from livestyle.sources.media import reason

NAME = "standard input"
_CHUNK_BYTES = 1 << 16
_CHUNKS = 16
_POLL_SECONDS = 0.1
_BOX_HEADER_BYTES = 16
_MAX_FRAGMENTED_HEADER_BYTES = 1 << 20


class PipedBytes:
    """What comes through a pipe, as a file that can only be read on. Another thread may `stop` a read that waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._chunks: queue.Queue[bytes] = queue.Queue(_CHUNKS)
        self._rest = b""
        self._stopped = threading.Event()
        self._interrupted = False
        threading.Thread(target=self._fill, name="livestyle-stdin", daemon=True).start()

    def read(self, size: int, /) -> bytes:
        """What is there, up to so many bytes; waits for the first of them. Nothing at the end."""
        try:
            self._rest = self._rest or self._next()
        except KeyboardInterrupt:  # FFmpeg would lose it
            self._interrupted = True
            self.stop()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def peek(self, size: int) -> bytes:
        """So many bytes, or all up to the end; they are read again."""
        while len(self._rest) < size and (chunk := self._next()):
            self._rest += chunk
        return self._rest[:size]

    def stop(self) -> None:
        """It ends here; safe to call from any thread."""
        self._stopped.set()

    def check(self) -> None:
        """Raise KeyboardInterrupt if that is why it ended."""
        if self._interrupted:
            raise KeyboardInterrupt

    def _next(self) -> bytes:
        while not self._stopped.is_set():
            try:
                chunk = self._chunks.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if not chunk:
                self.stop()
            return chunk
        return b""

    def _fill(self) -> None:
        chunk = b"more"
        while chunk and not self._stopped.is_set():
            try:
                chunk = os.read(self._descriptor, _CHUNK_BYTES)
            except OSError:
                chunk = b""
            self._chunks.put(chunk)


class PipedMedia:
    """The tracks of such a file. Its packets are read by one thread, and those of `others` taken by one."""

    path = Path("-")

    def __init__(self, data: PipedBytes) -> None:
        """Raises SourceError."""
        self.name = NAME
        self._data = data
        self._others: deque[Packet[Any]] = deque()
        try:
            self.container = av.open(data, "r", metadata_errors="surrogateescape")
        except (av.FFmpegError, OSError) as error:
            data.check()
            raise SourceError(
                f"{NAME} is not a video that FFmpeg can read from a pipe: {reason(error)}; "
                "pipe mkv, ts, flv or fragmented mp4, as with `ffmpeg ... -f matroska -`"
            ) from error

    def demux(self, stream: VideoStream) -> Iterator[Packet[Any]]:
        """The packets of one stream, and at the end an empty one."""
        for packet in self.container.demux():
            if packet.stream.index == stream.index:
                yield packet
            elif packet.size:
                self._others.append(packet)
        self._data.check()

    def others(self) -> Iterator[Packet[Any] | None]:
        """Endlessly the packets of the other streams, None where there are no more for now."""
        while True:
            yield self._others.popleft() if self._others else None

    def rest(self) -> Iterator[Packet[Any]]:
        """What is left, of all streams, when the pictures are no longer read."""
        while self._others:
            yield self._others.popleft()
        yield from self.container.demux()

    def stop(self) -> None:
        """A read that waits ends, and there is nothing more to read; safe to call from any thread."""
        self._data.stop()

    def close(self) -> None:
        """Let go of it; nobody is reading."""
        self.stop()
        self.container.close()


def must_be_kept(data: PipedBytes) -> bool:
    """Whether what comes has to be read from several places: mp4 and mov, unless their header says fragments."""
    at = 0
    while True:
        header = data.peek(at + _BOX_HEADER_BYTES)[at:]
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if at == 0 and kind not in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot"):
            return False
        if kind == b"moov" and size <= _MAX_FRAGMENTED_HEADER_BYTES:
            return b"mvex" not in data.peek(at + size)[at:]
        if kind in (b"moov", b"mdat", b"") or size < 8 or at + size > _MAX_FRAGMENTED_HEADER_BYTES:
            return True
        at += size
