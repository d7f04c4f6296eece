"""Work that is done in segments: one file in the end, whatever was interrupted on the way."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.bench.peak_memory import peak_memory
from livestyle.errors import OutputError
from livestyle.files.journal import Journal
from livestyle.files.segments import pieces
from livestyle.frame import Picture
from livestyle.sources.video import VideoSource
from tests import media
from tests.interrupted import SlowPainter, run_slowly

RATE = Fraction(2)
SECONDS = 68


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four segments: 68 s of H.264 at 2 fps, 64x48, with B-frames, a keyframe every 14 s, and a tone."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    ticks = [50 * n for n in range(int(SECONDS * RATE))]
    options = {"bf": "3", "g": "28", "keyint_min": "28", "sc_threshold": "0"}
    return media.write_clip(
        path, ticks, size=(64, 48), rate=RATE, time_base=Fraction(1, 100), options=options, sound_starts=(0.0,)
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture(scope="module")
def uninterrupted(long: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("uninterrupted") / "o.mp4"
    media.transcode(long, path, SlowPainter(0))
    return path


def packets_of(path: Path) -> list[tuple[int, int, str]]:
    """Time shown, time decoded and hash of each packet of pictures."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.pts is not None]
        return [(p.pts, p.dts, hashlib.sha256(bytes(p)).hexdigest()) for p in packets]  # type: ignore[misc]


def pictures_of(path: Path) -> list[Picture]:
    return [frame.rgb for frame in media.read_all(path)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_joined_segments_are_one_file(long: Path, out: Path, suffix: str) -> None:
    report = media.transcode(long, out / f"o{suffix}")
    assert report.frames == len(media.pts_of(long)) == SECONDS * RATE
    shown = media.pts_of(out / f"o{suffix}")
    assert [time - shown[0] for time in shown] == media.pts_of(long)
    decoded = [dts for _, dts, _ in packets_of(out / f"o{suffix}") if dts is not None]
    assert decoded == sorted(set(decoded))
    pairs = zip(pictures_of(long), pictures_of(out / f"o{suffix}"), strict=True)
    assert max(abs(media.level(a) - media.level(b)) for a, b in pairs) < 4
    assert [path.name for path in out.iterdir()] == [f"o{suffix}"]


def test_the_joined_file_plays_from_anywhere(long: Path, out: Path) -> None:
    media.transcode(long, out / "o.mp4")
    with av.open(str(out / "o.mp4")) as container:
        stream = container.streams.video[0]
        for seconds in (3, 25, 40, 67):
            container.seek(round(seconds / stream.time_base), stream=stream)
            frame = next(container.decode(stream))
            assert frame.time is not None and frame.time <= seconds


def test_frames_before_a_segment_lead_into_it(long: Path) -> None:
    with VideoSource(long) as source:
        cut = list(pieces(source, 0, None, lead=True))
    leading = [(piece.segment, piece.pts_seconds) for piece in cut if piece.lead]
    assert leading == [(n, Fraction(20 * n) - Fraction(1, 2)) for n in (1, 2, 3)]
    assert len(cut) - len(leading) == SECONDS * RATE


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_segment_alone_is_what_it_is_among_the_others(long: Path, number: int) -> None:
    with VideoSource(long) as source:
        among = [piece for piece in pieces(source, 0, None, lead=True) if piece.segment == number]
    with VideoSource(long) as source:
        alone = list(pieces(source, number, number, lead=True))
    assert [piece[2:] for piece in alone] == [piece[2:] for piece in among]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(alone, among, strict=True))


def test_a_run_that_fails_is_gone_on_with(long: Path, out: Path, uninterrupted: Path) -> None:
    class Failing(SlowPainter):
        def start(self, rgb: Picture, pts_seconds: Fraction) -> Picture:
            if pts_seconds > 50:
                raise RuntimeError("the network is gone")
            return super().start(rgb, pts_seconds)

    with pytest.raises(RuntimeError):
        media.transcode(long, out / "o.mp4", Failing(0))
    assert [path.name for path in out.iterdir()] == [".o.mp4.livestyle"]
    report = media.transcode(long, out / "o.mp4", SlowPainter(0))
    assert (report.frames, report.resumed) == (136, 80)
    assert packets_of(out / "o.mp4") == packets_of(uninterrupted)
    assert media.sound_of(out / "o.mp4") == media.sound_of(long)
    assert [path.name for path in out.iterdir()] == ["o.mp4"]


def test_a_run_that_fails_in_its_first_segment_leaves_nothing(long: Path, out: Path) -> None:
    def fail(rgb: Picture) -> Picture:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        media.transcode(long, out / "o.mp4", fail)
    assert list(out.iterdir()) == []


