"""Sequences of images as videos, parts of videos, and constant rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from livestyle.errors import SourceError
from livestyle.frame import Frame
from livestyle.sources.video import VideoSource
from livestyle.sources.video_files import FileSource, open_video
from livestyle.sources.views import ConstantRate, Excerpt
from tests import media


def images(folder: Path, numbers: range, name: str = "shot{}.png") -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        Image.fromarray(media.picture(number, 96, 64)).save(folder / name.format(number))
    return folder


def rest(source: FileSource) -> list[Frame]:
    return list(iter(source.read, None))


def numbers_of(frames: list[Frame]) -> list[int]:
    """Which `picture(i)` each frame is."""
    return [round((media.level(frame.rgb) - 40) / 6) for frame in frames]


def times_of(frames: list[Frame]) -> list[Fraction]:
    return [frame.pts_seconds for frame in frames]


# Sequences


@pytest.mark.parametrize("named", ["", "*.png", "shot%d.png", "shot%02d.png"])
def test_a_sequence_is_in_natural_order(tmp_path: Path, named: str) -> None:
    folder = images(tmp_path / "shots", range(8, 13))
    with open_video(folder / named, sequence_rate=Fraction(10)) as source:
        assert (source.width, source.height, source.rate, source.frame_count_hint) == (
            *(96, 64, Fraction(10)),
            3 if "02" in named else 5,
        )
        frames = rest(source)
    assert numbers_of(frames) == ([10, 11, 12] if "02" in named else [8, 9, 10, 11, 12])
    assert times_of(frames) == [Fraction(i, 10) for i in range(len(frames))]


def test_a_sequence_runs_at_25_frames_a_second_and_can_be_read_from_any_place(tmp_path: Path) -> None:
    with open_video(images(tmp_path / "shots", range(10))) as source:
        assert source.rate == 25
        source.seek(Fraction(3, 25) + Fraction(1, 1000))
        assert numbers_of(rest(source)) == [4, 5, 6, 7, 8, 9]
        source.seek(Fraction(5, 25))
        assert numbers_of(rest(source)) == [5, 6, 7, 8, 9]
        source.seek(Fraction(5, 25), run_in=True)
        assert numbers_of(rest(source))[0] == 4


def test_a_picture_that_cannot_be_read_leaves_a_hole_and_is_said(tmp_path: Path) -> None:
    folder = images(tmp_path / "shots", range(5))
    (folder / "shot2.png").write_bytes(b"no picture")
    with open_video(folder) as source:
        frames = rest(source)
        assert source.damage and "shot2.png" in source.damage and "\n" not in source.damage
    assert times_of(frames) == [Fraction(i, 25) for i in (0, 1, 3, 4)]


def test_other_sizes_are_scaled_to_fit(tmp_path: Path) -> None:
    folder = images(tmp_path / "shots", range(2))
    Image.fromarray(media.picture(3, 32, 64)).save(folder / "shot1.png")
    with open_video(folder) as source:
        frames = rest(source)
    assert [(f.width, f.height) for f in frames] == [(96, 64)] * 2
    assert frames[1].rgb[:, :30].max() == 0


@pytest.mark.parametrize(
    "named, words",
    [
        ("empty", "holds no image"),
        ("*.tif", "matches no image"),
        ("a%03d.png", "means no file"),
        ("none/%d.png", "no file"),
    ],
)
def test_sequences_that_are_none_are_said(tmp_path: Path, named: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=words):
        open_video(tmp_path / named)


def test_a_painted_sequence_is_a_film(tmp_path: Path, out: Path) -> None:
    media.transcode(images(tmp_path / "shots", range(10)), out / "o.mp4")
    assert media.pts_of(out / "o.mp4") == [Fraction(i, 25) for i in range(10)]
    with av.open(str(out / "o.mp4")) as container:
        assert container.streams.video[0].average_rate == 25


# Parts


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds at 15 fps."""
    return media.write_clip(tmp_path / "c.mp4", [2000 * i for i in range(30)], rate=Fraction(15), options={"g": "10"})


def test_a_part_begins_at_zero_and_ends_in_time(clip: Path) -> None:
    with Excerpt(VideoSource(clip), Fraction(1), Fraction(1, 2)) as part:
        frames = rest(part)
        assert numbers_of(frames) == list(range(15, 23))
        assert times_of(frames) == [Fraction(i, 15) for i in range(8)]
        assert part.read() is None
        part.seek(Fraction(3, 15))
        assert times_of(rest(part)) == [Fraction(i, 15) for i in range(3, 8)]
        part.seek(Fraction(0))
        assert numbers_of(rest(part)) == list(range(15, 23))


@pytest.mark.parametrize("late, first", [(Fraction(1, 60), 0), (Fraction(1, 20), 1)])
def test_a_start_between_frames_takes_the_nearer(clip: Path, late: Fraction, first: int) -> None:
    with Excerpt(VideoSource(clip), late) as part:
        frames = rest(part)
        assert numbers_of(frames) == list(range(first, 30))
        assert times_of(frames)[:2] == ([0, Fraction(1, 20)] if first == 0 else [Fraction(1, 60), Fraction(1, 12)])
        part.seek(Fraction(0))
        assert numbers_of(rest(part)) == list(range(first, 30))


def test_a_picture_that_stays_is_shown_from_the_start(tmp_path: Path) -> None:
    slides = media.write_clip(tmp_path / "s.mp4", [0, 2000, 5000], rate=Fraction(10), time_base=Fraction(1, 1000))
    with Excerpt(VideoSource(slides), Fraction(4), Fraction(10)) as part:
        frames = rest(part)
    assert (times_of(frames), numbers_of(frames)) == ([0, 1], [1, 2])


@pytest.mark.parametrize("start", [Fraction(2), Fraction(50)])
def test_a_start_behind_the_end_is_said(clip: Path, start: Fraction) -> None:
    with pytest.raises(SourceError, match="lasts 2 s"):
        Excerpt(VideoSource(clip), start)


# Constant rates


@pytest.mark.parametrize("rate", [Fraction(15), Fraction(30), Fraction(5), Fraction(24), Fraction(30000, 1001)])
def test_a_constant_rate_shows_what_is_on_the_screen(clip: Path, rate: Fraction) -> None:
    with ConstantRate(VideoSource(clip), rate) as source:
        frames = rest(source)
        assert times_of(frames) == [n / rate for n in range(round(2 * rate))]
        nearest = [min(29, int(15 * (n / rate + 1 / rate / 2) - Fraction(1, 1000))) for n in range(len(frames))]
        assert numbers_of(frames) == nearest
        for n in (7, 3, 0, 9):
            source.seek(n / rate)
            assert numbers_of(rest(source)) == nearest[n:]


def test_times_that_a_container_has_rounded_give_every_frame_once(tmp_path: Path) -> None:
    ticks = [1001 * i for i in range(30)]
    clip = media.write_clip(tmp_path / "ntsc.mkv", ticks)
    with ConstantRate(VideoSource(clip), media.NTSC) as source:
        assert numbers_of(rest(source)) == list(range(30))


def test_a_part_at_a_constant_rate(clip: Path) -> None:
    with ConstantRate(Excerpt(VideoSource(clip), Fraction(1), Fraction(1, 3)), Fraction(30)) as source:
        frames = rest(source)
        assert times_of(frames) == [Fraction(n, 30) for n in range(10)]
        assert numbers_of(frames)[::2] == list(range(15, 20))
        source.seek(Fraction(1, 6))
        assert times_of(rest(source)) == [Fraction(n, 30) for n in range(5, 10)]
