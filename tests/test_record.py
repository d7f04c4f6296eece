"""Recordings: exact times, kill -9, full disks, sizes that change, names that are taken."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from livestyle.errors import OutputError
from livestyle.frame import Frame, Picture
from livestyle.live import hud
from livestyle.live.app import LiveShow
from livestyle.live.outputs import Outputs
from livestyle.looks.bank import Bank
from livestyle.painting.pipeline import Painter
from livestyle.sinks import record
from livestyle.sinks.record import Recorder, Recording
from livestyle.sources.pacing import CaptureThread
from tests.conftest import CountingEngine, Run
from tests.running import Camera, NoWindow, Running, make_show, wait_until

ROOT = Path(__file__).parent.parent


def frame(index: int, at_seconds: float, size: tuple[int, int] = (64, 48)) -> Frame:
    rgb = np.full((size[1], size[0], 3), 40 + 2 * index, np.uint8)
    return Frame(rgb, index, Fraction(index), grabbed_at=at_seconds)


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as movie:
        return list(movie.decode(video=0))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_keep_the_times_at_which_they_were_grabbed(tmp_path: Path, suffix: str) -> None:
    times = [1000.0, 1000.04, 1000.5, 1000.52, 1003.0]
    recording = Recording(tmp_path / f"show{suffix}", frame(0, times[0]))
    for i, at in enumerate(times):
        recording.write(frame(i, at))
    assert "5 frames, 3.0 s" in recording.close()
    got = decoded(tmp_path / f"show{suffix}")
    assert [f.time for f in got] == pytest.approx([at - 1000 for at in times], abs=0.001)
    levels = [f.to_ndarray(format="rgb24").mean() for f in got]
    assert levels == pytest.approx([40, 42, 44, 46, 48], abs=2)
    assert os.listdir(tmp_path) == [f"show{suffix}"]


def test_a_finished_recording_is_a_plain_mp4(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", frame(0, 0.0))
    for i in range(60):
        recording.write(frame(i, i / 10))
    recording.close()
    with av.open(str(tmp_path / "show.mp4")) as movie:
        assert movie.streams.video[0].frames == 60, "the header counts all, and not the first fragment's"
    assert b"moof" not in (tmp_path / "show.mp4").read_bytes()[:200]


RECORDING_PROGRAM = """
    import sys, time
    from fractions import Fraction
    from pathlib import Path
    import numpy as np
    from livestyle.frame import Frame
    from livestyle.sinks.record import Recording
    rng = np.random.default_rng(0)
    recording = None
    for i in range(int(sys.argv[2])):
        frame = Frame(rng.integers(0, 255, (120, 160, 3), np.uint8), i, Fraction(i, 20), grabbed_at=i / 20)
        recording = recording or Recording(Path(sys.argv[1]), frame)
        recording.write(frame)
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_plays_after_kill_9(tmp_path: Path, suffix: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RECORDING_PROGRAM), str(tmp_path / f"show{suffix}"), "100"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        encoding="utf-8",
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "written\n"
    program.send_signal(signal.SIGKILL)
    program.communicate()
    (partial,) = tmp_path.iterdir()
    assert partial.name.startswith(".show.") and partial.suffix == suffix
    assert 100 - 12 <= len(decoded(partial)) <= 100, "all but about half a second at 20 frames a second"


def test_a_full_disk_keeps_what_was_recorded_and_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    rng = np.random.default_rng(0)
    recorder = Recorder(tmp_path / "show.mp4", tmp_path, said.append)
    recorder.start()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        for i in range(500):
            recorder.put(Frame(rng.integers(0, 255, (240, 320, 3), np.uint8), i, Fraction(i), grabbed_at=i / 30))
            status = recorder.status
            assert status is not None
            if status.problem:
                break
            wait_until(lambda i=i: recorder.status.written + recorder.status.dropped == i + 1)  # type: ignore[misc,union-attr]
        recorder.join()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    failed = [text for text in said if "trying again" in text]
    assert len(failed) == 1 and "File too large" in failed[0] and "What was written is kept" in failed[0]
    with av.open(str(tmp_path / "show.mp4")) as movie:
        frames = 0
        try:
            for _ in movie.decode(video=0):
                frames += 1
        except av.FFmpegError:
            pass  # the picture at which the disk was full
    assert frames > 10


def test_a_nearly_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MIN_FREE_MIB", 1 << 40)
    with pytest.raises(record.OutputError, match="MiB free, and a recording needs"):
        Recording(tmp_path / "show.mp4", frame(0, 0.0))
    assert not list(tmp_path.iterdir())


