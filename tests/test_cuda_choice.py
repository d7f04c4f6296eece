"""When the CUDA engine is chosen, what runs where it cannot, and its benchmark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from livestyle import engine as engines
from livestyle.engine.cuda import CudaEngine
from livestyle.errors import DeviceError, WeightsError
from livestyle.looks.bank import Bank
from livestyle.model.weights import ModelName
from scripts import bench_cuda
from tests.simulated_gpu import SimulatedGpu


class Plain:
    """Stands for EagerEngine where there is no GPU."""

    def __init__(self, device: str, *, model: str, half: bool, reason: str, weights: Path | None) -> None:
        self.name, self.model, self.half, self.reason = f"torch-{device}", model, half, reason


@pytest.fixture
def with_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch says that there is one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(engines, "_may_have_gpu", lambda: True)
    monkeypatch.setattr("livestyle.engine.eager.EagerEngine", Plain)


@pytest.mark.parametrize(("device", "reason"), [("cuda", "asked for"), ("auto", "cuda found")])
def test_cuda_means_this_engine(
    with_a_gpu: None, monkeypatch: pytest.MonkeyPatch, quickest_model: ModelName, device: str, reason: str
) -> None:
    monkeypatch.setattr("livestyle.engine.cuda.Gpu", SimulatedGpu)
    chosen = engines.choose_engine(device, model=quickest_model, half=False)
    assert isinstance(chosen, CudaEngine) and chosen.reason == reason


def test_without_graphs_the_plain_engine_runs_and_says_why(with_a_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of\nmemory. " + "Tried " * 50)

    monkeypatch.setattr(CudaEngine, "__init__", failing)
    chosen = engines.choose_engine("cuda", model="paper")
    assert chosen.name == "torch-cuda" and chosen.half
    assert chosen.reason.startswith("asked for; CUDA graphs cannot be used: CUDA out of memory. Tried")
    assert "\n" not in chosen.reason and len(chosen.reason) < 200


@pytest.fixture
def with_a_gpu_that_fails(with_a_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine on it says so when it is made, and those on the CPU are themselves."""

    def failing(*_: Any, **__: Any) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nfor execution on the device")

    monkeypatch.setattr(CudaEngine, "__init__", failing)
    monkeypatch.setattr("livestyle.engine.eager.EagerEngine", failing)


def test_auto_goes_on_without_a_gpu_that_fails(with_a_gpu_that_fails: None) -> None:
    chosen = engines.choose_engine("auto", model="fast")
    assert chosen.name == "openvino"
    assert chosen.reason.startswith("cuda cannot be used: CUDA error: no kernel image is available for")


@pytest.mark.parametrize("device", ["cuda", "torch-cuda"])
def test_a_gpu_that_fails_is_one_line_where_it_was_asked_for(with_a_gpu_that_fails: None, device: str) -> None:
    with pytest.raises(DeviceError, match=f"device '{device}': cuda cannot be used: .*no kernel.*; use --device auto"):
        engines.choose_engine(device, model="fast")


def test_a_picture_too_large_for_the_gpu_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    gpu = SimulatedGpu()
    engine = CudaEngine(model="fast", half=False, reason="", gpu=gpu)
    monkeypatch.setattr(gpu, "capture", full)
    code = engine.style_code(Bank(encoder=engine.encoder_id).stats("wave"))
    with pytest.raises(DeviceError, match="64x48 does not fit into the GPU's memory: give a smaller --size"):
        engine.stylize(np.zeros((48, 64, 3), np.uint8), code, 1.0)


def test_damaged_weights_are_not_a_reason_to_go_on(with_a_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise WeightsError("damaged")

    monkeypatch.setattr(CudaEngine, "__init__", failing)
    with pytest.raises(WeightsError):
        engines.choose_engine("cuda", model="paper")


def test_the_plain_engine_can_be_had_on_cuda(with_a_gpu: None) -> None:
    chosen = engines.choose_engine("torch-cuda", model="paper", half=False)
    assert isinstance(chosen, Plain) and chosen.name == "torch-cuda" and chosen.reason == "asked for"


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str], quickest_model: ModelName) -> None:
    arguments = ["--device", "cpu", "--models", quickest_model, "--sizes", "32x24", "--runs", "2", "--profile", "32x24"]
    gpu = SimulatedGpu()
    bench_cuda.main([*arguments, "--batches", "1,3"], gpu)
    printed = capsys.readouterr().out
    assert f"{quickest_model} 32x24" in printed and "convolution" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith(("torch-cpu", "cuda"))]
    assert [row[:2] for row in rows] == [
        ["torch-cpu", "float32"], ["torch-cpu", "bfloat16"], ["cuda", "float32"], ["cuda", "bfloat16"]
    ]  # fmt: skip
    assert float(rows[0][-1]) == 0 and float(rows[2][-1]) < 0.1  # levels off
    assert re.search(r"paintings a second in batches of 1: \d+\.\d, 3: \d+\.\d; taken: 8", printed)
    assert gpu.replays.count(3) > 2 * bench_cuda.ROUNDS
