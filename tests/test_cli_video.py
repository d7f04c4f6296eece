"""`livestyle video` as a person runs it, with the shipped networks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests import media
from tests.conftest import Run

HUNDREDTH = Fraction(1, 100)


def long_clip(path: Path, seconds: int) -> Path:
    """H.264 at 2 fps, 64x48."""
    ticks = [50 * n for n in range(2 * seconds)]
    return media.write_clip(path, ticks, size=(64, 48), rate=Fraction(2), time_base=HUNDREDTH)


def test_what_can_be_read_of_a_damaged_file_is_painted(run: Run, tmp_path: Path) -> None:
    source = media.cut(media.noise_clip(tmp_path / "n.mp4"), tmp_path / "cut.mp4", 0.5)
    result = run("video", str(source), "o.mp4", "--device", "cpu")
    assert result.code == 3
    assert "truncated" in result.err.splitlines()[-1] and "o.mp4" in result.err.splitlines()[-1]
    assert 10 < len(media.read_all(tmp_path / "o.mp4")) < 20


def test_the_profile_names_the_stages(run: Run, tmp_path: Path) -> None:
    source = media.ntsc_clip(tmp_path / "in.mp4", frames=6)
    result = run("video", str(source), "o.mp4", "--device", "cpu", "--profile")
    assert result.code == 0
    for word in ("decode", "paint", "encode", "join", "of the speed of"):
        assert word in result.err


def test_ctrl_c_keeps_what_is_painted_and_the_same_command_goes_on(tmp_path: Path) -> None:
    source = long_clip(tmp_path / "in.mp4", 150)
    command = [sys.executable, "-m", "livestyle", "video", str(source), "o.mp4", "--device", "cpu", "-s", "wave"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    journal = tmp_path / ".o.mp4.livestyle" / "journal.jsonl"
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8", env=environment) as first:
        while first.poll() is None and not (journal.exists() and journal.read_text(encoding="utf-8").count("\n") > 1):
            time.sleep(0.02)
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=60)
    assert first.returncode not in (0, 2) and "Traceback" not in said
    assert "the same command goes on from there" in said and not (tmp_path / "o.mp4").exists()
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", env=environment, check=True)
    assert "painted already" in second.stderr
    assert media.pts_of(tmp_path / "o.mp4") == media.pts_of(source)
    whole = [*command[:5], "whole.mp4", *command[6:]]
    subprocess.run(whole, cwd=tmp_path, capture_output=True, env=environment, check=True)
    pairs = zip(media.read_all(tmp_path / "o.mp4"), media.read_all(tmp_path / "whole.mp4"), strict=True)
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in pairs)


def piped(arguments: list[str], given: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "livestyle", "video", *arguments, "--device", "cpu", "--size", "32"]
    return subprocess.run(command, input=given, cwd=folder, capture_output=True, env=environment, check=False)


def test_a_video_comes_and_goes_by_pipes(tmp_path: Path) -> None:
    source = media.ntsc_clip(tmp_path / "in.ts", frames=6)
    result = piped(["-", "-o", "-", "--codec", "h264"], source.read_bytes(), tmp_path)
    assert result.returncode == 0 and b"6 frames" in result.stderr
    assert result.stdout.startswith(b"\x1aE\xdf\xa3")  # Matroska, and nothing before it
    (tmp_path / "o.mkv").write_bytes(result.stdout)
    assert len(media.read_all(tmp_path / "o.mkv")) == 6 and len(media.sound_of(tmp_path / "o.mkv")) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.ts", "o.mkv"]


def test_an_empty_pipe_is_said(tmp_path: Path) -> None:
    result = piped(["-", "o.mp4"], b"", tmp_path)
    assert result.returncode == 2 and result.stderr.startswith(b"livestyle: -: nothing came")


def test_a_part_without_sound_at_another_rate(run: Run, tmp_path: Path) -> None:
    source = media.ntsc_clip(tmp_path / "in.mp4")
    given = ["--start", "0.2", "--duration", "00:00.4", "--fps", "10", "--no-audio", "--codec", "hevc", "--crf", "30"]
    result = run("video", str(source), "-o", "o.mp4", *given, "--device", "cpu", "--size", "64")
    assert result.code == 0
    assert media.pts_of(tmp_path / "o.mp4") == [Fraction(n, 10) for n in range(4)]
    assert media.sound_of(tmp_path / "o.mp4") == []


def test_pictures_too_small_for_hevc_are_refused(run: Run, tmp_path: Path) -> None:
    source = media.ntsc_clip(tmp_path / "in.mp4", frames=4)
    result = run("video", str(source), "-o", "o.mp4", "--codec", "hevc", "--device", "cpu", "--size", "32")
    assert result.code == 2 and "48x32 is too small for hevc, which begins at 64x36" in result.err


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["o.webm", "--codec", "h264"], "holds no h264"),
        ([], "no output is named"),
        (["o.mp4", "-o", "p.mp4"], "give one of them"),
        (["o.mp4", "--start", "soon"], "give a time"),
        (["o.mp4", "--duration", "0"], "more than nothing"),
        (["o.mp4", "--hwenc", "amd"], "auto, none, nvenc"),
    ],
)
def test_what_cannot_be_is_said_at_once(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    source = media.ntsc_clip(tmp_path / "in.mp4", frames=2)
    result = run("video", str(source), *arguments)
    assert result.code == 2 and len(result.err.splitlines()) == 1 and words in result.err
