"""Animated GIFs: pictures as they are but for 256 colours, at their times to a hundredth of a second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from livestyle.errors import SettingError
from livestyle.files.video_format import VideoFormat
from tests import media
from tests.interrupted import SlowPainter


def clip(path: Path, rate: int, frames: int) -> Path:
    """Pictures of many greys and colours, with sound."""
    return media.write_clip(
        path, range(frames), size=(64, 48), rate=Fraction(rate), time_base=Fraction(1, rate), sound_starts=(0.0,)
    )


def test_pictures_and_times(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 30, 40)
    report = media.transcode(source, tmp_path / "o.gif")
    assert report.frames == 40 and len(report.notes) == 1 and "no sound" in report.notes[0]
    with av.open(str(tmp_path / "o.gif")) as container:
        pictures = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert [time for time, _ in pictures] == [round(100 * n / 30) / 100 for n in range(40)]
    wanted = [frame.rgb for frame in media.read_all(source)]
    assert max(np.abs(a.astype(int) - b).mean() for (_, a), b in zip(pictures, wanted, strict=True)) < 4
    with Image.open(tmp_path / "o.gif") as gif:
        assert gif.info["loop"] == 0 and gif.n_frames == 40


def test_what_is_too_fast_for_it_is_left_out(tmp_path: Path) -> None:
    report = media.transcode(clip(tmp_path / "in.mp4", 100, 40), tmp_path / "o.gif")
    with av.open(str(tmp_path / "o.gif")) as container:
        assert [frame.pts for frame in container.decode(video=0)] == list(range(0, 40, 2))
    assert any("20 pictures are left out" in note for note in report.notes)


def test_an_interrupted_gif_is_the_same_in_the_end(tmp_path: Path) -> None:
    source = media.write_clip(
        tmp_path / "in.mp4", [50 * n for n in range(50)], size=(64, 48), rate=Fraction(2), time_base=Fraction(1, 100)
    )

    whole, parted = tmp_path / "whole.gif", tmp_path / "parted.gif"
    media.transcode(source, whole, SlowPainter(0))

    def stop_in_the_second_segment(done: int, expected: int | None) -> None:
        if done == 45:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        media.transcode(source, parted, SlowPainter(0), progress=stop_in_the_second_segment)
    assert media.transcode(source, parted, SlowPainter(0)).resumed == 40
    assert parted.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "parted.gif", "whole.gif"]


@pytest.mark.parametrize("wanted", [VideoFormat(crf=3), VideoFormat(preset="fast"), VideoFormat(codec="h264")])
def test_what_it_has_not_got_is_said(wanted: VideoFormat, tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        wanted.check(tmp_path / "o.gif")
