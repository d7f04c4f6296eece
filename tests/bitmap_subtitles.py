"""Subtitles that are pictures, made by hand: a Blu-ray's PGS stream, of which ffmpeg makes DVD and DVB subtitles."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction

SIZE = (96, 64)
BOX = (40, 10)
"""(width, height) of the yellow box that each subtitle is."""


def pgs(spans: Iterable[tuple[Fraction, Fraction]]) -> bytes:
    """The bytes of a .sup file: a box at the bottom from begin to end of each span, in seconds."""
    data = b""
    for number, (begin, end) in enumerate(spans):
        ticks = round(begin * 90000)
        data += _segment(0x16, ticks, _composition(2 * number, shown=True))
        data += _segment(0x17, ticks, struct.pack(">BBHHHH", 1, 0, *_place(), *BOX))
        data += _segment(0x14, ticks, bytes((0, 0)) + bytes((1, 210, 146, 16, 255)))
        picture = (b"\x00" + bytes((0x80 | BOX[0], 1)) + b"\x00\x00") * BOX[1]
        data += _segment(0x15, ticks, struct.pack(">HBB", 0, 0, 0xC0) + _length(picture) + picture)
        data += _segment(0x80, ticks, b"")
        ticks = round(end * 90000)
        data += _segment(0x16, ticks, _composition(2 * number + 1, shown=False))
        data += _segment(0x17, ticks, struct.pack(">BBHHHH", 1, 0, *_place(), *BOX))
        data += _segment(0x80, ticks, b"")
    return data


def _segment(kind: int, ticks: int, body: bytes) -> bytes:
    return b"PG" + struct.pack(">IIBH", ticks, 0, kind, len(body)) + body


def _composition(number: int, *, shown: bool) -> bytes:
    head = struct.pack(">HHBHBBBB", *SIZE, 0x10, number, 0x80 if shown else 0, 0, 0, shown)
    return head + (struct.pack(">HBBHH", 0, 0, 0, *_place()) if shown else b"")


def _length(picture: bytes) -> bytes:
    return (len(picture) + 4).to_bytes(3, "big") + struct.pack(">HH", *BOX)


def _place() -> tuple[int, int]:
    return (SIZE[0] - BOX[0]) // 2, SIZE[1] - BOX[1] - 4
