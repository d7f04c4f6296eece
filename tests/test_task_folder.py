"""Folders of tasks: what a killed worker leaves behind goes, what others work in stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from livestyle.batch.task_folder import YOUNG_SECONDS, task_folder

AT_WORK = """
import sys
from livestyle.batch.task_folder import task_folder
with task_folder() as folder:
    (folder / "segment.mp4").write_bytes(b"half of it")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files of the test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@contextmanager
def worker() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process in the middle of a task, and the task's folder."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", AT_WORK], encoding="utf-8", **pipes) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def aged(folder: Path) -> None:
    """As if nothing had been done in it for long."""
    then = os.stat(folder).st_mtime - YOUNG_SECONDS - 1
    os.utime(folder, (then, then))


def test_a_folder_goes_with_its_task(tmp_path: Path) -> None:
    with task_folder() as folder:
        (folder / "segment.mp4").write_bytes(b"all of it")
        assert folder.parent == tmp_path
    with pytest.raises(RuntimeError), task_folder():
        raise RuntimeError("the network is gone")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_worker_left_goes_with_the_next_task() -> None:
    with worker() as (process, folder):
        process.send_signal(signal.SIGKILL)
    with task_folder():
        assert folder.exists(), "it is too young to be sure"
    aged(folder)
    with task_folder():
        assert not folder.exists()


def test_a_task_that_takes_long_keeps_its_folder() -> None:
    with worker() as (process, folder):
        aged(folder)
        with task_folder():
            assert (folder / "segment.mp4").exists()
        process.communicate()
    assert process.returncode == 0 and not folder.exists()


def test_what_is_nobodys_task_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    file = tmp_path / "livestyle-task-1-file"
    file.write_text("not a folder", encoding="utf-8")
    for path in (other, file):
        aged(path)
    with task_folder():
        assert other.exists() and file.exists()
