"""The decoder's training, in small: it learns, it resumes exactly, it stops cleanly."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder, normalise_activations
from train import checkpoint, normalise_vgg
from train.decoder import Flags, WholeWorkStats, learning_rate, open_streams, train
from train.losses import tap_stats
from train.runtime import StepLog, parse_flags, stop_on_signal
from train.samples import sample_pictures

ROOT = Path(__file__).parents[1]


def write_pictures(folder: Path, count: int, seed: int) -> Path:
    """Gradients with noise, of different colours and shapes."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        height, width = 40 + 3 * i, 56 - 4 * i
        ramp = np.linspace(0, 1, width)[None, :, None] * np.linspace(1, 0.3, height)[:, None, None]
        picture = ramp * rng.integers(80, 230, 3) + rng.integers(0, 25, (height, width, 3))
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Flags:
    """A tiny run: a random normalised encoder, five photographs, three artworks, 32-pixel crops."""
    folder = tmp_path_factory.mktemp("training")
    content, style = write_pictures(folder / "content", 5, 0), write_pictures(folder / "style", 3, 1)
    torch.manual_seed(0)
    encoder = normalise_activations(VGGEncoder(), [torch.rand(1, 3, 32, 32) for _ in range(2)])
    save_file(encoder.state_dict(), folder / "encoder.safetensors")
    return Flags(
        content=(str(content),), style=(str(style),), out=folder / "unused", encoder=folder / "encoder.safetensors",
        steps=6, batch=2, crop=32, scale_min=1.0, scale_max=1.5, style_scale_min=1.0, style_scale_max=1.3,
        lr=1e-3, workers=0, log_every=1, sample_side=32, device="cpu",
    )  # fmt: skip


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def flatten(tree: Any, name: str = "") -> dict[str, Any]:
    """Every leaf of a checkpoint by its path."""
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return {k: v for key, value in items for k, v in flatten(value, f"{name}/{key}").items()}
    return {name: tree}


def assert_same_state(a: checkpoint.State | None, b: checkpoint.State | None) -> None:
    """Bit by bit, the flags (which hold paths) aside."""
    assert a is not None and b is not None
    left, right = flatten(a | {"flags": ""}), flatten(b | {"flags": ""})
    assert left.keys() == right.keys()
    for name, value in left.items():
        same = torch.equal(value, right[name]) if isinstance(value, torch.Tensor) else value == right[name]
        assert same, f"{name} differs"


def test_loss_falls_and_everything_is_written(flags: Flags, tmp_path: Path) -> None:
    flags = replace(flags, out=tmp_path / "run", steps=60, warmup=20, warmup_lr=1e-3, checkpoint_every=30, ema=0.9)
    train(flags)
    rows = log_of(flags.out)
    assert [row["step"] for row in rows] == list(range(1, 61))
    warm, paint = rows[:20], rows[20:]
    assert set(warm[0]) & set(paint[0]) == {"step", "lr", "it_per_s"}
    assert np.mean([r["picture"] for r in warm[-4:]]) < 0.8 * warm[0]["picture"]
    total = [r["content"] + 10 * r["style"] for r in paint]
    assert np.mean(total[-10:]) < 0.85 * np.mean(total[:5])

    weights = load_file(flags.out / "decoder.safetensors")
    assert {v.dtype for v in weights.values()} == {torch.float16}
    Decoder("vgg16").load_state_dict({k: v.float() for k, v in weights.items()}, strict=True)
    state = checkpoint.load_latest(flags.out)
    assert state is not None and state["step"] == 60
    assert all(torch.equal(weights[k], v.half()) for k, v in state["average"].items())
    assert any(not torch.equal(weights[k], v.half()) for k, v in state["decoder"].items())
    assert {p.name for p in flags.out.iterdir()} == {
        "step-0000030.pt", "step-0000060.pt", "samples-0000030.png", "samples-0000060.png",
        "decoder.safetensors", "flags.json", "log.jsonl",
    }  # fmt: skip
    with Image.open(flags.out / "samples-0000060.png") as sheet:
        assert sheet.size == (32 * (1 + 3), 32 * (1 + 4))  # three artworks, the first four photographs
    assert json.loads((flags.out / "flags.json").read_text())["steps"] == 60


