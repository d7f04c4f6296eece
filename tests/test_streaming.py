"""A video that is written into a pipe while it is painted: the packets that a file would hold, when they are there."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.errors import OutputError, ReaderGone, SourceError
from livestyle.files.transcode import stream_video
from livestyle.files.video_format import VideoFormat
from livestyle.sources.piped import PipedBytes, PipedMedia, must_be_kept
from tests import media, rich_media, streams
from tests.interrupted import SlowPainter
from tests.rich_media import chapters_of, tracks_of


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streams.long_clip(tmp_path_factory.mktemp("long"))


def pictures_of(path: Path) -> list[tuple[Fraction, str]]:
    """Time and digest of each packet, in the order of the file."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.pts is not None]
        return [(p.pts * p.time_base, hashlib.sha256(bytes(p)).hexdigest()) for p in packets]  # type: ignore[operator]


def test_what_goes_into_a_pipe_is_what_a_file_holds(long: Path, tmp_path: Path) -> None:
    media.transcode(long, tmp_path / "file.mkv", SlowPainter(0))
    report = streams.stream(long, tmp_path / "pipe.mkv", SlowPainter(0))
    assert report.frames == 180 and report.damage == "" and report.notes == ()
    assert pictures_of(tmp_path / "pipe.mkv") == pictures_of(tmp_path / "file.mkv")
    assert media.sound_of(tmp_path / "pipe.mkv") == media.sound_of(tmp_path / "file.mkv")
    assert len(media.read_all(tmp_path / "pipe.mkv")) == 180


def test_tracks_chapters_and_fonts_come_along(tmp_path: Path) -> None:
    rich = rich_media.rich_clip(tmp_path / "rich.mkv")
    assert streams.stream(rich, tmp_path / "o.mkv").notes == ()
    assert tracks_of(tmp_path / "o.mkv") == tracks_of(rich)
    assert chapters_of(tmp_path / "o.mkv") == chapters_of(rich)
    with av.open(str(tmp_path / "o.mkv")) as container:
        assert [s.name for s in container.streams if s.type == "attachment"] == ["font.ttf"]
        assert {key: container.metadata[key.upper()] for key in ("artist",)} == {"artist": "Ann"}
    piped = streams.stream_piped(rich.read_bytes(), tmp_path / "p.mkv")
    assert tracks_of(tmp_path / "p.mkv") == tracks_of(rich)
    assert [note for note in piped.notes if "cover" not in note] == [] and len(piped.notes) == 1


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "prores"])
def test_every_codec_is_written(codec: str, tmp_path: Path) -> None:
    source = media.ntsc_clip(tmp_path / "in.mkv")
    wanted = VideoFormat(codec=codec)
    media.transcode(source, tmp_path / "file.mkv", video_format=wanted)
    streams.stream(source, tmp_path / "pipe.mkv", video_format=wanted)
    assert pictures_of(tmp_path / "pipe.mkv") == pictures_of(tmp_path / "file.mkv")
    pairs = zip(media.read_all(tmp_path / "pipe.mkv"), media.read_all(tmp_path / "file.mkv"), strict=True)
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in pairs)


