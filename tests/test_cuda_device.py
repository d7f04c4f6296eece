"""The CUDA engine on CUDA itself, where there is one."""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import Any

import numpy as np
import pytest
import torch

from livestyle.engine.cuda import CudaEngine
from livestyle.engine.eager import EagerEngine
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.model.weights import ModelName
from tests.simulated_gpu import frame_of, painted

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


def relative_rms(painting: Picture, expected: Picture) -> float:
    """The root mean square of the differences over that of what is expected."""
    off = painting.astype(float) - expected
    return float(np.sqrt(np.square(off).mean() / np.square(expected.astype(float)).mean()))


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (37, 51), (360, 640)])
def test_cuda_paints_what_the_cpu_paints(
    plain_engine: EagerEngine, each_model: ModelName, half: bool, size: tuple[int, int]
) -> None:
    """The root mean square of the differences is under 2 % of that of the reference's pixels."""
    engine = CudaEngine(model=each_model, half=half, reason="a test")
    assert engine.precision == ("float16" if half else "float32")
    rgb = frame_of(*size)
    for style in ("wave", "scream"):
        for alpha in (1.0, 0.4):
            expected = painted(plain_engine, rgb, style, alpha)
            assert relative_rms(painted(engine, rgb, style, alpha), expected) < 2e-2


def test_cuda_captures_once_a_size_and_frames_do_not_meet(
    each_model: ModelName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone and in batches, in which frames are painted up to rounding as they are alone, and the same each time."""
    engine = CudaEngine(model=each_model, half=True, reason="a test")
    captured: list[Any] = []
    capture = engine._gpu.capture
    monkeypatch.setattr(engine._gpu, "capture", lambda paint: captured.append(paint) or capture(paint))
    rng = random.Random(0)
    jobs = [
        (frame_of(*size, i), rng.choice(["wave", "scream"]), rng.random())
        for size in [(64, 96), (96, 64), (128, 128)]
        for i in range(10)
    ]
    alone = [painted(engine, *job) for job in jobs]
    codes = {style: engine.style_code(Bank().stats(style)) for style in ("wave", "scream")}

    def together() -> list[Picture]:
        found: list[Picture] = []
        tickets: deque[Any] = deque()
        for rgb, style, alpha in jobs:
            if len(tickets) == engine.in_flight:
                found.append(engine.result(tickets.popleft()))
            tickets.append(engine.submit(rgb, codes[style], alpha))
        return found + [engine.result(ticket) for ticket in tickets]

    first = together()
    assert max(relative_rms(a, b) for a, b in zip(first, alone, strict=True)) < 1e-2
    assert all(np.array_equal(a, b) for a, b in zip(first, together(), strict=True))
    assert len(captured) == 2 * len({job[0].shape for job in jobs})


def test_cuda_runs_in_another_thread_than_it_was_made_in(each_model: ModelName) -> None:
    engine, rgb = CudaEngine(model=each_model, half=True, reason="a test"), frame_of(64, 96)
    found: list[Picture] = []
    thread = threading.Thread(target=lambda: found.append(painted(engine, rgb, "wave", 1.0)))
    thread.start()
    thread.join()
    assert np.array_equal(found[0], painted(engine, rgb, "wave", 1.0))
