"""The CUDA engine: everything but CUDA itself on a simulated GPU, and CUDA where there is one."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from livestyle import engine as engines
from livestyle.bank import Bank
from livestyle.engine.cuda import CHECK_SHAPE, GRAPHS_KEPT, LANES, SLOTS, CudaEngine, Gpu
from livestyle.engine.eager import EagerEngine
from livestyle.errors import WeightsError
from livestyle.frame import Picture
from livestyle.weights import ModelName, models_in
from scripts import bench_cuda

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


class SimulatedGpu(Gpu):
    """Three queues on the CPU, worked off late and in any order that the events allow.

    Memory starts as garbage, and running one graph spoils the results of the others, as it may where
    graphs share memory.
    """

    def __init__(self, seed: int = 0) -> None:
        self.device = torch.device("cpu")
        self.captures = 0
        self._queues: dict[str, deque[Any]] = {lane: deque() for lane in LANES}
        self._random = random.Random(seed)
        self._results: list[Tensor] = []

    def pair(self, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        return torch.full((count,), 205, dtype=dtype), torch.full((count,), 205, dtype=dtype)

    def put(self, lane: str, work: Callable[[], object], after: Any = None) -> Any:
        event = threading.Event()
        self._queues[lane].append((work, after, event))
        for _ in range(self._random.randrange(3)):
            self._step()
        return event

    def wait(self, event: Any) -> None:
        while not event.is_set():
            self._step()

    def capture(self, paint: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        while any(self._queues.values()):
            self._step()
        self.captures += 1
        result = paint()
        self._results.append(result)

        def replay() -> None:
            for other in self._results:
                other.fill_(205)
            result.copy_(paint())

        return replay, result

    def _step(self) -> None:
        """Run one piece of work that may run, if there is any."""
        ready = [q for q in self._queues.values() if q and (q[0][1] is None or q[0][1].is_set())]
        if ready:
            work, _, event = self._random.choice(ready).popleft()
            work()
            event.set()


def simulated(model: ModelName = "paper", seed: int = 0, **options: Any) -> CudaEngine:
    return CudaEngine(model=model, half=False, reason="a test", gpu=SimulatedGpu(seed), **options)


@pytest.fixture(scope="module", params=models_in())
def model(request: pytest.FixtureRequest) -> ModelName:
    return request.param


@pytest.fixture(scope="module")
def plain(model: ModelName) -> EagerEngine:
    return EagerEngine("cpu", model=model, half=False, reason="a test")


@pytest.fixture(scope="module")
def ours(model: ModelName) -> Iterator[CudaEngine]:
    yield simulated(model)


@pytest.fixture(scope="module")
def small() -> ModelName:
    """The quickest model there is."""
    return models_in()[-1]


def frame_of(height: int, width: int, seed: int = 0) -> Picture:
    """Blobs and noise: HxWx3 uint8 RGB."""
    rng = np.random.default_rng(seed)
    blobs = np.kron(rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)), np.ones((8, 8, 1)))[:height, :width]
    return np.clip(blobs + rng.normal(0, 8, blobs.shape), 0, 255).astype(np.uint8)


def painted(engine: EagerEngine, rgb: Picture, style: str, alpha: float) -> Picture:
    return engine.stylize(rgb, engine.style_code(Bank().stats(style)), alpha)


def furthest(a: Picture, b: Picture) -> int:
    return int(np.abs(a.astype(int) - b).max())


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (17, 16)])
@pytest.mark.parametrize("alpha", [1.0, 0.4, 0.0])
def test_paintings_equal_the_plain_engines(
    ours: CudaEngine, plain: EagerEngine, size: tuple[int, int], alpha: float
) -> None:
    """Another formula for the full style: no pixel off by more than one level."""
    for seed, style in enumerate(("wave", "scream")):
        rgb = frame_of(*size, seed)
        painting = painted(ours, rgb, style, alpha)
        assert painting.shape == rgb.shape and painting.dtype == np.uint8 and painting.flags.writeable
        assert furthest(painting, painted(plain, rgb, style, alpha)) <= 1


def test_regions_are_painted_as_by_the_plain_engine(ours: CudaEngine, plain: EagerEngine) -> None:
    rgb, bank = frame_of(33, 47), Bank()
    masks = np.random.default_rng(0).uniform(0, 1, (2, 33, 47)).astype(np.float32)
    masks /= masks.sum(0)
    paintings = [
        e.stylize_regions(rgb, [e.style_code(bank.stats(name)) for name in ("wave", "scream")], masks, 0.7)
        for e in (ours, plain)
    ]
    assert furthest(*paintings) <= 1


def test_style_statistics_and_names_are_the_plain_engines(ours: CudaEngine, plain: EagerEngine) -> None:
    stats, expected = ours.style_stats(frame_of(32, 40)), plain.style_stats(frame_of(32, 40))
    np.testing.assert_array_equal(stats.numbers, expected.numbers)
    assert (ours.name, ours.model, ours.precision) == ("cuda", plain.model, "float32")
    assert ours.encoder_id == plain.encoder_id


def test_no_key_captures_again(small: ModelName) -> None:
    engine = simulated(small)
    captures = engine._gpu.captures
    for alpha in (1.0, 0.5, 0.0, 1.0):
        for style in ("wave", "scream"):
            painted(engine, frame_of(24, 40), style, alpha)
    assert engine._gpu.captures == captures + 1


@pytest.mark.parametrize("seed", range(8))
def test_frames_under_way_do_not_meet(small: ModelName, seed: int) -> None:
    """Frames of several sizes, each with a style and alpha of its own, in an order of streams drawn by chance."""
    plain = EagerEngine("cpu", model=small, half=False, reason="a test")
    engine, rng = simulated(small, seed), random.Random(seed)
    jobs = [
        (frame_of(*rng.choice([(16, 24), (24, 16), (32, 32)]), i), rng.choice(["wave", "scream"]), rng.random())
        for i in range(10)
    ]
    waiting: list[tuple[Any, int]] = []
    for i, (rgb, style, alpha) in enumerate(jobs):
        buffer = rgb.copy()
        waiting.append((engine.submit(buffer, engine.style_code(Bank().stats(style)), alpha), i))
        buffer[:] = 0  # it is the caller's again
        while waiting and (len(waiting) == SLOTS or i + 1 == len(jobs)):
            ticket, j = waiting.pop(rng.randrange(len(waiting)))
            assert furthest(engine.result(ticket), painted(plain, *jobs[j])) <= 1


def test_too_many_frames_and_spent_tickets_are_refused(small: ModelName) -> None:
    engine, rgb = simulated(small), frame_of(16, 16)
    code = engine.style_code(Bank().stats("wave"))
    tickets = [engine.submit(rgb, code, 1.0) for _ in range(SLOTS)]
    with pytest.raises(RuntimeError, match="3 frames are under way: take a result"):
        engine.submit(rgb, code, 1.0)
    paintings = [engine.result(ticket) for ticket in tickets]
    assert all(np.array_equal(painting, paintings[0]) for painting in paintings)
    with pytest.raises(RuntimeError, match="taken already"):
        engine.result(tickets[0])
    assert np.array_equal(engine.stylize(rgb, code, 1.0), paintings[0])


def test_a_frame_that_is_refused_costs_no_slot(small: ModelName) -> None:
    engine = simulated(small)
    code = engine.style_code(Bank().stats("wave"))
    for _ in range(SLOTS + 1):
        with pytest.raises(TypeError):
            engine.stylize(np.zeros((16, 16, 3)), code, 1.0)
    engine.stylize(frame_of(16, 16), code, 1.0)


def test_paintings_are_nobody_elses_memory(small: ModelName) -> None:
    engine = simulated(small)
    first = painted(engine, frame_of(16, 24), "wave", 1.0)
    kept = first.copy()
    for seed in range(1, SLOTS + 2):
        painted(engine, frame_of(16, 24, seed), "scream", 0.5)
    assert np.array_equal(first, kept) and first.base is None


def test_read_only_and_mirrored_frames_are_taken(small: ModelName) -> None:
    engine, rgb = simulated(small), frame_of(32, 32)
    frozen = rgb.copy()
    frozen.flags.writeable = False
    assert np.array_equal(painted(engine, frozen, "wave", 1.0), painted(engine, rgb, "wave", 1.0))
    mirrored = painted(engine, rgb[:, ::-1], "wave", 1.0)
    assert np.array_equal(mirrored, painted(engine, rgb[:, ::-1].copy(), "wave", 1.0))


def test_the_latest_sizes_are_kept(small: ModelName) -> None:
    engine = simulated(small)
    code = engine.style_code(Bank().stats("wave"))
    sizes = [(16, 16 + i) for i in range(GRAPHS_KEPT + 2)]
    before = [engine.stylize(frame_of(*size), code, 1.0) for size in sizes]
    assert list(engine._graphs) == sizes[2:]
    engine.stylize(frame_of(*sizes[2]), code, 1.0)  # used again: the next one goes first
    captures = engine._gpu.captures
    assert np.array_equal(engine.stylize(frame_of(*sizes[0]), code, 1.0), before[0])
    assert engine._gpu.captures == captures + 1
    assert list(engine._graphs) == [*sizes[4:], sizes[2], sizes[0]]


def test_buffers_grow_with_the_frames_and_stay(small: ModelName) -> None:
    engine = simulated(small)
    painted(engine, frame_of(48, 64), "wave", 1.0)
    grown = [slot.picture_bytes for slot in engine._free]
    assert sorted(grown) == [*[np.prod(CHECK_SHAPE)] * (SLOTS - 1), 48 * 64 * 3]
    painted(engine, frame_of(16, 16), "wave", 1.0)
    assert [slot.picture_bytes for slot in engine._free] == grown


def test_a_graph_that_paints_something_else_is_found(small: ModelName) -> None:
    class Deaf(SimulatedGpu):
        """Its graphs do nothing."""

        def capture(self, paint: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
            result = paint()
            return lambda: None, result

    with pytest.raises(RuntimeError, match=r"a graph's painting is \d+\.\d of 255 levels off"):
        CudaEngine(model=small, half=False, reason="a test", gpu=Deaf())


def test_a_painting_that_is_not_finite_is_refused(small: ModelName, monkeypatch: pytest.MonkeyPatch) -> None:
    build_model = engines.eager.build_model

    def loud(*arguments: Any) -> Any:
        painter, projection = build_model(*arguments)
        list(painter.parameters())[-2].fill_(3e38)
        return painter, projection

    monkeypatch.setattr("livestyle.engine.eager.build_model", loud)
    with pytest.raises(WeightsError, match="not finite in float32: they are damaged"):
        simulated(small)


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
    with_a_gpu: None, monkeypatch: pytest.MonkeyPatch, small: ModelName, device: str, reason: str
) -> None:
    monkeypatch.setattr("livestyle.engine.cuda.Gpu", SimulatedGpu)
    chosen = engines.choose_engine(device, model=small, half=False)
    assert isinstance(chosen, CudaEngine) and chosen.reason == reason


def test_without_graphs_the_plain_engine_runs_and_says_why(with_a_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of\nmemory. " + "Tried " * 50)

    monkeypatch.setattr(CudaEngine, "__init__", failing)
    chosen = engines.choose_engine("cuda", model="paper")
    assert chosen.name == "torch-cuda" and chosen.half
    assert chosen.reason.startswith("asked for; CUDA graphs cannot be used: CUDA out of memory. Tried")
    assert "\n" not in chosen.reason and len(chosen.reason) < 200


def test_damaged_weights_are_not_a_reason_to_go_on(with_a_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise WeightsError("damaged")

    monkeypatch.setattr(CudaEngine, "__init__", failing)
    with pytest.raises(WeightsError):
        engines.choose_engine("cuda", model="paper")


def test_the_plain_engine_can_be_had_on_cuda(with_a_gpu: None) -> None:
    chosen = engines.choose_engine("torch-cuda", model="paper", half=False)
    assert isinstance(chosen, Plain) and chosen.name == "torch-cuda" and chosen.reason == "asked for"


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str], small: ModelName) -> None:
    arguments = ["--device", "cpu", "--models", small, "--sizes", "32x24", "--runs", "2", "--profile", "32x24"]
    bench_cuda.main(arguments, SimulatedGpu())
    printed = capsys.readouterr().out
    assert f"{small} 32x24" in printed and "convolution" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith(("torch-cpu", "cuda"))]
    assert [row[:2] for row in rows] == [
        ["torch-cpu", "float32"], ["torch-cpu", "bfloat16"], ["cuda", "float32"], ["cuda", "bfloat16"]
    ]  # fmt: skip
    assert float(rows[0][-1]) == 0 and float(rows[2][-1]) < 0.1  # levels off


def test_it_needs_no_other_packages() -> None:
    script = (
        "import sys\n"
        "for name in ('av', 'openvino', 'PIL', 'platformdirs', 'rich', 'typer'):\n"
        "    sys.modules[name] = None\n"
        "import livestyle.engine.cuda, scripts.bench_cuda\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parent.parent)


@needs_cuda
@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (37, 51), (360, 640)])
def test_cuda_paints_what_the_cpu_paints(
    plain: EagerEngine, model: ModelName, half: bool, size: tuple[int, int]
) -> None:
    """The root mean square of the differences is under 2 % of that of the reference's pixels."""
    engine = CudaEngine(model=model, half=half, reason="a test")
    assert engine.precision == ("float16" if half else "float32")
    rgb = frame_of(*size)
    for style in ("wave", "scream"):
        for alpha in (1.0, 0.4):
            expected = painted(plain, rgb, style, alpha).astype(float)
            off = painted(engine, rgb, style, alpha) - expected
            assert np.sqrt(np.square(off).mean()) < 2e-2 * np.sqrt(np.square(expected).mean())


