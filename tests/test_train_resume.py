"""Stopping and going on: bit for bit what an uninterrupted run is, from the checkpoint that is asked for."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training import arguments, assert_same_state, log_of, read_until, start, tiny_flags
from train import checkpoint
from train.decoder import Flags, train
from train.runtime import run


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Flags:
    return tiny_flags(tmp_path_factory.mktemp("training"))


VARIANTS: dict[str, dict[str, Any]] = {
    "fresh style crops, the paper's schedule": {"batch": 1},
    "whole works, cosine, average, warm-up across the stop, own styles": {
        "style_side": 40, "schedule": "cosine", "ema": 0.9, "warmup": 13, "warmup_apart": 5, "tv_weight": 1.0,
        "identity_share": 0.5,
    },
    "pictures in memory, clipped gradients, warm-up up to the stop": {"cache": "ram", "clip": 0.1, "warmup": 10},
}  # fmt: skip


def shipped(out: Path) -> bytes:
    return (out / "weights" / "decoder.safetensors").read_bytes()


@pytest.mark.parametrize("variant", VARIANTS)
def test_twenty_steps_are_ten_and_resume_and_ten(flags: Flags, tmp_path: Path, variant: str) -> None:
    whole = replace(flags, **VARIANTS[variant], out=tmp_path / "whole", steps=20, checkpoint_every=10)
    train(whole)
    halves = replace(whole, out=tmp_path / "halves", resume="auto")
    halves.out.mkdir()
    shutil.copy(whole.out / "step-0000010.pt", halves.out)
    train(halves)
    ended = checkpoint.load_latest(halves.out)
    assert_same_state(ended, checkpoint.load_latest(whole.out))
    assert ended is not None and ended["step"] == 20 and len(ended["random"]) > 1000
    assert shipped(halves.out) == shipped(whole.out)
    assert log_of(halves.out) == [row for row in log_of(whole.out) if row["step"] > 10]


def test_a_longer_run_goes_on_from_a_finished_one_which_resuming_does_not_change(flags: Flags, tmp_path: Path) -> None:
    twice = replace(flags, out=tmp_path / "twice", steps=2)
    train(twice)
    before = shipped(twice.out)
    for steps in (2, 1):
        train(replace(twice, steps=steps, resume="auto"))
        state = checkpoint.load_latest(twice.out)
        assert state is not None and state["step"] == 2 and shipped(twice.out) == before
    train(replace(twice, steps=4, resume="auto"))
    train(replace(flags, out=tmp_path / "once", steps=4))
    assert_same_state(checkpoint.load_latest(twice.out), checkpoint.load_latest(tmp_path / "once"))


def test_auto_starts_in_an_empty_folder_and_passes_over_damaged_checkpoints(
    flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = replace(flags, out=tmp_path / "run", steps=3, checkpoint_every=2, resume="auto")
    train(flags)
    whole, newest = shipped(flags.out), flags.out / "step-0000003.pt"
    newest.write_bytes(newest.read_bytes()[:-1000])
    capsys.readouterr()
    train(flags)
    said = capsys.readouterr().out
    assert f"damaged checkpoint {newest} passed over" in said and "step 2 of 3" in said
    assert shipped(flags.out) == whole


def test_a_run_goes_on_from_a_named_file(flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = replace(flags, out=tmp_path / "whole", steps=3, checkpoint_every=2)
    train(whole)
    train(replace(whole, out=tmp_path / "other", resume=str(whole.out / "step-0000002.pt")))
    assert "step 2 of 3" in capsys.readouterr().out
    assert shipped(tmp_path / "other") == shipped(whole.out)


def test_what_cannot_be_resumed_is_one_line_and_exit_code_2(
    flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = checkpoint.save(tmp_path / "old", 4000, {"step": 4000, "decoder": {}})
    for change, said in (
        ({}, f"{tmp_path / 'old'} holds a run's checkpoints: add --resume auto, or give another --out"),
        ({"resume": "auto"}, "the checkpoint does not fit (another --encoder or version?): 'model'"),
        ({"resume": "absent.pt"}, "--resume absent.pt is no whole checkpoint"),
    ):
        with pytest.raises(SystemExit) as stop:
            run(train, replace(flags, out=tmp_path / "old", **change))
        error = capsys.readouterr().err
        assert stop.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1 and said in error
    assert list((tmp_path / "old").iterdir()) == [foreign]


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are POSIX")
def test_a_signal_to_the_process_group_leaves_a_checkpoint(flags: Flags, tmp_path: Path) -> None:
    """As Ctrl-C and `timeout` do; the process that reads pictures must not die of it before the training has ended."""
    runs = {
        number: (tmp_path / number.name, start("-m", "train.decoder", *arguments(
            replace(flags, out=tmp_path / number.name, steps=10_000, workers=1)
        )))
        for number in (signal.SIGINT, signal.SIGTERM)
    }  # fmt: skip
    try:
        for number, (out, process) in runs.items():
            said = read_until(process, "step 3/")
            os.killpg(process.pid, number)
            rest, _ = process.communicate(timeout=120)
            assert process.returncode == 0, said + rest
            state = checkpoint.load_latest(out)
            assert state is not None and 3 <= state["step"] < 10_000
            assert log_of(out)[-1]["step"] == state["step"]
            assert (out / "weights" / "manifest.json").exists()
    finally:
        for _, process in runs.values():
            process.kill()
            process.communicate()