def test_other_sizes_are_fitted_into_the_first(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", frame(0, 0.0, (65, 49)))
    for i, size in enumerate([(65, 49), (200, 48), (32, 24), (65, 49)]):
        recording.write(frame(i, i / 10, size))
    recording.close()
    got = [f.to_ndarray(format="rgb24") for f in decoded(tmp_path / "show.mp4")]
    assert {picture.shape for picture in got} == {(48, 64, 3)}
    assert got[1][0].mean() < 8 < got[1][24].mean(), "a wide one has black above"
    assert got[2].mean() == pytest.approx(44, abs=3)


class Changing(Camera):
    """A camera whose pictures change their size after ten frames."""

    def read(self) -> Frame | None:
        got = super().read()
        if got is not None and self.given > 10:
            return Frame(np.zeros((24, 80, 3), np.uint8), got.index, got.pts_seconds)
        return got


def test_v_starts_and_stops_and_replaces_nothing(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "show.mp4").write_text("precious", encoding="utf-8")
    said: list[str] = []
    outputs = Outputs(tmp_path, said.append)
    outputs.record_to(tmp_path / "show.mp4")
    with Running(bank, tmp_path, Changing, outputs=outputs) as running:
        for _ in range(2):
            assert outputs.inbox.ask("record")["recording"] is True
            running.more_paintings(15)
            assert "recording 0:0" in outputs.summary()
            assert outputs.inbox.ask("record", "off")["recording"] is False
            assert outputs.summary() == ""
            running.until(lambda: said[-1].startswith("recorded "))
        outputs.inbox.ask("record", "on")
        running.more_paintings(5)  # and the show ends while it records
    assert (tmp_path / "show.mp4").read_text(encoding="utf-8") == "precious"
    names = sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".mp4")
    assert names == ["show-2.mp4", "show-3.mp4", "show-4.mp4", "show.mp4"]
    for name in names[:3]:
        assert len(decoded(tmp_path / name)) >= 3


def test_recordings_at_the_same_time_have_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / f".show-2.{os.getpid()}.part.mp4").write_text(
        "left by kill -9 of a process of this number", encoding="utf-8"
    )
    recordings = [Recording(tmp_path / "show.mp4", frame(0, 0.0)) for _ in range(2)]
    for i, recording in enumerate(recordings):
        for j in range(5 + i):
            recording.write(frame(j, j / 10))
    (tmp_path / "show.mp4").write_text("of another program, meanwhile", encoding="utf-8")
    told = [recording.close() for recording in reversed(recordings)]
    assert "show-3.mp4 (6 frames" in told[0] and "show-2.mp4 (5 frames" in told[1]
    assert (tmp_path / "show.mp4").read_text(encoding="utf-8") == "of another program, meanwhile"
    assert [len(decoded(tmp_path / name)) for name in ("show-2.mp4", "show-3.mp4")] == [5, 6]
    (left,) = tmp_path.glob(".*")
    assert left.read_text(encoding="utf-8").startswith("left by")


def test_a_recording_whose_file_was_deleted_leaves_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", frame(0, 0.0))
    recording.write(frame(0, 0.0))
    (partial,) = tmp_path.iterdir()
    partial.unlink()
    with pytest.raises(OutputError, match="cannot be written"):
        recording.close()
    assert not list(tmp_path.iterdir())


def test_the_numbers_show_that_it_records(bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, ...]] = []

    def draw(rgb: Picture, overlay: hud.Overlay) -> Picture:
        lines.append(overlay.lines)
        return rgb

    monkeypatch.setattr(hud, "draw", draw)
    window: Any = NoWindow()
    painter = Painter(CountingEngine(), bank)
    show = LiveShow(
        CaptureThread(Camera), lambda: painter, make_show(bank), window=window, snapshot_dir=tmp_path, seconds=0.6
    )
    show.press("v")
    show.run()
    assert len(lines[-1]) == 4 and lines[-1][3].startswith("recording 0:00")
    (movie,) = tmp_path.glob("livestyle-*.mp4")
    assert all(picture.to_ndarray(format="gray").std() < 3 for picture in decoded(movie)), "and the video is clean"


def test_without_a_name_a_recording_has_the_date_and_time(bank: Bank, tmp_path: Path) -> None:
    with Running(bank, tmp_path) as running:
        running.outputs.inbox.ask("record")
        running.more_paintings()
    (movie,) = tmp_path.glob("livestyle-20*-*.mp4")
    pictures = decoded(movie)
    assert pictures and pictures[0].width == 64


@pytest.mark.parametrize(("path", "said"), [("show.avi", "use .mp4 or .mkv"), ("nowhere/show.mp4", "does not exist")])
def test_a_bad_recording_ends_before_the_show(run: Run, path: str, said: str) -> None:
    result = run("live", "0", "--no-window", "--record", path)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1
