"""Peak memory: of a fresh process, by each system's own means."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from livestyle.bench import peak_memory as module
from livestyle.bench.peak_memory import Memory, peak_memory


def hold(mib: int) -> None:
    assert len(b"x" * (mib * 2**20)) == mib * 2**20


def fail() -> None:
    raise ValueError("as asked")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_the_peak_is_of_the_work_alone() -> None:
    kept = b"x" * (300 * 2**20)  # this process's own memory does not count
    little, much = peak_memory(partial(hold, 1)), peak_memory(partial(hold, 200))
    assert little and much and little.of == "process"
    assert 190 < much.mib - little.mib < 250
    assert little.mib < len(kept) / 2**20


def test_killed_work_has_no_peak() -> None:
    assert peak_memory(partial(os._exit, 9)) is None


def test_an_error_of_the_work_is_an_error() -> None:
    with pytest.raises(ValueError, match="as asked"):
        peak_memory(fail)


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, encoding: str) -> str:
        raise OSError("no such file")

    monkeypatch.setattr(Path, "read_text", refuse)


@pytest.mark.parametrize(("platform", "mib"), [("darwin", 3.0), ("freebsd14", 3.0 * 1024)])
def test_systems_without_proc(no_proc: None, monkeypatch: pytest.MonkeyPatch, platform: str, mib: float) -> None:
    fake = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=3 * 2**20))
    monkeypatch.setitem(sys.modules, "resource", fake)
    monkeypatch.setattr(module.sys, "platform", platform)
    assert module._resident_peak() == Memory(mib, "process")


def test_windows_does_not_tell(no_proc: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert module._resident_peak() is None


def cuda(initialised: bool) -> Any:
    memory = {"is_initialized": lambda: initialised, "max_memory_allocated": lambda: 5 * 2**20}
    return SimpleNamespace(cuda=SimpleNamespace(**memory))


def test_on_cuda_it_is_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", cuda(initialised=True))
    assert module._done_and_told(lambda: None) == Memory(5.0, "gpu")
    monkeypatch.setitem(sys.modules, "torch", cuda(initialised=False))
    assert module._gpu_peak() is None
    monkeypatch.delitem(sys.modules, "torch")
    assert module._gpu_peak() is None
