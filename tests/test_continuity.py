"""Transport streams that were put together of parts with clocks of their own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from livestyle.sources.continuity import clock_jumps
from livestyle.sources.video import VideoSource
from tests import media

FRAMES = 24


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """The same recording, two times in a row."""
    once = media.ntsc_clip(tmp_path / "once.ts", frames=FRAMES)
    path = tmp_path / "twice.ts"
    path.write_bytes(2 * once.read_bytes())
    return path


def test_pictures_and_sound_go_on_where_the_clock_jumps(twice: Path, out: Path) -> None:
    report = media.transcode(twice, out / "o.mp4")
    assert (report.frames, report.damage) == (2 * FRAMES, "")
    times = media.pts_of(out / "o.mp4")
    assert all(abs(b - a - 1 / media.NTSC) < Fraction(1, 1000) for a, b in zip(times, times[1:], strict=False))
    once, both = media.sound_of(twice.with_name("once.ts")), media.sound_of(out / "o.mp4")
    for one, two in zip(once, both, strict=True):
        assert len(two) == 2 * len(one)
        assert all(a < b for (a, _), (b, _) in zip(two, two[1:], strict=False))
        assert float(two[len(one)][0] - two[0][0]) == pytest.approx(FRAMES / float(media.NTSC), abs=0.06)


def test_any_place_in_it_can_be_read(twice: Path) -> None:
    assert clock_jumps(twice, 0) and not clock_jumps(twice.with_name("once.ts"), 0)
    frames = media.read_all(twice)
    with VideoSource(twice) as source:
        for i in (40, 10, 30, 0):
            source.seek(frames[i].pts_seconds)
            frame = source.read()
            assert frame is not None and frame.pts_seconds == frames[i].pts_seconds
            assert np.array_equal(frame.rgb, frames[i].rgb)