VARIANTS: dict[str, dict[str, Any]] = {
    "fresh style crops, the paper's schedule": {},
    "whole works, cosine, average, warm-up": {
        "style_side": 40, "schedule": "cosine", "ema": 0.9, "warmup": 2, "tv_weight": 1.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_six_steps_are_three_and_resume_and_three(flags: Flags, tmp_path: Path, variant: str) -> None:
    flags = replace(flags, **VARIANTS[variant], checkpoint_every=3)
    whole, halves = replace(flags, out=tmp_path / "whole"), replace(flags, out=tmp_path / "halves", resume=True)
    train(whole)
    halves.out.mkdir()
    shutil.copy(whole.out / "step-0000003.pt", halves.out)
    train(halves)
    assert_same_state(checkpoint.load_latest(halves.out), checkpoint.load_latest(whole.out))
    assert (halves.out / "decoder.safetensors").read_bytes() == (whole.out / "decoder.safetensors").read_bytes()
    resumed, plain = log_of(halves.out), log_of(whole.out)[3:]
    assert [r | {"it_per_s": 0} for r in resumed] == [r | {"it_per_s": 0} for r in plain]


def test_a_longer_run_goes_on_from_a_finished_one(flags: Flags, tmp_path: Path) -> None:
    train(replace(flags, out=tmp_path / "once", steps=4))
    train(replace(flags, out=tmp_path / "twice", steps=2))
    train(replace(flags, out=tmp_path / "twice", steps=4, resume=True))
    assert_same_state(checkpoint.load_latest(tmp_path / "twice"), checkpoint.load_latest(tmp_path / "once"))


def test_resuming_a_finished_run_changes_nothing(flags: Flags, tmp_path: Path) -> None:
    flags = replace(flags, out=tmp_path, steps=2)
    train(flags)
    before = (tmp_path / "decoder.safetensors").read_bytes()
    for steps in (2, 1):
        train(replace(flags, steps=steps, resume=True))
        state = checkpoint.load_latest(tmp_path)
        assert state is not None and state["step"] == 2
        assert (tmp_path / "decoder.safetensors").read_bytes() == before


def test_another_runs_checkpoints_are_not_overwritten(flags: Flags, tmp_path: Path) -> None:
    kept = checkpoint.save(tmp_path, 4000, {"step": 4000})
    with pytest.raises(FileExistsError, match="--resume"):
        train(replace(flags, out=tmp_path))
    assert list(tmp_path.iterdir()) == [kept]


def test_resume_in_an_empty_folder_starts(flags: Flags, tmp_path: Path) -> None:
    train(replace(flags, out=tmp_path / "new", steps=1, resume=True))
    assert (tmp_path / "new" / "step-0000001.pt").exists()


def test_broken_pictures_do_not_end_a_run(flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, style = write_pictures(tmp_path / "content", 3, 0), write_pictures(tmp_path / "style", 3, 1)
    for broken in (content / "0.png", style / "1.png"):
        broken.write_bytes(b"no picture")
    sources = replace(flags, content=(str(content),), style=(str(style),), out=tmp_path / "run", steps=3)
    train(replace(sources, style_side=40))
    assert (tmp_path / "run" / "samples-0000003.png").exists()
    said = capsys.readouterr().out
    assert f"0.png in {content}" in said and f"1.png in {style}" in said


def test_whole_work_statistics_are_the_works_own(flags: Flags) -> None:
    encoder = VGGEncoder().eval()
    encoder.load_state_dict(load_file(flags.encoder))
    _, style = open_streams(flags)
    works = WholeWorkStats(encoder, style, 40, torch.device("cpu"))
    samples = range(4)
    targets = works.batch(samples)
    assert targets.color[0].shape == targets.color[1].shape == (4, 5, 1, 1)
    for tap, (mean, std) in enumerate(targets.taps):
        assert mean.shape[0] == std.shape[0] == 4
        assert not mean.requires_grad
        for row, n in enumerate(samples):
            picture = np.array(style.readable(style.picture_index(n), 40))
            x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
            expected_mean, expected_std = tap_stats(encoder(x))[tap]
            torch.testing.assert_close(mean[row], expected_mean[0])
            torch.testing.assert_close(std[row], expected_std[0])
    assert len(works.known) == 3


def test_sample_pictures_are_the_same_each_time(flags: Flags) -> None:
    content, _ = open_streams(flags)
    for side in (20, 64):  # smaller and larger than the pictures
        first, again = sample_pictures(content, 2, side), sample_pictures(content, 2, side)
        assert [p.shape for p in first] == [(3, side, side)] * 2
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_learning_rates(flags: Flags) -> None:
    paper = replace(flags, lr=1e-4, warmup=10, warmup_lr=5e-4, steps=1010)
    assert learning_rate(paper, 9) == 5e-4
    assert learning_rate(paper, 10) == 1e-4
    assert learning_rate(paper, 1010) == pytest.approx(1e-4 / 1.05)
    cosine = replace(paper, schedule="cosine")
    rates = [learning_rate(cosine, step) for step in range(10, 1010)]
    assert rates[0] == pytest.approx(1e-4 / 100, rel=1e-3)
    assert max(rates) == pytest.approx(1e-4, rel=0.03)
    assert rates[500] == pytest.approx(0.5e-4, rel=0.01)
    assert 0 < rates[-1] < 1e-9


def test_flags_are_read_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    required = ["--content", "a", "b", "--style", "c", "--out", "runs/x"]
    flags = parse_flags(Flags, required)
    assert flags == Flags(content=("a", "b"), style=("c",), out=Path("runs/x"))
    assert (flags.steps, flags.batch, flags.crop, flags.lr, flags.style_weight) == (160_000, 8, 256, 1e-4, 10)
    flags = parse_flags(Flags, [*required, "--style-side", "160", "--lr", "4e-4", "--schedule", "cosine", "--resume"])
    assert (flags.style_side, flags.lr, flags.schedule, flags.resume) == (160, 4e-4, "cosine", True)
    for wrong in (["--schedule", "cosin"], ["--arch", "vgg11"], ["--steps", "many"], ["--stepz", "3"]):
        with pytest.raises(SystemExit):
            parse_flags(Flags, [*required, *wrong])
        assert wrong[0] in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    log = StepLog(tmp_path / "log.jsonl", every=2, steps=10, batch=1, start=0)
    log.step(1, 0.1, {"content": torch.tensor(float("nan"))})  # not looked at: reading it would wait for the device
    with pytest.raises(FloatingPointError, match="--lr"):
        log.step(2, 0.1, {"content": torch.tensor(float("nan"))})
    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_for_a_stop_and_are_given_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signal() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
    assert signal.getsignal(number) is before


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are POSIX")
def test_sigterm_to_the_process_group_leaves_a_checkpoint(flags: Flags, tmp_path: Path) -> None:
    long_run = replace(flags, out=tmp_path / "run", steps=100_000, workers=1)
    command = [sys.executable, "-m", "train.decoder"]
    for name, value in asdict(long_run).items():
        if name not in ("resume", "bf16"):
            command += ["--" + name.replace("_", "-"), *(value if isinstance(value, tuple) else [str(value)])]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "'step': 3" in line:
                os.killpg(process.pid, signal.SIGTERM)
                break
        rest, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, said + rest
    state = checkpoint.load_latest(tmp_path / "run")
    assert state is not None and 3 <= state["step"] < 100_000
    assert log_of(tmp_path / "run")[-1]["step"] == state["step"]
    assert (tmp_path / "run" / "decoder.safetensors").exists()


def test_normalise_vgg_folds_and_normalises(flags: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(5)
    raw = VGGEncoder().state_dict()
    save_file(raw, tmp_path / "raw.safetensors")
    out = tmp_path / "made" / "encoder.safetensors"
    normalise_vgg.main([
        "--vgg", str(tmp_path / "raw.safetensors"), "--pictures", *flags.content,
        "--out", str(out), "--count", "3", "--shortest-side", "40",
    ])  # fmt: skip
    assert "mean activation of the taps" in capsys.readouterr().out
    made = load_file(out)
    assert {v.dtype for v in made.values()} == {torch.float16}
    w, bias = made["conv1_1.weight"].float(), made["conv1_1.bias"].float()
    mean = torch.tensor(normalise_vgg.CAFFE_MEAN).view(1, 3, 1, 1)
    scale = w.flatten(1).norm(dim=1) / (255 * raw["conv1_1.weight"]).flatten(1).norm(dim=1)
    expected = raw["conv1_1.bias"] - (raw["conv1_1.weight"] * mean).sum((1, 2, 3))
    torch.testing.assert_close(bias, expected * scale, rtol=1e-2, atol=1e-2)
