"""Small ICC profiles and files that no library here writes, made byte by byte."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
"""sRGB's primaries in XYZ, adapted to D50."""
WHITE = (0.9642, 1.0, 0.8249)


def rgb_profile(
    *,
    red: tuple[float, ...] = RED,
    green: tuple[float, ...] = GREEN,
    blue: tuple[float, ...] = BLUE,
    gamma: float = 2.2,
) -> bytes:
    """A profile of primaries and one gamma."""
    primaries = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    return _profile(b"RGB ", b"XYZ ", primaries | {name: _gamma(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")})


def grey_profile(gamma: float) -> bytes:
    """A profile for grey of one gamma."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def cmyk_profile(lightness: Callable[[int, int, int, int], float]) -> bytes:
    """A profile in which inks, 0 or 1 each and straight lines between, make a grey of some lightness, 0 to 1."""
    nodes = [(round(255 * lightness(*inks)), 128, 128) for inks in itertools.product((0, 1), repeat=4)]
    straight = bytes(range(256))
    identity = b"".join(struct.pack(">i", 65536 * (n % 4 == 0)) for n in range(9))
    table = bytes(itertools.chain(*nodes))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + straight * 4 + table + straight * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": lut})


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(WHITE)} | tags
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"prtr", space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(65536 * n) for n in WHITE))
    return head.ljust(128, b"\0") + table + body


def _xyz(numbers: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * n) for n in numbers))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma))


def write_ycck(path: Path, cmyk: np.ndarray) -> Path:
    """A JPEG as Photoshop writes it: inverted inks, three of them as luma and chroma, which its Adobe marker says."""
    inks = Image.fromarray(np.ascontiguousarray(cmyk[..., :3])).convert("YCbCr")
    planes = [*inks.split(), Image.fromarray(255 - cmyk[..., 3])]
    stored = Image.merge("CMYK", [Image.eval(plane, lambda v: 255 - v) for plane in planes])
    stored.save(path, quality=100)
    data = path.read_bytes()
    at = data.index(b"Adobe\0d") + 11
    assert data[at] == 0
    path.write_bytes(data[:at] + b"\2" + data[at + 1 :])
    return path


def write_planes(path: Path, rgb: np.ndarray) -> Path:
    """A TIFF of HxWx3 uint16, uncompressed, each channel apart."""
    height, width, _ = rgb.shape
    size = 2 * height * width
    after = 8 + 2 + 12 * 10 + 4
    entries = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 3, after),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 3, after + 6),
        (277, 3, 1, 3),
        (278, 3, 1, height),
        (279, 4, 3, after + 18),
        (284, 3, 1, 2),
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    first = after + 30
    head += struct.pack("<3H6I", 16, 16, 16, first, first + size, first + 2 * size, size, size, size)
    path.write_bytes(head + rgb.astype("<u2").transpose(2, 0, 1).tobytes())
    return path
