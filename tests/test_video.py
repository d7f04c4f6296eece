"""Video files in and out, on clips made by tests.media: counts, times, sound, colour."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.sinks.video import VideoOptions, VideoSink
from livestyle.sources.video import VideoSource
from tests import media

RED = (230, 20, 20)


def is_red(pixel: np.ndarray) -> bool:
    return bool(np.abs(pixel.astype(int) - RED).max() < 25)


# Reading


def test_frames_come_in_order_with_exact_times_despite_b_frames(ntsc: Path) -> None:
    frames = media.read_all(ntsc)
    assert [f.pts_seconds for f in frames] == [Fraction(1001 * i, 30000) for i in range(24)]
    assert [f.index for f in frames] == list(range(24))
    assert all(abs(media.level(f.rgb) - (40 + 6 * f.index)) < 4 for f in frames)


def test_source_describes_itself(ntsc: Path) -> None:
    with VideoSource(ntsc) as source:
        assert (source.width, source.height, source.rate) == (96, 64, Fraction(30000, 1001))
        assert source.frame_count_hint == 24
        assert source.duration_seconds == pytest.approx(0.8008)
        source.close()
        source.close()


@pytest.mark.parametrize(
    "matrix, red_corner",
    [
        ((0, -1, 1, 0), (-3, 2)),  # a quarter turn to the left
        ((0, 1, -1, 0), (2, -3)),  # to the right, as phones do
        ((-1, 0, 0, -1), (-3, -3)),
        ((-1, 0, 0, 1), (2, -3)),  # a mirrored front camera
        ((0, 1, 1, 0), (2, 2)),
    ],
)
def test_the_display_matrix_is_applied(tmp_path: Path, matrix: tuple[int, ...], red_corner: tuple[int, int]) -> None:
    frames = media.read_all(media.turned_clip(tmp_path / "t.mp4", *matrix))
    assert (frames[0].width, frames[0].height) == ((96, 64) if matrix[0] else (64, 96))
    corners = {(y, x): is_red(frames[0].rgb[y, x]) for y in (2, -3) for x in (2, -3)}
    assert corners == {corner: corner == red_corner for corner in corners}


@pytest.mark.parametrize("size, matrix", [((96, 64), 6), ((96, 64), 1), ((1280, 720), 1), ((96, 64), 2)])
def test_the_matrix_is_honoured(tmp_path: Path, size: tuple[int, int], matrix: int) -> None:
    path = media.write_clip(tmp_path / "m.mp4", [0], size=size, matrix=matrix)
    assert np.abs(media.read_all(path)[0].rgb[3, 3].astype(int) - RED).max() <= 4


def test_full_range_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "full.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p", options={"crf": "5"})
        stream.color_range = 2
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 250, np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p", dst_color_range="JPEG")))
        container.mux(stream.encode(None))
    assert abs(media.read_all(path)[0].rgb.mean() - 250) < 2


def test_transport_streams_start_at_zero(tmp_path: Path, out: Path) -> None:
    source = media.ntsc_clip(tmp_path / "n.ts")
    with VideoSource(source) as opened:
        origin = opened.origin_seconds
    assert origin > 0
    media.transcode(source, out / "o.mp4")
    assert media.pts_of(out / "o.mp4") == [t - origin for t in media.pts_of(source)]
    sound, copied = media.sound_of(source), media.sound_of(out / "o.mp4")
    assert [[t - origin for t, _ in track] for track in sound] == [[t for t, _ in track] for track in copied]


# Painting a whole file


def test_a_painted_file_has_the_same_frames_times_and_sound(ntsc: Path, out: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    report = media.transcode(ntsc, out / "o.mp4", lambda rgb: 255 - rgb, progress=lambda *pair: seen.append(pair))
    assert report.frames == 24 and report.notes == ()
    assert report.fps == pytest.approx(report.frames / report.seconds)
    assert seen == [(i, 24) for i in range(1, 25)]
    assert media.pts_of(out / "o.mp4") == media.pts_of(ntsc)
    assert len(media.sound_of(ntsc)) == 2
    assert media.sound_of(out / "o.mp4") == media.sound_of(ntsc)
    frames = media.read_all(out / "o.mp4")
    assert all(abs(media.level(f.rgb) - (255 - 40 - 6 * f.index)) < 5 for f in frames)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_rate_is_kept_as_a_fraction(ntsc: Path, out: Path, suffix: str) -> None:
    media.transcode(ntsc, out / f"o{suffix}")
    with av.open(str(out / f"o{suffix}")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == stream.base_rate == Fraction(30000, 1001)
    assert len(media.pts_of(out / f"o{suffix}")) == 24


def test_matroska_keeps_sound_bit_for_bit_and_in_step(ntsc: Path, out: Path) -> None:
    media.transcode(ntsc, out / "o.mkv")
    before, after = media.sound_of(ntsc), media.sound_of(out / "o.mkv")
    assert [[digest for _, digest in track] for track in after] == [[digest for _, digest in track] for track in before]
    lead_before = media.pts_of(ntsc)[0] - before[0][0][0]
    lead_after = media.pts_of(out / "o.mkv")[0] - after[0][0][0]
    assert abs(lead_before - lead_after) <= Fraction(1, 1000)


def test_sound_that_does_not_fit_is_encoded_again_and_said(ntsc: Path, out: Path) -> None:
    report = media.transcode(ntsc, out / "o.webm")
    assert len(report.notes) == 2 and all("aac" in n and "libopus" in n for n in report.notes)
    with av.open(str(out / "o.webm")) as container:
        assert [s.name for s in container.streams.audio] == ["opus", "opus"]
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(heard) == pytest.approx(0.8 * 48000, rel=0.05)
    assert np.abs(heard).max() > 0.1  # the tone, not silence


def test_pictures_that_start_late_stay_late(tmp_path: Path, out: Path) -> None:
    source = media.write_clip(tmp_path / "late.mp4", [30030 + 1001 * i for i in range(5)], sound_starts=(0.3,))
    media.transcode(source, out / "o.mp4")
    assert media.pts_of(out / "o.mp4")[0] == Fraction(30030, 30000)
    assert media.pts_of(out / "o.mp4") == media.pts_of(source)
    assert media.sound_of(out / "o.mp4") == media.sound_of(source)


def test_variable_frame_rate_is_kept(tmp_path: Path, out: Path) -> None:
    source = media.vfr_clip(tmp_path / "vfr.mp4")
    media.transcode(source, out / "o.mp4")
    assert media.pts_of(out / "o.mp4") == [Fraction(t, 1000) for t in media.VFR_TICKS]
    assert media.sound_of(out / "o.mp4") == media.sound_of(source)


@pytest.mark.parametrize("suffix, noted", [(".mp4", True), (".webm", False)])
def test_an_odd_size_stays_odd(tmp_path: Path, out: Path, suffix: str, noted: bool) -> None:
    source = media.odd_clip(tmp_path / "odd.mp4")
    report = media.transcode(source, out / f"o{suffix}")
    assert [(f.width, f.height) for f in media.read_all(out / f"o{suffix}")] == [(641, 359)] * 3
    assert any("641x359" in n for n in report.notes) is noted


def test_a_rotated_clip_comes_out_upright_without_a_tag(tmp_path: Path, out: Path) -> None:
    source = media.turned_clip(tmp_path / "r.mp4", 0, -1, 1, 0, aspect=Fraction(16, 15))
    media.transcode(source, out / "o.mp4")
    with av.open(str(out / "o.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (64, 96, 0)
        assert container.streams.video[0].sample_aspect_ratio == Fraction(15, 16)
    assert is_red(media.read_all(out / "o.mp4")[0].rgb[-3, 2])


@pytest.mark.parametrize("size, matrix", [((96, 64), 6), ((1280, 720), 1)])
def test_colours_are_tagged_as_converted(out: Path, size: tuple[int, int], matrix: int) -> None:
    with VideoSink(out / "c.mp4", VideoOptions(size=size, crf=5)) as sink:
        sink.write(np.full((size[1], size[0], 3), RED, np.uint8), Fraction(0))
    with av.open(str(out / "c.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, 1)
    assert np.abs(media.read_all(out / "c.mp4")[0].rgb.astype(int) - RED).max() <= 3


def test_a_painting_may_have_another_size(ntsc: Path, out: Path) -> None:
    media.transcode(ntsc, out / "o.mp4", lambda rgb: rgb[:32, :48], size_of=lambda w, h: (w // 2, h // 2))
    assert {(f.width, f.height) for f in media.read_all(out / "o.mp4")} == {(48, 32)}


def test_a_live_recording_keeps_the_times_it_is_given(out: Path) -> None:
    times = [Fraction(n, 1000) for n in (0, 31, 70, 101, 170)]
    with VideoSink(out / "live.mp4", VideoOptions(size=(64, 48))) as sink:
        for i, t in enumerate(times):
            sink.write(media.picture(i, 64, 48), t)
        sink.write(media.picture(5, 64, 48), times[-1])  # a clock that stands still
    assert media.pts_of(out / "live.mp4") == [*times, times[-1] + Fraction(1, 90000)]
