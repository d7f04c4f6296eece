"""`livestyle video - -o -` as a process between two pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import av
import pytest

from tests import media, streams

LIMIT_SECONDS = 120


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streams.long_clip(tmp_path_factory.mktemp("long"))


def livestyle(folder: Path) -> subprocess.Popen[bytes]:
    """The program between two pipes, with a folder of its own for temporary files."""
    (folder / "tmp").mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "TMPDIR": str(folder / "tmp")}
    command = [sys.executable, "-m", "livestyle", "video", "-", "-o", "-", "--device", "cpu", "--size", "32", "-q"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)


class Unseekable:
    """The reading end of a pipe, as PyAV takes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return os.read(self._file.fileno(), size)


def ended(program: subprocess.Popen[bytes], folder: Path) -> tuple[int, str]:
    """Its exit code and what it said, without a closed pipe being flushed again. Nothing is left over."""
    assert program.stderr is not None
    said = program.stderr.read().decode()
    code = program.wait(LIMIT_SECONDS)
    assert list((folder / "tmp").glob("livestyle*")) == []
    return code, said


def test_pictures_come_while_more_are_to_come(long: Path, tmp_path: Path) -> None:
    data = long.read_bytes()
    with livestyle(tmp_path) as program:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write(data[: len(data) // 2])
        program.stdin.flush()
        with av.open(Unseekable(program.stdout), options={"probesize": "32"}) as container:  # type: ignore[call-overload]
            frames = container.decode(video=0)
            early = [next(frames) for _ in range(20)]
            program.stdin.write(data[len(data) // 2 :])
            program.stdin.close()
            assert len(early) + len(list(frames)) == 180
        assert ended(program, tmp_path) == (0, "")


def test_a_reader_that_goes_ends_it_without_a_word(long: Path, tmp_path: Path) -> None:
    with livestyle(tmp_path) as program:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write(long.read_bytes())  # and it stays open, as of a camera that shows nothing more
        program.stdin.flush()
        assert program.stdout.read(100)
        program.stdout.close()
        assert ended(program, tmp_path) == (141, "")


def test_ctrl_c_ends_it_while_it_waits_for_input(long: Path, tmp_path: Path) -> None:
    with livestyle(tmp_path) as program:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write(long.read_bytes()[:-2000])
        program.stdin.flush()
        assert program.stdout.read(100)
        program.send_signal(signal.SIGINT)
        program.stdout.read()
        code, said = ended(program, tmp_path)
        assert code not in (0, 2) and "Traceback" not in said


def test_mp4_with_its_index_at_the_end_comes_through_too(tmp_path: Path) -> None:
    source = streams.remuxed(media.ntsc_clip(tmp_path / "clip.mp4", frames=5), tmp_path / "in.mp4")
    with livestyle(tmp_path) as program:
        out, said = program.communicate(source.read_bytes(), timeout=LIMIT_SECONDS)
        assert (program.returncode, said) == (0, b"")
    (tmp_path / "o.mkv").write_bytes(out)
    assert len(media.read_all(tmp_path / "o.mkv")) == 5
    assert list((tmp_path / "tmp").glob("livestyle*")) == []
