"""Time stamps without jumps, for streams whose clocks may start anew: recordings of television that were put together.

Each stream goes on where it was, so at such a place sound and picture can part by as much as one of them was longer.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.stream import Discard

from livestyle.sources.media import open_media

_BACK_SECONDS, _AHEAD_SECONDS = Fraction(1, 10), 10
"""What is further away is another clock's."""


class Continuity:
    """Of one stream; sees its packets in the order of the file."""

    def __init__(self) -> None:
        self.jumps = 0
        self.shift_ticks = 0
        """What the times are moved by now."""
        self._last: int | None = None
        self._step = 1

    def keep(self, packet: Packet[Any]) -> None:
        """Move a packet's times so that they go on where those before it ended."""
        if packet.dts is not None:
            dts = packet.dts + self.shift_ticks
            if self._last is not None:
                gap_seconds = (dts - self._last) * packet.time_base
                if not -_BACK_SECONDS <= gap_seconds <= _AHEAD_SECONDS:
                    self.jumps += 1
                    self.shift_ticks += self._last + self._step - dts
                    dts = self._last + self._step
                self._step = max(1, dts - self._last)
            self._last = packet.dts = dts
        if packet.pts is not None:
            packet.pts += self.shift_ticks


def clock_jumps(path: Path, index: int) -> bool:
    """Whether the clock of a file's stream jumps. It is read for that, without decoding. Raises SourceError."""
    continuity = Continuity()
    with open_media(path) as container:
        for stream in container.streams:
            if stream.index != index:
                stream.discard = Discard.all
        try:
            for packet in container.demux(container.streams[index]):
                continuity.keep(packet)
                if continuity.jumps:
                    return True
        except av.FFmpegError:
            pass  # it ends there when it is painted, too
    return False