def test_what_does_not_fit_on_the_disk_in_the_end_is_not_painted_twice(long: Path, out: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    notes: list[str] = []
    largest = len(uninterrupted_bytes(long, out)) // 2  # a segment fits, the whole does not
    with pytest.raises(OutputError, match="free some space"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
        try:
            media.transcode(long, out / "o.mp4", note=notes.append)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert any("136 frames are kept" in note for note in notes)
    assert [path.name for path in out.iterdir()] == [".o.mp4.livestyle"]
    assert media.transcode(long, out / "o.mp4").resumed == 136


def uninterrupted_bytes(long: Path, out: Path) -> bytes:
    media.transcode(long, out / "plain.mp4")
    data = (out / "plain.mp4").read_bytes()
    (out / "plain.mp4").unlink()
    return data


@pytest.mark.parametrize("stage", ["decode", "paint", "encode"])
def test_frames_under_way_are_taken_from_the_painter_when_a_stage_fails(long: Path, out: Path, stage: str) -> None:
    class Counting(SlowPainter):
        under_way = 0

        def start(self, rgb: Picture, pts_seconds: Fraction) -> Picture:
            if stage == "paint" and pts_seconds > 3:
                raise RuntimeError("failed")
            self.under_way += 1
            return rgb

        def finish(self, rgb: Picture) -> Picture:
            self.under_way -= 1
            return rgb[:5] if stage == "encode" else rgb

    painter = Counting(0)
    source = media.cut(long, out / "cut.mp4", 0.5) if stage == "decode" else long
    if stage == "decode":
        assert media.transcode(source, out / "o.mp4", painter).damage
    else:
        with pytest.raises((RuntimeError, ValueError)):
            media.transcode(source, out / "o.mp4", painter)
    assert painter.under_way == 0


def half_done(long: Path, out: Path) -> None:
    """Two segments of o.mp4 are painted, and the run has failed."""

    class Failing(media.PlainPainter):
        def start(self, rgb: Picture, pts_seconds: Fraction) -> Picture:
            if pts_seconds > 50:
                raise RuntimeError("stopped")
            return rgb

    with pytest.raises(RuntimeError):
        media.transcode(long, out / "o.mp4", Failing())


@pytest.mark.parametrize(
    "change, word",
    [
        ({"paint": media.PlainPainter(identity="another style")}, "painting"),
        ({"size_of": lambda w, h: (w // 2, h // 2), "paint": lambda rgb: rgb[::2, ::2].copy()}, "format"),
    ],
)
def test_other_settings_begin_anew(long: Path, out: Path, change: dict[str, object], word: str) -> None:
    half_done(long, out)
    notes: list[str] = []
    report = media.transcode(long, out / "o.mp4", note=notes.append, **change)
    assert report.resumed == 0 and report.frames == 136
    assert any(word in note and "anew" in note for note in notes)


def test_another_input_begins_anew(long: Path, out: Path, tmp_path: Path) -> None:
    half_done(long, out)
    other = media.write_clip(tmp_path / "other.mp4", [25 * n for n in range(10)], rate=RATE, time_base=Fraction(1, 100))
    assert media.transcode(other, out / "o.mp4").resumed == 0


def test_resuming_can_be_refused(long: Path, out: Path) -> None:
    half_done(long, out)
    assert media.transcode(long, out / "o.mp4", resume=False).resumed == 0


@pytest.mark.parametrize("harm", ["journal", "segment"])
def test_a_damaged_journal_or_segment_is_painted_again(long: Path, out: Path, harm: str) -> None:
    half_done(long, out)
    name = "journal.jsonl" if harm == "journal" else "000001.mp4"
    path = out / ".o.mp4.livestyle" / name
    path.write_bytes(path.read_bytes()[:-20])
    report = media.transcode(long, out / "o.mp4")
    assert (report.resumed, report.frames) == (40, 136)


def test_two_runs_do_not_write_one_output(long: Path, out: Path) -> None:
    with Journal(out / "o.mp4"), pytest.raises(OutputError, match="another livestyle"):
        media.transcode(long, out / "o.mp4")


def test_killed_at_any_moment_the_file_is_the_same_in_the_end(long: Path, out: Path, uninterrupted: Path) -> None:
    command = [sys.executable, "-m", "tests.interrupted", str(long), str(out / "o.mp4"), "0.004"]
    moments = random.Random(7)
    for _ in range(20):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8") as run:
            assert run.stdout is not None
            for _ in range(moments.randrange(1, 60)):  # so many frames are painted, and then some time goes by
                run.stdout.readline()
            time.sleep(moments.uniform(0, 0.02))
            run.kill()
        if (out / "o.mp4").exists():  # it was done before it was killed
            assert packets_of(out / "o.mp4") == packets_of(uninterrupted)
            (out / "o.mp4").unlink()
    subprocess.run(command, capture_output=True, check=True)
    assert packets_of(out / "o.mp4") == packets_of(uninterrupted)
    assert [path.name for path in out.iterdir()] == ["o.mp4"]


def test_memory_does_not_grow_with_length(tmp_path: Path, out: Path) -> None:
    peaks_mib = []
    for seconds in (20, 600):
        ticks = [10 * n for n in range(10 * seconds)]
        source = media.write_clip(tmp_path / f"{seconds}.mp4", ticks, rate=Fraction(10), time_base=Fraction(1, 100))
        peak = peak_memory(partial(run_slowly, source, out / f"{seconds}.mp4", 0))
        assert peak is not None
        peaks_mib.append(peak.mib)
    assert peaks_mib[1] < peaks_mib[0] + 25