@pytest.mark.parametrize(
    "name, options",
    [
        ("in.ts", {}),
        ("in.mkv", {}),
        ("in.flv", {}),
        ("fragmented.mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
def test_what_comes_through_a_pipe_is_painted_as_from_a_file(
    name: str, options: dict[str, str], tmp_path: Path
) -> None:
    clip = media.write_clip(
        tmp_path / "clip.mp4", [40 * n for n in range(30)], time_base=Fraction(1, 1000), rate=Fraction(25),
        options={"bf": "2"}, sound_starts=(0.0,),
    )  # fmt: skip
    source = streams.remuxed(clip, tmp_path / name, **options)
    streams.stream(source, tmp_path / "file.mkv")
    report = streams.stream_piped(source.read_bytes(), tmp_path / "pipe.mkv")
    assert report.frames == 30 and report.damage == ""
    assert pictures_of(tmp_path / "pipe.mkv") == pictures_of(tmp_path / "file.mkv")
    (before,), (after,) = media.sound_of(tmp_path / "file.mkv"), media.sound_of(tmp_path / "pipe.mkv")
    assert [digest for _, digest in after] == [digest for _, digest in before] and len(after) > 40
    # of the times in a packet of several frames of AAC, FFmpeg makes a tick more or less
    assert max(abs(a - b) for (a, _), (b, _) in zip(before, after, strict=True)) <= Fraction(1, 1000)


@pytest.mark.parametrize("wanted", [
    VideoFormat(start_seconds=Fraction(3, 2), duration_seconds=Fraction(2)),
    VideoFormat(rate=Fraction(10)),
    VideoFormat(start_seconds=Fraction(31, 20), rate=Fraction(30)),
    VideoFormat(start_seconds=Fraction(5, 2), duration_seconds=Fraction(1), rate=Fraction(3)),
])  # fmt: skip
def test_a_part_of_what_comes_through_a_pipe(wanted: VideoFormat, long: Path, tmp_path: Path) -> None:
    media.transcode(long, tmp_path / "file.mkv", video_format=wanted)
    streams.stream_piped(long.read_bytes(), tmp_path / "pipe.mkv", video_format=wanted)
    assert pictures_of(tmp_path / "pipe.mkv") == pictures_of(tmp_path / "file.mkv")
    assert media.sound_of(tmp_path / "pipe.mkv") == media.sound_of(tmp_path / "file.mkv")


@pytest.mark.parametrize(
    "name, options, kept",
    [
        ("o.ts", {}, False),
        ("o.mkv", {}, False),
        ("o.mp4", {}, True),
        ("o.mov", {"movflags": "faststart"}, True),
        ("o.mp4", {"movflags": "frag_keyframe+empty_moov"}, False),
    ],
)
def test_only_mp4_without_fragments_must_be_kept(
    name: str, options: dict[str, str], kept: bool, tmp_path: Path
) -> None:
    source = streams.remuxed(media.ntsc_clip(tmp_path / "clip.mp4", frames=5), tmp_path / name, **options)
    with streams.piped_bytes(source.read_bytes()) as data:
        assert must_be_kept(data) == kept
    for size in (0, 1, 5, 30):
        with streams.piped_bytes(source.read_bytes()[:size]) as data:
            must_be_kept(data)


def test_what_is_no_video_is_said_in_one_line() -> None:
    with streams.piped_bytes(b"no video" * 1000) as data, pytest.raises(SourceError, match="standard input is not"):
        PipedMedia(data)


def test_a_stream_that_is_cut_is_damaged(long: Path, tmp_path: Path) -> None:
    report = streams.stream_piped(long.read_bytes()[:20000], tmp_path / "o.mkv")
    assert "truncated" in report.damage and 0 < report.frames < 180
    assert len(media.read_all(tmp_path / "o.mkv")) == report.frames


def test_a_painter_that_fails_ends_it(long: Path, tmp_path: Path) -> None:
    def fail(rgb: np.ndarray) -> np.ndarray:
        raise RuntimeError("the network is gone")

    with pytest.raises(RuntimeError, match="the network is gone"):
        streams.stream_piped(long.read_bytes(), tmp_path / "o.mkv", painter=media.PlainPainter(fail))


def test_a_pipe_that_nobody_reads_is_told_from_a_full_disk(long: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    plain = {"size_of": lambda w, h: (w, h), "progress": lambda *_: None, "note": lambda _: None}
    with pytest.raises(ReaderGone):
        stream_video(long, writing, media.PlainPainter(), **plain)  # type: ignore[arg-type]
    os.close(writing)
    with open("/dev/full", "wb") as full, pytest.raises(OutputError, match="No space left"):
        stream_video(long, full.fileno(), media.PlainPainter(), **plain)  # type: ignore[arg-type]


def test_ctrl_c_is_not_lost_while_the_first_packets_are_awaited(long: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, long.read_bytes()[:400])
    timer = threading.Timer(0.5, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        PipedMedia(PipedBytes(reading))
    timer.join()
    os.close(writing)
