"""Video files that cannot be read or written: one line, and nothing left behind."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.errors import OutputError, SettingError, SourceError
from livestyle.frame import Picture
from livestyle.sinks.video import VideoOptions, VideoSink
from livestyle.sources.video import VideoSource
from tests import media


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
    (tmp_path / "text.mp4").write_text("hello " * 500, encoding="utf-8")
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
def test_of_a_truncated_file_what_can_be_read_is_kept(tmp_path: Path, out: Path, fraction: float) -> None:
    whole = media.noise_clip(tmp_path / "n.mp4")
    source = media.cut(whole, tmp_path / "cut.mp4", fraction)
    report = media.transcode(source, out / "o.mp4")
    assert "truncated" in report.damage and "of 1.0 seconds" in report.damage
    assert report.frames == pytest.approx(30 * fraction, abs=3)
    assert media.pts_of(out / "o.mp4") == media.pts_of(whole)[: report.frames]
    assert [path.name for path in out.iterdir()] == ["o.mp4"]


def test_of_a_truncated_matroska_file_what_can_be_read_is_kept(tmp_path: Path, out: Path) -> None:
    source = media.cut(media.noise_clip(tmp_path / "n.mkv", frames=90), tmp_path / "cut.mkv", 0.4)
    report = media.transcode(source, out / "o.mp4")
    assert "truncated" in report.damage and "of 3.0 seconds" in report.damage
    assert len(media.read_all(out / "o.mp4")) == report.frames == pytest.approx(36, abs=3)


def test_an_mp4_without_its_index_is_said(tmp_path: Path) -> None:
    data = media.noise_clip(tmp_path / "n.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[:24] + data[data.index(b"mdat") - 4 :])
    with pytest.raises(SourceError) as error:
        VideoSource(tmp_path / "cut.mp4")
    assert_one_line(error, "truncated")


def test_unknown_suffix_lists_the_known(out: Path, ntsc: Path) -> None:
    with pytest.raises(SettingError) as error:
        media.transcode(ntsc, out / "o.wmv")
    assert_one_line(error, ".wmv", ".mp4", ".webm")


def test_bad_places_are_said(out: Path, ntsc: Path) -> None:
    for bad, words in ((out, "folder"), (out / "none" / "o.mp4", "does not exist"), (ntsc, "also the input")):
        with pytest.raises(OutputError) as error:
            media.transcode(ntsc, bad)
        assert_one_line(error, words)
    assert len(media.read_all(ntsc)) == 24


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_unwritable_folder_is_said(out: Path, ntsc: Path) -> None:
    out.chmod(0o500)
    try:
        with pytest.raises(OutputError) as error:
            media.transcode(ntsc, out / "o.mp4")
    finally:
        out.chmod(0o700)
    assert_one_line(error, "not writable")
    assert list(out.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_said(out: Path, ntsc: Path) -> None:
    name = "n" * 250 + ".mp4"  # the name fits, the temporary one beside it does not
    with pytest.raises(OutputError) as error:
        media.transcode(ntsc, out / name)
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
        media.transcode(ntsc, out / "o.mp4", paint)
    assert [p.name for p in out.iterdir()] == ["o.mp4"]
    assert (out / "o.mp4").read_bytes() == b"old"
    assert not [t for t in threading.enumerate() if t.name.startswith("livestyle-video")]


def test_a_failing_sink_stops_everything(ntsc: Path, out: Path) -> None:
    with pytest.raises(ValueError, match="pictures of"):
        media.transcode(ntsc, out / "o.mp4", lambda rgb: rgb[:10])
    assert list(out.iterdir()) == []


def test_two_programs_that_write_one_file_do_not_spoil_it(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = VideoOptions(size=(64, 48))
    with VideoSink(out / "o.mp4", options) as first:
        first.write(media.picture(0, 64, 48), Fraction(0))
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with VideoSink(out / "o.mp4", options) as second:
            second.write(media.picture(1, 64, 48), Fraction(0))
        assert len(media.read_all(out / "o.mp4")) == 1
        first.write(media.picture(2, 64, 48), Fraction(1))
    assert len(media.read_all(out / "o.mp4")) == 2
    assert [p.name for p in out.iterdir()] == ["o.mp4"]


def test_damage_that_an_interrupted_run_saw_is_said_in_the_end(tmp_path: Path, out: Path) -> None:
    source = media.write_clip(
        tmp_path / "in.mp4", [50 * n for n in range(60)], size=(64, 64), rate=Fraction(2), time_base=Fraction(1, 100),
        options={"g": "1"}, draw=media.moving_picture,
    )  # fmt: skip
    data = bytearray(source.read_bytes())
    place = len(data) // 5
    data[place : place + len(data) // 30] = bytes(len(data) // 30)
    source.write_bytes(data)

    def interrupt(done: int, expected: int | None) -> None:
        if done == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        media.transcode(source, out / "o.mp4", progress=interrupt)
    report = media.transcode(source, out / "o.mp4")
    assert report.resumed > 30 and "in.mp4 is damaged" in report.damage
