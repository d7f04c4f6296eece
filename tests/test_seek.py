"""Reading a video from any place gives what reading from the start gives: the same pictures at the same times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livestyle.frame import Frame
from livestyle.sources.video import VideoSource
from tests import media

FRAMES = 90
OPEN = "open-gop=1:scenecut=0"
RATE = Fraction(30)
AVI: dict[str, Any] = {"rate": RATE, "time_base": 1 / RATE, "step": 1}

# A keyframe every 20 pictures, B-frames where there are any. The first pictures of `edited` are hidden by an edit list.
CLIPS: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "b_frames": (".mp4", "libx264", {"bf": "3"}, {}),
    "edited": (".mp4", "libx264", {"bf": "3"}, {"start": -7}),
    "open_gop": (".mp4", "libx264", {"bf": "3", "x264-params": OPEN}, {}),
    "open_gop_stream": (".ts", "libx264", {"bf": "3", "x264-params": OPEN}, {}),
    "open_gop_hevc": (".mkv", "libx265", {"x265-params": f"{OPEN}:keyint=20:log-level=none"}, {}),
    "intra_refresh": (".mkv", "libx264", {"x264-params": "intra-refresh=1"}, {}),
    "vp9": (".webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, {}),
    "xvid": (".avi", "mpeg4", {"bf": "2"}, AVI),
    "mjpeg": (".avi", "mjpeg", {}, {**AVI, "pix_fmt": "yuvj420p"}),
    "mpeg2": (".ts", "mpeg2video", {"bf": "2"}, {"rate": RATE, "time_base": 1 / RATE, "step": 1}),
    "transport": (".ts", "libx264", {}, {}),
    "raw": (".h264", "libx264", {"bf": "2"}, {}),
}


@pytest.fixture(scope="module", params=CLIPS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    suffix, codec, options, timing = CLIPS[request.param]
    step, start = timing.get("step", 1000), timing.get("start", 0)
    timing = {"rate": RATE, "time_base": Fraction(1, 30000), **timing}
    timing.pop("step", None), timing.pop("start", None)
    path = tmp_path_factory.mktemp("clips") / f"{request.param}{suffix}"
    ticks = [step * (start + i) for i in range(FRAMES)]
    return media.write_clip(
        path, ticks, codec=codec, options={"g": "20", **options}, draw=media.moving_picture, **timing
    )


def same(one: list[Frame], other: list[Frame]) -> bool:
    return [f.pts_seconds for f in one] == [f.pts_seconds for f in other] and all(
        np.array_equal(a.rgb, b.rgb) for a, b in zip(one, other, strict=True)
    )


def some(source: VideoSource, count: int = 4) -> list[Frame]:
    return [frame for frame in (source.read() for _ in range(count)) if frame is not None]


def test_any_place_gives_the_same_pictures(clip: Path) -> None:
    frames = media.read_all(clip)
    assert len(frames) == FRAMES - (7 if "edited" in clip.name else 0)
    times = [frame.pts_seconds for frame in frames]
    between = [(a + b) / 2 for a, b in zip(times[::23], times[1::23], strict=False)]
    with VideoSource(clip) as source:
        for seconds in [times[60], times[41], *between, times[-1], times[0], times[20], times[79], Fraction(-1)]:
            source.seek(seconds)
            expected = [f for f in frames if f.pts_seconds >= seconds][:4]
            assert same(some(source), expected), float(seconds)
        assert source.damage is None


def test_going_on_in_intervals_gives_every_picture_once(clip: Path) -> None:
    frames = media.read_all(clip)
    read: list[Frame] = []
    with VideoSource(clip) as source:
        for i in range(8):
            begin, end = (frames[0].pts_seconds + Fraction(i + k, 2) for k in (0, 1))
            source.seek(begin)
            while (frame := source.read()) is not None and frame.pts_seconds < end:
                read.append(frame)
    assert same(read, frames)


def test_behind_the_end_there_is_nothing(clip: Path) -> None:
    with VideoSource(clip) as source:
        source.seek(Fraction(99))
        assert source.read() is None and source.read() is None
        source.seek(Fraction(1))
        assert source.read() is not None


def test_a_file_that_is_cut_is_said_from_any_place(tmp_path: Path) -> None:
    cut = media.cut(media.noise_clip(tmp_path / "n.mp4"), tmp_path / "cut.mp4", 0.6)
    frames = media.read_all(cut)
    assert 10 < len(frames) < 20
    with VideoSource(cut) as source:
        source.seek(frames[5].pts_seconds)
        assert same(some(source), frames[5:9]) and source.damage is None
        source.seek(Fraction(9, 10))
        assert source.read() is None
        assert source.damage and "truncated" in source.damage and "of 1.0 seconds" in source.damage


def test_broken_packets_are_left_out_and_counted(tmp_path: Path) -> None:
    path = media.noise_clip(tmp_path / "n.mp4")
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + 2000] = bytes(2000)
    path.write_bytes(data)
    with VideoSource(path) as source:
        frames = list(iter(source.read, None))
        assert 20 < len(frames) < 30
        assert source.damage and f"damaged: {30 - len(frames)} broken" in source.damage
