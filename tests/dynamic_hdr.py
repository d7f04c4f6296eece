"""HEVC with what HDR10+ says of single scenes, or called Dolby Vision: put in by hand, as no encoder here writes it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests import media

_START = b"\x00\x00\x00\x01"
_DELIMITER = _START + b"\x46\x01"
_PREFIX_SEI = 39
_SILENT = {"x265-params": "log-level=none"}


def hdr10_plus_clip(path: Path) -> Path:
    """Five pictures of 64x48 in a raw stream."""
    params = "log-level=none:repeat-headers=1:keyint=1:aud=1:bframes=0"
    with av.open(str(path), "w", format="hevc") as out:
        stream = out.add_stream("libx265", rate=25, width=64, height=48, pix_fmt="yuv420p10le")
        stream.options = {"x265-params": params}
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        out.mux(stream.encode(None))
    before, *pictures = path.read_bytes().split(_DELIMITER)
    path.write_bytes(before + b"".join(_DELIMITER + _with_message(picture) for picture in pictures))
    return path


def dolby_vision_clip(path: Path) -> Path:
    """An mp4 of HEVC that only says so."""
    clip = path.with_name("hevc.mp4")
    media.write_clip(clip, range(5), rate=Fraction(25), time_base=Fraction(1, 25), codec="libx265", options=_SILENT)
    data = clip.read_bytes()
    assert data.count(b"hev1") == 1
    path.write_bytes(data.replace(b"hev1", b"dvhe"))
    return path


def _with_message(picture: bytes) -> bytes:
    """An access unit, without its delimiter's header."""
    end = picture.index(b"\x00\x00\x01")
    end -= picture[end - 1] == 0
    return picture[:end] + _nal(_PREFIX_SEI, _sei(_hdr10_plus())) + picture[end:]


def _nal(kind: int, body: bytes) -> bytes:
    escaped = body
    for last in range(4):
        escaped = escaped.replace(bytes((0, 0, last)), bytes((0, 0, 3, last)))
    return _START + bytes((kind << 1, 1)) + escaped


def _sei(message: bytes) -> bytes:
    """User data registered by ITU-T T.35."""
    return bytes((4, len(message))) + message + b"\x80"


def _hdr10_plus() -> bytes:
    """SMPTE ST 2094-40, application 4, version 1: one window, no curve."""
    fields = [(1, 2), (1000, 27), (0, 1), *[(50000, 17)] * 3, (20000, 17), (0, 4), (10, 10), (0, 1), (0, 1), (0, 1)]
    bits = "".join(f"{number:0{length}b}" for number, length in fields)
    bits += "0" * (-len(bits) % 8)
    return bytes.fromhex("b5003c00010401") + int(bits, 2).to_bytes(len(bits) // 8, "big")
