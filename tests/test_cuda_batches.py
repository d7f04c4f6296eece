"""The CUDA engine on a simulated GPU: frames of files, in batches, several of which are under way."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from livestyle.engine.batches import batch_size
from livestyle.engine.cuda import SLOTS, CudaEngine
from livestyle.engine.eager import EagerEngine, StyleCode
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.model.weights import ModelName
from tests.simulated_gpu import SimulatedGpu, frame_of, furthest, painted, simulated


def code_of(engine: EagerEngine, style: str) -> StyleCode:
    """With the network's own kernels, so that frames of other styles may be in the same batch."""
    return engine.style_code(Bank().stats(style).without_kernels)


@pytest.mark.parametrize("seed", range(8))
def test_frames_under_way_do_not_meet(quickest_model: ModelName, seed: int) -> None:
    """Frames of several sizes, each with a style and alpha of its own, in an order of streams drawn by chance."""
    plain = EagerEngine("cpu", model=quickest_model, half=False, reason="a test")
    engine, rng = simulated(quickest_model, seed, batch=1 + seed % 3), random.Random(seed)
    jobs = [
        (frame_of(*rng.choice([(16, 24), (24, 16), (32, 32)]), i), rng.choice(["wave", "scream"]), rng.random())
        for i in range(14)
    ]
    waiting: list[tuple[Any, int]] = []
    for i, (rgb, style, alpha) in enumerate(jobs):
        buffer = rgb.copy()
        waiting.append((engine.submit(buffer, engine.style_code(Bank().stats(style)), alpha), i))
        buffer[:] = 0  # it is the caller's again
        while waiting and (len(waiting) == engine.in_flight or i + 1 == len(jobs)):
            ticket, j = waiting.pop(rng.randrange(len(waiting)))
            assert furthest(engine.result(ticket), painted(plain, *jobs[j])) <= 1


def test_too_many_frames_and_spent_tickets_are_refused(quickest_model: ModelName) -> None:
    engine, rgb = simulated(quickest_model, batch=2), frame_of(16, 16)
    code = engine.style_code(Bank().stats("wave"))
    tickets = [engine.submit(rgb, code, 1.0) for _ in range(2 * SLOTS)]
    with pytest.raises(RuntimeError, match="6 frames are under way: take a result"):
        engine.submit(rgb, code, 1.0)
    paintings = [engine.result(ticket) for ticket in tickets]
    assert all(np.array_equal(painting, paintings[0]) for painting in paintings)
    with pytest.raises(RuntimeError, match="taken already"):
        engine.result(tickets[0])
    assert np.array_equal(engine.stylize(rgb, code, 1.0), paintings[0])


def test_buffers_grow_with_the_frames_and_stay(quickest_model: ModelName) -> None:
    engine = simulated(quickest_model, batch=2)
    for size, ever in [((48, 64), (48, 64)), ((16, 16), (48, 64)), ((64, 64), (64, 64))]:
        for ticket in submitted(engine, [frame_of(*size), frame_of(*size)]):
            engine.result(ticket)
        assert sorted({slot.pictures_bytes for slot in engine._free})[-1] == 2 * 3 * math.prod(ever)


@pytest.mark.parametrize(
    ("width", "height", "frames"),
    [(16, 16, 8), (512, 512, 8), (640, 360, 8), (960, 540, 4), (1280, 720, 2), (1920, 1080, 1), (3840, 2160, 1)],
)
def test_small_frames_are_painted_in_larger_batches(width: int, height: int, frames: int) -> None:
    assert batch_size(height, width) == frames


def submitted(engine: CudaEngine, frames: list[Picture]) -> list[Any]:
    """Tickets of frames that have two styles and all alphas."""
    codes = [code_of(engine, style) for style in ("wave", "scream")]
    return [engine.submit(rgb, codes[i % 2], i / (len(frames) - 1)) for i, rgb in enumerate(frames)]


