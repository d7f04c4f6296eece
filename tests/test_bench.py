"""The benchmark: engines and sizes in turns, the whole path and the network alone, against plain PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from livestyle import bench
from livestyle.bank import Bank
from livestyle.bench import interleaved_ms, plain_engine, run, table
from livestyle.engine import Engine
from livestyle.frame import Picture
from tests.conftest import CountingEngine


class Ticking(CountingEngine):
    """An engine whose every painting takes `cost_s` of the test's own clock."""

    def __init__(self, name: str, cost_s: float, clock: list[float]) -> None:
        super().__init__()
        self.name, self.cost_s, self.clock = name, cost_s, clock  # type: ignore[misc]

    def stylize(self, rgb: Picture, code: Any, alpha: float) -> Picture:
        self.clock[0] += self.cost_s * rgb.shape[1] / 64
        return super().stylize(rgb, code, alpha)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [0.0]
    monkeypatch.setattr(bench.time, "perf_counter", lambda: now[0])
    yield now


def test_rows_hold_each_engine_at_each_size_against_the_last(clock: list[float]) -> None:
    engines = [Ticking("quick", 0.010, clock), Ticking("plain", 0.040, clock)]
    rows = run(engines, Bank(), [(64, 48), (128, 72)], 5)
    assert [(r.engine, r.width, r.height) for r in rows] == [
        ("quick", 64, 48), ("quick", 128, 72), ("plain", 64, 48), ("plain", 128, 72)
    ]  # fmt: skip
    assert [r.p50_ms for r in rows] == pytest.approx([10, 20, 40, 80])
    assert [r.network_ms for r in rows] == pytest.approx([10, 20, 40, 80])
    assert [r.fps for r in rows] == pytest.approx([100, 50, 25, 12.5])
    assert [r.speedup for r in rows] == pytest.approx([4, 4, 1, 1])
    assert "4.00" in table(rows).splitlines()[1]


def test_alone_there_is_nothing_to_compare_with(clock: list[float]) -> None:
    rows = run([Ticking("only", 0.010, clock)], Bank(), [(64, 48)], 2)
    assert rows[0].speedup is None and table(rows).splitlines()[1].endswith(" -")


def test_plain_is_float32_pytorch_on_the_same_hardware(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain_engine(engine) is None  # it is that already
    asked: list[Any] = []
    monkeypatch.setattr(bench, "choose_engine", lambda device, **options: asked.append((device, options["half"])))
    for name, precision in (("openvino", "float32"), ("torch-cuda", "float16"), ("torch-cpu", "bfloat16")):
        other = CountingEngine()
        other.name, other.precision = name, precision  # type: ignore[misc]
        plain_engine(other)
    assert asked == [("cpu", False), ("cuda", False), ("cpu", False)]


def test_jobs_are_timed_in_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    times = interleaved_ms([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert [len(t) for t in times] == [3, 3]
    assert "".join(calls) == "ab" * 5
    assert interleaved_ms([lambda: calls.append("c")], 0) == [[]]
    assert "c" not in calls
