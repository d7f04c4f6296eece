"""Checkpoints: whole or not at all, the newest two, damaged ones passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from train import checkpoint


def state(step: int) -> dict[str, Any]:
    return {"step": step, "model": {"w": torch.full((200,), float(step))}, "flags": "{}"}


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_saved_state_comes_back(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path / "run", 5, state(5))
    assert path == tmp_path / "run" / "step-0000005.pt"
    loaded = checkpoint.load_latest(tmp_path / "run")
    assert loaded is not None and loaded["step"] == 5
    assert torch.equal(loaded["model"]["w"], state(5)["model"]["w"])


def test_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 20, 100):
        checkpoint.save(tmp_path, step, state(step))
    assert names(tmp_path) == ["step-0000020.pt", "step-0000100.pt"]
    loaded = checkpoint.load_latest(tmp_path)
    assert loaded is not None and loaded["step"] == 100


def test_keep_counts(tmp_path: Path) -> None:
    for step in range(1, 6):
        checkpoint.save(tmp_path, step, state(step), keep=3)
    assert names(tmp_path) == [f"step-000000{step}.pt" for step in (3, 4, 5)]


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert checkpoint.load_latest(tmp_path) is None
    assert checkpoint.load_latest(tmp_path / "absent") is None


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    numbers = data.find(state(2)["model"]["w"].numpy().tobytes())
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "end cut off": data[:-10],
            "text": b"no checkpoint at all\n",
            "numbers zeroed": data[:numbers] + bytes(100) + data[numbers + 100 :],
        }[how]
    )


@pytest.mark.parametrize("how", ["empty", "cut", "end cut off", "text", "numbers zeroed"])
def test_damaged_newest_is_named_and_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    newest = checkpoint.save(tmp_path, 2, state(2))
    damage(newest, how)
    loaded = checkpoint.load_latest(tmp_path)
    assert loaded is not None and loaded["step"] == 1
    assert f"damaged checkpoint {newest} passed over" in capsys.readouterr().out


def test_only_damaged_ones_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (1, 2):
        damage(checkpoint.save(tmp_path, step, state(step)), "cut")
    assert checkpoint.load_latest(tmp_path) is None
    assert capsys.readouterr().out.count("passed over") == 2


def test_a_save_after_a_damaged_newer_one_is_never_thrown_away(tmp_path: Path) -> None:
    for step in (1, 2, 30, 40):
        checkpoint.save(tmp_path, step, state(step))
    for path in tmp_path.glob("step-*.pt"):
        damage(path, "cut")
    checkpoint.save(tmp_path, 5, state(5))
    loaded = checkpoint.load_latest(tmp_path)
    assert loaded is not None and loaded["step"] == 5


def test_a_crash_while_writing_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(tmp_path, 1, state(1))

    def crash(_state: object, file: Any) -> None:
        file.write(b"half a checkpoint")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", crash)
        with pytest.raises(OSError, match="No space"):
            checkpoint.save(tmp_path, 2, state(2))
    loaded = checkpoint.load_latest(tmp_path)
    assert loaded is not None and loaded["step"] == 1
    assert not (tmp_path / "step-0000002.pt").exists()
    checkpoint.save(tmp_path, 2, state(2))
    assert names(tmp_path) == ["step-0000001.pt", "step-0000002.pt"]


def test_checkpoints_hold_data_never_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    torch.save({"step": 2, "path": Path("x")}, tmp_path / "step-0000002.pt")  # an object, not data
    loaded = checkpoint.load_latest(tmp_path)
    assert loaded is not None and loaded["step"] == 1
    assert "step-0000002.pt passed over" in capsys.readouterr().out


def test_asked_for_nothing_nothing_is_loaded_and_no_other_run_overwritten(tmp_path: Path) -> None:
    assert checkpoint.load_for(tmp_path, "") is None
    assert checkpoint.load_for(tmp_path / "absent", "") is None
    checkpoint.save(tmp_path, 1, state(1))
    with pytest.raises(FileExistsError, match="holds a run's checkpoints: add --resume auto, or give another --out"):
        checkpoint.load_for(tmp_path, "")


def test_auto_is_the_newest_good_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checkpoint.load_for(tmp_path, "auto") is None
    checkpoint.save(tmp_path, 1, state(1))
    damage(checkpoint.save(tmp_path, 2, state(2)), "cut")
    loaded = checkpoint.load_for(tmp_path, "auto")
    assert loaded is not None and loaded["step"] == 1
    assert "step-0000002.pt passed over" in capsys.readouterr().out


def test_a_named_file_is_loaded_from_wherever_it_is(tmp_path: Path) -> None:
    first = checkpoint.save(tmp_path / "a", 1, state(1))
    checkpoint.save(tmp_path / "a", 2, state(2))
    for out in (tmp_path / "a", tmp_path / "new"):
        loaded = checkpoint.load_for(out, str(first))
        assert loaded is not None and loaded["step"] == 1


@pytest.mark.parametrize("how", ["absent", "cut", "text", "numbers zeroed"])
def test_a_named_file_that_is_no_whole_checkpoint_is_refused_in_one_line(tmp_path: Path, how: str) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    path = checkpoint.save(tmp_path, 2, state(2))
    if how == "absent":
        path.unlink()
    else:
        damage(path, how)
    with pytest.raises(ValueError, match="step-0000002.pt is no whole checkpoint .*: try --resume auto") as error:
        checkpoint.load_for(tmp_path, str(path))
    assert "\n" not in str(error.value)
