"""The CUDA engine on a simulated GPU: pictures one by one, as in a live show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from livestyle import engine as engines
from livestyle.engine.cuda import GRAPHS_KEPT, SLOTS, CudaEngine
from livestyle.engine.eager import EagerEngine
from livestyle.errors import WeightsError
from livestyle.looks.bank import Bank
from livestyle.model.weights import ModelName
from tests.simulated_gpu import SimulatedGpu, frame_of, furthest, painted, simulated


@pytest.fixture(scope="module")
def ours(each_model: ModelName) -> Iterator[CudaEngine]:
    yield simulated(each_model)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (17, 16)])
@pytest.mark.parametrize("alpha", [1.0, 0.4, 0.0])
def test_paintings_equal_the_plain_engines(
    ours: CudaEngine, plain_engine: EagerEngine, size: tuple[int, int], alpha: float
) -> None:
    """Another formula for the full style: no pixel off by more than one level."""
    for seed, style in enumerate(("wave", "scream")):
        rgb = frame_of(*size, seed)
        painting = painted(ours, rgb, style, alpha)
        assert painting.shape == rgb.shape and painting.dtype == np.uint8 and painting.flags.writeable
        assert furthest(painting, painted(plain_engine, rgb, style, alpha)) <= 1


def test_regions_are_painted_as_by_the_plain_engine(ours: CudaEngine, plain_engine: EagerEngine) -> None:
    rgb, bank = frame_of(33, 47), Bank()
    masks = np.random.default_rng(0).uniform(0, 1, (2, 33, 47)).astype(np.float32)
    masks /= masks.sum(0)
    paintings = [
        e.stylize_regions(rgb, [e.style_code(bank.stats(name)) for name in ("wave", "scream")], masks, 0.7)
        for e in (ours, plain_engine)
    ]
    assert furthest(*paintings) <= 1


def test_style_statistics_and_names_are_the_plain_engines(ours: CudaEngine, plain_engine: EagerEngine) -> None:
    stats, expected = ours.style_stats(frame_of(32, 40)), plain_engine.style_stats(frame_of(32, 40))
    np.testing.assert_array_equal(stats.numbers, expected.numbers)
    assert (ours.name, ours.model, ours.precision) == ("cuda", plain_engine.model, "float32")
    assert ours.encoder_id == plain_engine.encoder_id


def test_no_key_captures_again(quickest_model: ModelName) -> None:
    engine = simulated(quickest_model)
    captures = engine._gpu.captures
    for alpha in (1.0, 0.5, 0.0, 1.0):
        for style in ("wave", "scream"):
            painted(engine, frame_of(24, 40), style, alpha)
    assert engine._gpu.captures == captures + 1


def test_paintings_are_nobody_elses_memory(quickest_model: ModelName) -> None:
    engine = simulated(quickest_model)
    first = painted(engine, frame_of(16, 24), "wave", 1.0)
    kept = first.copy()
    for seed in range(1, SLOTS + 2):
        painted(engine, frame_of(16, 24, seed), "scream", 0.5)
    assert np.array_equal(first, kept) and first.base is None


def test_read_only_and_mirrored_frames_are_taken(quickest_model: ModelName) -> None:
    engine, rgb = simulated(quickest_model), frame_of(32, 32)
    frozen = rgb.copy()
    frozen.flags.writeable = False
    assert np.array_equal(painted(engine, frozen, "wave", 1.0), painted(engine, rgb, "wave", 1.0))
    mirrored = painted(engine, rgb[:, ::-1], "wave", 1.0)
    assert np.array_equal(mirrored, painted(engine, rgb[:, ::-1].copy(), "wave", 1.0))


def test_the_latest_sizes_are_kept(quickest_model: ModelName) -> None:
    engine = simulated(quickest_model)
    code = engine.style_code(Bank().stats("wave"))
    sizes = [(16, 16 + i) for i in range(GRAPHS_KEPT + 2)]
    before = [engine.stylize(frame_of(*size), code, 1.0) for size in sizes]
    assert list(engine._graphs) == [(*size, 1) for size in sizes[2:]]
    engine.stylize(frame_of(*sizes[2]), code, 1.0)  # used again: the next one goes first
    captures = engine._gpu.captures
    assert np.array_equal(engine.stylize(frame_of(*sizes[0]), code, 1.0), before[0])
    assert engine._gpu.captures == captures + 1
    assert list(engine._graphs) == [(*size, 1) for size in (*sizes[4:], sizes[2], sizes[0])]


def test_a_frame_that_is_refused_costs_no_slot(quickest_model: ModelName) -> None:
    engine = simulated(quickest_model)
    code = engine.style_code(Bank().stats("wave"))
    for _ in range(SLOTS + 1):
        with pytest.raises(TypeError):
            engine.stylize(np.zeros((16, 16, 3)), code, 1.0)
    engine.stylize(frame_of(16, 16), code, 1.0)


def test_a_graph_that_paints_something_else_is_found(quickest_model: ModelName) -> None:
    class Deaf(SimulatedGpu):
        """Its graphs do nothing."""

        def capture(self, paint: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
            result = paint()
            return lambda: None, result

    with pytest.raises(RuntimeError, match=r"a graph's painting is \d+\.\d of 255 levels off"):
        CudaEngine(model=quickest_model, half=False, reason="a test", gpu=Deaf())


def test_a_painting_that_is_not_finite_is_refused(quickest_model: ModelName, monkeypatch: pytest.MonkeyPatch) -> None:
    build_model = engines.eager.build_model

    def loud(*arguments: Any) -> Any:
        painter, projection = build_model(*arguments)
        list(painter.parameters())[-2].fill_(3e38)
        return painter, projection

    monkeypatch.setattr("livestyle.engine.eager.build_model", loud)
    with pytest.raises(WeightsError, match="not finite in float32: they are damaged"):
        simulated(quickest_model)


def test_it_needs_no_other_packages() -> None:
    script = (
        "import sys\n"
        "for name in ('av', 'openvino', 'PIL', 'platformdirs', 'rich', 'typer'):\n"
        "    sys.modules[name] = None\n"
        "import livestyle.engine.cuda, scripts.bench_cuda\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parent.parent)
