"""A hundred damaged files in one command: each is painted or said in a line, and nothing else is left."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from tests.conftest import Run
from tests.pictures import ramp

SUFFIXES = ("jpg", "png", "webp", "tif", "gif")


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Cut short, a few bits turned over, or some bytes replaced by others."""
    kind = chance.randrange(3)
    if kind == 0:
        return data[: chance.randrange(1, len(data))]
    changed = bytearray(data)
    if kind == 1:
        for _ in range(chance.choice((1, 4, 32))):
            changed[chance.randrange(min(len(data), chance.choice((64, len(data)))))] ^= 1 << chance.randrange(8)
        return bytes(changed)
    start = chance.randrange(len(data))
    changed[start : start + chance.randrange(30)] = chance.randbytes(chance.randrange(30))
    return bytes(changed)


def test_damaged_pictures_are_painted_or_said(run: Run, tmp_path: Path) -> None:
    chance = random.Random(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "in").mkdir()
    for n in range(100):
        suffix = SUFFIXES[n % len(SUFFIXES)]
        lzw = {"compression": "tiff_lzw"} if n % 2 else {}
        Image.fromarray(ramp(24, 24)).save(tmp_path / f"whole.{suffix}", exif=exif.tobytes(), **lzw)
        (tmp_path / "in" / f"{n}.{suffix}").write_bytes(mutated((tmp_path / f"whole.{suffix}").read_bytes(), chance))
    result = run("image", "in", "-o", "out", "--device", "cpu", "--model", "fast", "--size", "24x24", "-q")
    assert result.code == 2 and "Traceback" not in result.err
    head, *failures = result.err.splitlines()
    paintings = [p.name for p in (tmp_path / "out").iterdir()]
    assert head == f"livestyle: {len(failures)} of 100 pictures failed:"
    assert all(line.startswith("  in/") for line in failures)
    assert len(paintings) + len(failures) == 100 and len(paintings) > 20 and len(failures) > 20
    assert all(name.endswith(".png") and not name.startswith(".") for name in paintings)
