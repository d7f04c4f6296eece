"""What a run tells: its line, its JSON rows, TensorBoard's files; a loss that is no number ends it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training import CPU
from train import log
from train.log import RunLog

LOSSES = {"content": torch.tensor(1.25), "style": torch.tensor(0.5)}


def run_log(folder: Path, **changes: Any) -> RunLog:
    options = {"every": 2, "steps": 1000, "batch": 8, "start": 0, "device": CPU, "tensorboard": False}
    return RunLog(folder, **(options | changes))


def ticking(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """A clock that moves on by so many seconds each time it is read."""
    times = iter(np.arange(0, 1000 * seconds, seconds))
    monkeypatch.setattr(log.time, "monotonic", lambda: float(next(times)))


def test_the_line_has_losses_speed_time_left_and_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ticking(monkeypatch, 4.0)  # read at the start, then twice a line
    lines = run_log(tmp_path)
    lines.step(1, 1e-4, LOSSES)
    assert capsys.readouterr().out == ""
    lines.step(2, 1e-4, LOSSES)
    said = capsys.readouterr().out
    expected = r"step 2/1000  content 1.25  style 0.5  lr 1.00e-04  0.50 it/s  4.0 images/s  33 min left  \d+\.\d GB\n"
    assert re.fullmatch(expected, said)
    lines.step(4, 1e-4, LOSSES, broken=3)
    assert capsys.readouterr().out.endswith(" GB  3 broken\n")


def test_speed_counts_from_where_the_run_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticking(monkeypatch, 4.0)
    run_log(tmp_path, start=500).step(502, 1e-4, LOSSES)
    assert json.loads((tmp_path / "log.jsonl").read_text(encoding="utf-8"))["it_per_s"] == 0.5


def test_rows_are_json_lines_and_a_resumed_run_appends(tmp_path: Path) -> None:
    first = run_log(tmp_path)
    for step in range(1, 5):
        first.step(step, 2e-4, LOSSES, broken=step - 3 if step > 3 else 0)
    first.validation(4, {"content": 0.123456789, "style": 2.0}, np.zeros((4, 4, 3), np.uint8))
    run_log(tmp_path, start=4).step(6, 1e-4, LOSSES)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 4, 6]
    assert all(row.pop("it_per_s") > 0 for row in (rows[0], rows[1], rows[3]))
    assert rows[0] == {"step": 2, "lr": 2e-4, "content": 1.25, "style": 0.5}
    assert rows[1] == {"step": 4, "lr": 2e-4, "content": 1.25, "style": 0.5, "broken": 1}
    assert rows[2] == {"step": 4, "validation": {"content": 0.12346, "style": 2.0}}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run_with_advice(tmp_path: Path, value: float) -> None:
    lines = run_log(tmp_path)
    wrong = LOSSES | {"style": torch.tensor(value)}
    lines.step(1, 0.1, wrong)  # not looked at: reading it would wait for the device
    with pytest.raises(FloatingPointError, match="step 2: .*style.*: lower --lr, then --resume"):
        lines.step(2, 0.1, wrong)
    assert not (tmp_path / "log.jsonl").exists()


def test_tensorboard_has_the_scalars_and_the_paintings(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    lines = run_log(tmp_path, tensorboard=True)
    for step in (2, 4):
        lines.step(step, 0.5**step, {name: loss * step for name, loss in LOSSES.items()})
    sheet = np.zeros((20, 30, 3), np.uint8)
    lines.validation(4, {"content": 0.25, "style": 2.0}, sheet)
    lines.close()
    events = event_accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()

    def scalars(tag: str) -> list[tuple[int, float]]:
        return [(event.step, event.value) for event in events.Scalars(tag)]

    assert scalars("train/content") == [(2, 2.5), (4, 5.0)]
    assert scalars("train/style") == [(2, 1.0), (4, 2.0)]
    assert scalars("train/lr") == [(2, 0.25), (4, 0.0625)]
    assert all(value > 0 for _, value in scalars("train/it_per_s"))
    assert scalars("validation/content") == [(4, 0.25)] and scalars("validation/style") == [(4, 2.0)]
    (image,) = events.Images("paintings")
    assert (image.step, image.width, image.height) == (4, 30, 20)


def test_without_tensorboard_it_is_said_once_and_the_rows_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(log.importlib.util, "find_spec", lambda name: None)
    lines = run_log(tmp_path, tensorboard=True)
    lines.step(2, 0.1, LOSSES)
    lines.close()
    assert capsys.readouterr().out.count("pip install tensorboard") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(20, "0 min"), (100, "2 min"), (3599, "1 h 00 min"), (90_061, "25 h 01 min")]
)
def test_durations(seconds: float, said: str) -> None:
    assert log._duration(seconds) == said
