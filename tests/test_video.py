"""Video files in and out, on clips made by tests.media: counts, times, sound, colour, and what goes wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.errors import OutputError, SettingError, SourceError
from livestyle.frame import Frame, Picture
from livestyle.sinks.video import VideoOptions, VideoSink
from livestyle.sources.video import VideoSource
from livestyle.transcode import VideoReport, stylize_video
from tests import media

RED = (230, 20, 20)


def read_all(path: Path) -> list[Frame]:
    with VideoSource(path) as source:
        return list(iter(source.read, None))


def transcode(
    source: Path, output: Path, paint: Callable[[Picture], Picture] = lambda rgb: rgb, **kwargs: object
) -> VideoReport:
    plain: dict[str, object] = {"size_of": lambda w, h: (w, h), "progress": lambda *_: None, "note": lambda _: None}
    return stylize_video(source, output, paint, **{**plain, **kwargs})  # type: ignore[arg-type]


def is_red(pixel: np.ndarray) -> bool:
    return bool(np.abs(pixel.astype(int) - RED).max() < 25)


@pytest.fixture(scope="session")
def ntsc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.ntsc_clip(tmp_path_factory.mktemp("ntsc") / "ntsc.mp4")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


# Reading


def test_frames_come_in_order_with_exact_times_despite_b_frames(ntsc: Path) -> None:
    frames = read_all(ntsc)
    assert [f.pts_seconds for f in frames] == [Fraction(1001 * i, 30000) for i in range(24)]
    assert [f.index for f in frames] == list(range(24))
    assert all(abs(media.level(f.rgb) - (40 + 6 * f.index)) < 4 for f in frames)


def test_source_describes_itself(ntsc: Path) -> None:
    with VideoSource(ntsc) as source:
        assert (source.width, source.height, source.rate) == (96, 64, Fraction(30000, 1001))
        assert (source.frame_count_hint, source.has_audio) == (24, True)
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
    frames = read_all(media.turned_clip(tmp_path / "t.mp4", *matrix))
    assert (frames[0].width, frames[0].height) == ((96, 64) if matrix[0] else (64, 96))
    corners = {(y, x): is_red(frames[0].rgb[y, x]) for y in (2, -3) for x in (2, -3)}
    assert corners == {corner: corner == red_corner for corner in corners}


@pytest.mark.parametrize("size, matrix", [((96, 64), 6), ((96, 64), 1), ((1280, 720), 1), ((96, 64), 2)])
def test_the_matrix_is_honoured(tmp_path: Path, size: tuple[int, int], matrix: int) -> None:
    path = media.write_clip(tmp_path / "m.mp4", [0], size=size, matrix=matrix)
    assert np.abs(read_all(path)[0].rgb[3, 3].astype(int) - RED).max() <= 4


def test_full_range_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "full.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p", options={"crf": "5"})
        stream.color_range = 2
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 250, np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p", dst_color_range="JPEG")))
        container.mux(stream.encode(None))
    assert abs(read_all(path)[0].rgb.mean() - 250) < 2


def test_transport_streams_start_at_zero(tmp_path: Path, out: Path) -> None:
    source = media.ntsc_clip(tmp_path / "n.ts")
    with VideoSource(source) as opened:
        origin = opened.origin_seconds
    assert origin > 0
    transcode(source, out / "o.mp4")
    assert media.pts_of(out / "o.mp4") == [t - origin for t in media.pts_of(source)]
    sound, copied = media.sound_of(source), media.sound_of(out / "o.mp4")
    assert [[t - origin for t, _ in track] for track in sound] == [[t for t, _ in track] for track in copied]


# Painting a whole file


def test_a_painted_file_has_the_same_frames_times_and_sound(ntsc: Path, out: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    report = transcode(ntsc, out / "o.mp4", lambda rgb: 255 - rgb, progress=lambda *pair: seen.append(pair))
    assert report.frames == 24 and report.notes == ()
    assert report.fps == pytest.approx(report.frames / report.seconds)
    assert seen == [(i, 24) for i in range(1, 25)]
    assert media.pts_of(out / "o.mp4") == media.pts_of(ntsc)
    assert len(media.sound_of(ntsc)) == 2
    assert media.sound_of(out / "o.mp4") == media.sound_of(ntsc)
    frames = read_all(out / "o.mp4")
    assert all(abs(media.level(f.rgb) - (255 - 40 - 6 * f.index)) < 5 for f in frames)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_rate_is_kept_as_a_fraction(ntsc: Path, out: Path, suffix: str) -> None:
    transcode(ntsc, out / f"o{suffix}")
    with av.open(str(out / f"o{suffix}")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == stream.base_rate == Fraction(30000, 1001)
    assert len(media.pts_of(out / f"o{suffix}")) == 24


def test_matroska_keeps_sound_bit_for_bit_and_in_step(ntsc: Path, out: Path) -> None:
    transcode(ntsc, out / "o.mkv")
    before, after = media.sound_of(ntsc), media.sound_of(out / "o.mkv")
    assert [[digest for _, digest in track] for track in after] == [[digest for _, digest in track] for track in before]
    lead_before = media.pts_of(ntsc)[0] - before[0][0][0]
    lead_after = media.pts_of(out / "o.mkv")[0] - after[0][0][0]
    assert abs(lead_before - lead_after) <= Fraction(1, 1000)


def test_sound_that_does_not_fit_is_encoded_again_and_said(ntsc: Path, out: Path) -> None:
    report = transcode(ntsc, out / "o.webm")
    assert len(report.notes) == 2 and all("aac" in n and "libopus" in n for n in report.notes)
    with av.open(str(out / "o.webm")) as container:
        assert [s.name for s in container.streams.audio] == ["opus", "opus"]
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(heard) == pytest.approx(0.8 * 48000, rel=0.05)
    assert np.abs(heard).max() > 0.1  # the tone, not silence


def test_pictures_that_start_late_stay_late(tmp_path: Path, out: Path) -> None:
    source = media.write_clip(tmp_path / "late.mp4", [30030 + 1001 * i for i in range(5)], sound_starts=(0.3,))
    transcode(source, out / "o.mp4")
    assert media.pts_of(out / "o.mp4")[0] == Fraction(30030, 30000)
    assert media.pts_of(out / "o.mp4") == media.pts_of(source)
    assert media.sound_of(out / "o.mp4") == media.sound_of(source)


def test_variable_frame_rate_is_kept(tmp_path: Path, out: Path) -> None:
    source = media.vfr_clip(tmp_path / "vfr.mp4")
    transcode(source, out / "o.mp4")
    assert media.pts_of(out / "o.mp4") == [Fraction(t, 1000) for t in media.VFR_TICKS]
    assert media.sound_of(out / "o.mp4") == media.sound_of(source)


@pytest.mark.parametrize("suffix, noted", [(".mp4", True), (".webm", False)])
def test_an_odd_size_stays_odd(tmp_path: Path, out: Path, suffix: str, noted: bool) -> None:
    source = media.odd_clip(tmp_path / "odd.mp4")
    report = transcode(source, out / f"o{suffix}")
    assert [(f.width, f.height) for f in read_all(out / f"o{suffix}")] == [(641, 359)] * 3
    assert any("641x359" in n for n in report.notes) is noted


def test_a_rotated_clip_comes_out_upright_without_a_tag(tmp_path: Path, out: Path) -> None:
    source = media.turned_clip(tmp_path / "r.mp4", 0, -1, 1, 0, aspect=Fraction(16, 15))
    transcode(source, out / "o.mp4")
    with av.open(str(out / "o.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (64, 96, 0)
        assert container.streams.video[0].sample_aspect_ratio == Fraction(15, 16)
    assert is_red(read_all(out / "o.mp4")[0].rgb[-3, 2])


@pytest.mark.parametrize("size, matrix", [((96, 64), 6), ((1280, 720), 1)])
def test_colours_are_tagged_as_converted(out: Path, size: tuple[int, int], matrix: int) -> None:
    with VideoSink(out / "c.mp4", VideoOptions(size=size, crf=5)) as sink:
        sink.write(np.full((size[1], size[0], 3), RED, np.uint8), Fraction(0))
    with av.open(str(out / "c.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, 1)
    assert np.abs(read_all(out / "c.mp4")[0].rgb.astype(int) - RED).max() <= 3


def test_a_painting_may_have_another_size(ntsc: Path, out: Path) -> None:
    transcode(ntsc, out / "o.mp4", lambda rgb: rgb[:32, :48], size_of=lambda w, h: (w // 2, h // 2))
    assert {(f.width, f.height) for f in read_all(out / "o.mp4")} == {(48, 32)}


def test_a_live_recording_keeps_the_times_it_is_given(out: Path) -> None:
    times = [Fraction(n, 1000) for n in (0, 31, 70, 101, 170)]
    with VideoSink(out / "live.mp4", VideoOptions(size=(64, 48))) as sink:
        for i, t in enumerate(times):
            sink.write(media.picture(i, 64, 48), t)
        sink.write(media.picture(5, 64, 48), times[-1])  # a clock that stands still
    assert media.pts_of(out / "live.mp4") == [*times, times[-1] + Fraction(1, 90000)]


# What goes wrong: one line, and nothing left behind


def assert_one_line(error: pytest.ExceptionInfo[Exception], *words: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    for word in words:
        assert word in text


@pytest.mark.parametrize("name, words", [("none.mp4", "no such file"), ("", "folder"), ("empty.mp4", "empty")])
def test_what_is_no_file_is_said(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SourceError) as error:
        VideoSource(tmp_path / name)
    assert_one_line(error, words)


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello " * 500)
    with pytest.raises(SourceError) as error:
        VideoSource(tmp_path / "text.mp4")
    assert_one_line(error, "text.mp4", "not a video")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "tone.mp4"), "w") as container:
        media._tone(container, container.add_stream("aac", rate=48000, layout="mono"), 0, 0.2, 440)
    with pytest.raises(SourceError) as error:
        VideoSource(tmp_path / "tone.mp4")
    assert_one_line(error, "no video stream")


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.999])
def test_a_truncated_file_is_said_and_leaves_nothing(tmp_path: Path, out: Path, fraction: float) -> None:
    source = media.cut(media.noise_clip(tmp_path / "n.mp4"), tmp_path / "cut.mp4", fraction)
    with pytest.raises(SourceError) as error:
        transcode(source, out / "o.mp4")
    assert_one_line(error, "truncated", "of 30")
    assert list(out.iterdir()) == []


def test_a_truncated_matroska_file_is_said(tmp_path: Path, out: Path) -> None:
    source = media.cut(media.noise_clip(tmp_path / "n.mkv", frames=90), tmp_path / "cut.mkv", 0.4)
    with pytest.raises(SourceError) as error:
        transcode(source, out / "o.mp4")
    assert_one_line(error, "truncated", "of 90")
    assert list(out.iterdir()) == []


def test_an_mp4_without_its_index_is_said(tmp_path: Path) -> None:
    data = media.noise_clip(tmp_path / "n.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[:24] + data[data.index(b"mdat") - 4 :])
    with pytest.raises(SourceError) as error:
        VideoSource(tmp_path / "cut.mp4")
    assert_one_line(error, "truncated")


def test_unknown_suffix_lists_the_known(out: Path, ntsc: Path) -> None:
    with pytest.raises(SettingError) as error:
        transcode(ntsc, out / "o.wmv")
    assert_one_line(error, ".wmv", ".mp4", ".webm")


def test_bad_places_are_said(out: Path, ntsc: Path) -> None:
    for bad, words in ((out, "folder"), (out / "none" / "o.mp4", "does not exist"), (ntsc, "also the input")):
        with pytest.raises(OutputError) as error:
            transcode(ntsc, bad)
        assert_one_line(error, words)
    assert len(read_all(ntsc)) == 24


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_unwritable_folder_is_said(out: Path, ntsc: Path) -> None:
    out.chmod(0o500)
    try:
        with pytest.raises(OutputError) as error:
            transcode(ntsc, out / "o.mp4")
    finally:
        out.chmod(0o700)
    assert_one_line(error, "not writable")
    assert list(out.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_said(out: Path, ntsc: Path) -> None:
    name = "n" * 250 + ".mp4"  # the name fits, the temporary one beside it does not
    with pytest.raises(OutputError) as error:
        transcode(ntsc, out / name)
    assert_one_line(error, "cannot be written")
    assert list(out.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(out: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    with pytest.raises(OutputError) as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            with VideoSink(out / "o.mp4", VideoOptions(size=(128, 128), crf=0)) as sink:
                for i in range(60):
                    sink.write(np.roll(noise, 7 * i, axis=1) ^ np.uint8(i), Fraction(i, 30))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_one_line(error, "free some space")
    assert list(out.iterdir()) == []


def test_no_picture_no_file(out: Path) -> None:
    with pytest.raises(OutputError) as error, VideoSink(out / "o.mp4", VideoOptions(size=(64, 48))):
        pass
    assert_one_line(error, "no picture")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("failure", [RuntimeError("paint failed"), KeyboardInterrupt()])
def test_a_failure_while_painting_keeps_the_old_file(ntsc: Path, out: Path, failure: BaseException) -> None:
    (out / "o.mp4").write_bytes(b"old")
    calls: list[int] = []

    def paint(rgb: Picture) -> Picture:
        calls.append(1)
        if len(calls) == 10:
            raise failure
        return rgb

    with pytest.raises(type(failure)):
        transcode(ntsc, out / "o.mp4", paint)
    assert [p.name for p in out.iterdir()] == ["o.mp4"]
    assert (out / "o.mp4").read_bytes() == b"old"
    assert not [t for t in threading.enumerate() if t.name.startswith("livestyle-video")]


def test_a_failing_sink_stops_everything(ntsc: Path, out: Path) -> None:
    with pytest.raises(ValueError, match="pictures of"):
        transcode(ntsc, out / "o.mp4", lambda rgb: rgb[:10])
    assert list(out.iterdir()) == []