def test_frames_of_a_file_are_painted_at_once_and_those_of_a_show_one_by_one(quickest_model: ModelName) -> None:
    engine, frames = simulated(quickest_model, batch=4), [frame_of(24, 32, i) for i in range(9)]
    gpu = engine._gpu
    assert isinstance(gpu, SimulatedGpu)
    gpu.replays.clear()
    tickets = submitted(engine, frames)
    assert engine.in_flight == SLOTS * 4
    paintings = [engine.result(ticket) for ticket in tickets]
    assert gpu.replays == [4, 4, 4]
    for i, (rgb, painting) in enumerate(zip(frames, paintings, strict=True)):
        assert furthest(painting, engine.stylize(rgb, code_of(engine, ["wave", "scream"][i % 2]), i / 8)) <= 1
    assert gpu.replays == [4, 4, 4, *[1] * 9]


def test_frames_with_other_kernels_are_another_batch(quickest_model: ModelName) -> None:
    engine, frames = simulated(quickest_model, batch=4), [frame_of(24, 32, i) for i in range(7)]
    gpu, styles = engine._gpu, ("wave", "wave", "scream", "scream", "scream", "wave", "wave")
    assert isinstance(gpu, SimulatedGpu)
    gpu.replays.clear()
    codes = [engine.style_code(Bank().stats(style)) for style in styles]
    tickets = [engine.submit(rgb, code, 1.0) for rgb, code in zip(frames, codes, strict=True)]
    paintings = [engine.result(ticket) for ticket in tickets]
    assert gpu.replays == ([4, 4, 4] if quickest_model == "fast" else [4, 4])
    for rgb, style, painting in zip(frames, styles, paintings, strict=True):
        assert furthest(painting, painted(engine, rgb, style, 1.0)) <= 1


def test_a_frame_is_painted_alike_whatever_is_beside_it(quickest_model: ModelName) -> None:
    """At its place in the batch, bit for bit: with others, with none, and with what is left from before."""
    engine = simulated(quickest_model)
    frames = [frame_of(33, 47, i) for i in range(8)]
    together = [engine.result(ticket) for ticket in submitted(engine, frames)]
    for others in (1, 2):
        mixed = [rgb if i in (0, 2) else frame_of(33, 47, 10 * others + i) for i, rgb in enumerate(frames)]
        again = [engine.result(ticket) for ticket in submitted(engine, mixed)]
        assert all(np.array_equal(again[i], together[i]) for i in (0, 2))
    assert np.array_equal(engine.result(engine.submit(frames[0], code_of(engine, "wave"), 0.0)), together[0])


def test_a_batch_is_painted_when_a_result_of_it_is_asked_for(quickest_model: ModelName) -> None:
    engine, rgb = simulated(quickest_model), frame_of(16, 24)
    code = engine.style_code(Bank().stats("wave"))
    full = [engine.result(ticket) for ticket in [engine.submit(rgb, code, 1.0) for _ in range(8)]]
    last = [engine.submit(rgb, code, 1.0) for _ in range(3)][-1]
    painting = engine.result(last)
    assert np.array_equal(painting, full[2])  # bit for bit at its place of a batch, and to a level painted alone
    assert furthest(painting, engine.stylize(rgb, code, 1.0)) <= 1
    late = engine.submit(rgb, code, 1.0)
    assert late.batch is not last.batch


def test_a_show_goes_on_while_frames_of_a_file_are_under_way(quickest_model: ModelName) -> None:
    engine, frames = simulated(quickest_model, batch=2), [frame_of(24, 32, i) for i in range(6)]
    alone = [painted(engine, rgb, "scream", 0.5) for rgb in frames]
    tickets = submitted(engine, frames[:5])
    assert np.array_equal(painted(engine, frames[5], "scream", 0.5), alone[5])
    paintings = [engine.result(ticket) for ticket in tickets]
    assert furthest(paintings[2], engine.stylize(frames[2], code_of(engine, "wave"), 0.5)) <= 1


def test_large_frames_after_small_ones(quickest_model: ModelName) -> None:
    """A file begins behind another one: so many frames are under way as its own size allows."""
    engine = simulated(quickest_model, batch=None)
    code = engine.style_code(Bank().stats("wave"))
    engine.result(engine.submit(frame_of(16, 24), code, 1.0))
    assert engine.in_flight == 8 * SLOTS
    engine.result(engine.submit(frame_of(1080, 1920), code, 1.0))
    assert engine.in_flight == SLOTS