@needs_cuda
def test_cuda_captures_once_a_size_and_frames_do_not_meet(model: ModelName, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CudaEngine(model=model, half=True, reason="a test")
    captured: list[Any] = []
    capture = engine._gpu.capture
    monkeypatch.setattr(engine._gpu, "capture", lambda paint: captured.append(paint) or capture(paint))
    rng = random.Random(0)
    jobs = [
        (frame_of(*rng.choice([(64, 96), (96, 64), (128, 128)]), i), rng.choice(["wave", "scream"]), rng.random())
        for i in range(30)
    ]
    alone = [painted(engine, *job) for job in jobs]
    assert len(captured) == len({job[0].shape for job in jobs})
    codes = {style: engine.style_code(Bank().stats(style)) for style in ("wave", "scream")}
    tickets: deque[Any] = deque()
    together: list[Picture] = []
    for rgb, style, alpha in jobs:
        if len(tickets) == SLOTS:
            together.append(engine.result(tickets.popleft()))
        tickets.append(engine.submit(rgb, codes[style], alpha))
    together += [engine.result(ticket) for ticket in tickets]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert len(captured) == len({job[0].shape for job in jobs})


@needs_cuda
def test_cuda_runs_in_another_thread_than_it_was_made_in(model: ModelName) -> None:
    engine, rgb = CudaEngine(model=model, half=True, reason="a test"), frame_of(64, 96)
    found: list[Picture] = []
    thread = threading.Thread(target=lambda: found.append(painted(engine, rgb, "wave", 1.0)))
    thread.start()
    thread.join()
    assert np.array_equal(found[0], painted(engine, rgb, "wave", 1.0))
