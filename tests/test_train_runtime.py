"""Flags from a dataclass and back, devices, a clean stop, errors in one line."""

from __future__ import annotations

import os
import shlex
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from train.runtime import command_line, flag, parse_flags, pick_device, run, stop_on_signal


@dataclass(frozen=True)
class Flags:
    """A script."""

    sources: tuple[str, ...] = flag("some sources")
    out: Path = flag("a folder")
    held_out: tuple[str, ...] = flag("more sources", ())
    start_from: Path | None = flag("a file", None)
    steps: int = flag("how many", 100)
    rate: float = flag("how fast", 1e-4)
    kind: Literal["a", "b"] = flag("which", "a")
    fast: bool = flag("whether", False)
    slow: bool = flag("whether", True)
    resume: str = flag("from where", "", bare="auto")


REQUIRED = ["--sources", "x", "y z", "--out", "runs/x"]
PLAIN = Flags(sources=("x", "y z"), out=Path("runs/x"))


def test_flags_are_read_from_the_command_line() -> None:
    assert parse_flags(Flags, REQUIRED) == PLAIN
    more = ["--held-out", "h", "--start-from", "f", "--steps", "3", "--rate", "4e-4", "--kind", "b", "--fast"]
    assert parse_flags(Flags, [*REQUIRED, *more, "--no-slow"]) == replace(
        PLAIN, held_out=("h",), start_from=Path("f"), steps=3, rate=4e-4, kind="b", fast=True, slow=False
    )


@pytest.mark.parametrize(("words", "value"), [([], ""), (["--resume"], "auto"), (["--resume", "a.pt"], "a.pt")])
def test_a_flag_may_be_given_bare(words: list[str], value: str) -> None:
    assert parse_flags(Flags, [*words, *REQUIRED]).resume == value
    assert parse_flags(Flags, [*REQUIRED, *words]).resume == value


@pytest.mark.parametrize("wrong", [["--kind", "c"], ["--steps", "many"], ["--stepz", "3"], ["--sources"]])
def test_wrong_flags_are_named(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse_flags(Flags, [*REQUIRED, *wrong])
    assert stop.value.code == 2 and wrong[0] in capsys.readouterr().err


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_flags(Flags, ["--help"])
    said = capsys.readouterr().out
    assert all(text in said for text in ("A script.", "--held-out", "--start-from", "--no-slow", "(default: 0.0001)"))


def test_a_command_line_gives_its_flags_again() -> None:
    assert command_line("train.x", PLAIN) == "python -m train.x --sources x 'y z' --out runs/x"
    flags = replace(
        PLAIN, held_out=("h*", "i"), start_from=Path("a b"), rate=0.3, kind="b", fast=True, slow=False, resume="auto"
    )
    words = shlex.split(command_line("train.x", flags))
    assert words[:3] == ["python", "-m", "train.x"]
    assert parse_flags(Flags, words[3:]) == replace(flags, resume="")  # how a run was cut up is not how it was made


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    for available, auto in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        assert pick_device("auto") == torch.device(auto)
        assert pick_device("cpu") == torch.device("cpu")
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert pick_device("cuda") == pick_device("auto") == torch.device("cuda:3")
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "advice"), [("gpu", "give auto, cpu or cuda"), ("cuda", "no CUDA device"), ("cuda:1", "no CUDA device")]
)
def test_a_device_that_is_not_here_is_refused(name: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"--device {name}.*: .*{advice}"):
        pick_device(name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_for_a_stop_and_are_given_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signal() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    "error", [FileNotFoundError, ValueError, MemoryError, FloatingPointError, ImportError, FileExistsError]
)
def test_what_a_person_can_put_right_is_one_line_and_exit_code_2(
    error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    def main(flags: Flags) -> None:
        raise error(f"{flags.out}\n  is   wrong")

    with pytest.raises(SystemExit) as stop:
        run(main, PLAIN)
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", "error: runs/x is wrong\n")


def test_a_defect_is_not_hidden() -> None:
    def main(_flags: Flags) -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        run(main, PLAIN)
