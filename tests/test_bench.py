"""The benchmark: in turns, whole path and network alone, ratios within one run, peaks and memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livestyle.bench import timing
from livestyle.bench.timing import BenchRow, in_turns, interleaved_ms
from tests.contestants import Fake, count_products, stand_still


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return stand_still(monkeypatch)


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    return count_products(monkeypatch)


def spending(clock: list[float], seconds: float, done: list[str], name: str) -> Callable[[], str]:
    def job() -> str:
        clock[0] += seconds
        done.append(name)
        return name

    return job


def test_jobs_take_turns_after_a_warm_up_and_a_rest(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(timing.time, "sleep", lambda seconds: done.append(f"{seconds:.1f}"))
    found = in_turns([spending(clock, 0, done, "a"), spending(clock, 0, done, "b")], 2)
    assert found == [["a", "a"], ["b", "b"]]
    assert done == ["a", "a", "b", "b", *["0.1", "a", "0.1", "b"] * 2]


def test_without_runs_nothing_runs(clock: list[float]) -> None:
    done: list[str] = []
    assert in_turns([spending(clock, 0, done, "a")], 0) == [[]] and done == []


def test_a_slow_job_has_fewer_runs_over_the_same_time(clock: list[float]) -> None:
    done: list[str] = []
    jobs = [spending(clock, 0.5, done, "."), spending(clock, 2.0, done, "S")]
    assert [len(found) for found in in_turns(jobs, 16, budget_s=8)] == [16, 4]
    assert "".join(done[2 * timing.WARMUP :]) == "....S" * 4


@pytest.mark.parametrize(("runs", "expected"), [(16, timing.MIN_RUNS), (2, 2)])
def test_even_the_slowest_job_has_a_few_runs(clock: list[float], runs: int, expected: int) -> None:
    assert len(in_turns([spending(clock, 60, [], "S")], runs, budget_s=8)[0]) == expected


def test_milliseconds_in_turns(clock: list[float]) -> None:
    assert interleaved_ms([spending(clock, 0.020, [], "a")], 3)[0] == pytest.approx([20, 20, 20])


def test_rows_compare_with_plain_pytorch_and_the_peer_at_the_same_size(clock: list[float]) -> None:
    timed = [
        Fake("quick", 0.010, clock),
        Fake("plain", 0.040, clock, role="plain"),
        Fake("quick", 0.080, clock, model="paper"),
        Fake("plain", 0.240, clock, model="paper", role="plain"),
        Fake("rival", 0.030, clock, model="other", hardware=None, role="peer"),
    ]
    rows = timing.run(timed, [(64, 48), (128, 72)], 5)
    assert [(r.model, r.width, r.height, r.engine) for r in rows] == [
        *((m, *size, e) for m in ("fast", "paper") for size in ((64, 48), (128, 72)) for e in ("quick", "plain")),
        *(("other", *size, "rival") for size in ((64, 48), (128, 72))),
    ]
    assert [r.p50_ms for r in rows] == pytest.approx([10, 40, 20, 80, 80, 240, 160, 480, 30, 60])
    assert [r.network_ms for r in rows] == pytest.approx([5, 20, 10, 40, 40, 120, 80, 240, 15, 30])
    assert [r.fps for r in rows[:3]] == pytest.approx([100, 25, 50])
    assert [r.speedup for r in rows] == [4, None, 4, None, 3, None, 3, None, None, None]
    assert [r.peer_speedup for r in rows] == [3, 0.75, 3, 0.75, 0.38, 0.12, 0.38, 0.12, None, None]
    assert all(r.runs == 5 and r.memory is None and r.peak_share is None for r in rows)


def test_plain_pytorch_on_other_hardware_is_no_comparison(clock: list[float]) -> None:
    timed = [Fake("quick", 0.010, clock, hardware="cuda"), Fake("plain", 0.040, clock, role="plain")]
    assert [r.speedup for r in timing.run(timed, [(64, 48)], 2)] == [None, None]


def test_runs_tell_what_a_budget_left(clock: list[float]) -> None:
    rows = timing.run([Fake("quick", 0.1, clock), Fake("slow", 4, clock)], [(64, 48)], 20, budget_s=20)
    assert [r.runs for r in rows] == [20, 5]


def test_contestants_are_prepared_before_any_is_timed(clock: list[float]) -> None:
    one, other = Fake("one", 0.010, clock), Fake("other", 0.010, clock)
    other.calls = one.calls
    timing.run([one, other], [(64, 48)], 1)
    assert one.calls == ["prepare"] * 2 + ["timed"] * 2 * (timing.WARMUP + 1)


def test_the_network_is_compared_with_the_hardwares_peak(clock: list[float], products: list[tuple[str, str]]) -> None:
    timed = [
        Fake("quick", 0.010, clock, gflop=2.0, precision="float32"),
        Fake("slow", 0.020, clock, gflop=2.0, precision="float32"),
        Fake("int8", 0.010, clock, gflop=2.0, precision="int8"),
        Fake("elsewhere", 0.010, clock, gflop=2.0, precision="float32", hardware=None),
        Fake("uncounted", 0.010, clock, precision="float32"),
    ]
    rows = timing.run(timed, [(64, 48)], 3)
    assert products == [("cpu", "float32")]
    # 2 GFLOP in the network's 5 and 10 ms, of 1000 a second
    assert [r.peak_share for r in rows] == [pytest.approx(0.4), pytest.approx(0.2), None, None, None]
    assert [r.peak_gflop_s for r in rows] == [1000, 1000, None, None, None]
    assert [r.gflop for r in rows] == [2, 2, 2, 2, None]


def test_the_peak_is_the_best_of_all_sizes(clock: list[float], products: list[tuple[str, str]]) -> None:
    timed = [Fake("quick", 0.010, clock, gflop=2.0, precision="float32")]
    rows = timing.run(timed, [(64, 48), (64, 32), (64, 16)], 1)
    assert [r.peak_gflop_s for r in rows] == [1000] * 3


def test_memory_is_measured_in_a_process_that_paints_the_same(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh: list[Fake] = []
    monkeypatch.setattr(Fake, "again", lambda self: lambda: fresh.append(Fake(f"{self.engine} again")) or fresh[-1])
    monkeypatch.setattr(timing, "peak_memory", lambda work: work() or timing.Memory(12.5, "process"))
    rows = timing.run([Fake("one", 0.010, clock)], [(64, 48)], 1, memory=True)
    assert rows[0].memory == timing.Memory(12.5, "process")
    assert fresh[0].engine == "one again" and fresh[0].calls == ["prepare", "paint", "paint"]


def test_a_row_says_all(clock: list[float]) -> None:
    row = timing.run([Fake("one", 0.010, clock)], [(64, 48)], 1)[0]
    assert isinstance(row, BenchRow) and (row.device, row.precision) == ("none", "by hand")
