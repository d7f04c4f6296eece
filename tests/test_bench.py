"""The benchmark: who is timed, in turns, whole path and network alone, ratios within one run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from livestyle import bench, contestants, roofline
from livestyle.bench import BenchRow, in_turns, interleaved_ms
from livestyle.contestants import Asked, Contestant, EngineContestant, Timing, line_up
from livestyle.errors import SettingError
from livestyle.frame import Picture
from tests.conftest import CountingEngine, Run


class Ticking(CountingEngine):
    """An engine whose every painting takes `cost_s` of the test's own clock."""

    def __init__(self, name: str, precision: str, clock: list[float], cost_s: float = 0.010) -> None:
        super().__init__()
        self.name, self.precision, self.clock, self.cost_s = name, precision, clock, cost_s  # type: ignore[misc]
        self.alphas: list[float] = []

    def stylize(self, rgb: Picture, code: Any, alpha: float) -> Picture:
        self.clock[0] += self.cost_s
        self.alphas.append(alpha)
        return super().stylize(rgb, code, alpha)


class Fake:
    """A contestant whose frames of 64 pixels' width take `cost_s` of the test's own clock, half of it the network."""

    device = "none"

    def __init__(
        self,
        engine: str,
        cost_s: float = 0.010,
        clock: list[float] | None = None,
        *,
        model: str = "fast",
        hardware: str | None = "cpu",
        role: Literal["engine", "plain", "peer"] = "engine",
        gflop: float | None = None,
        precision: str = "by hand",
    ) -> None:
        self.engine, self.cost_s, self.clock = engine, cost_s, clock or [0.0]
        self.model, self.hardware, self.role, self.count = model, hardware, role, gflop
        self.precision = precision
        self.calls: list[str] = []

    def again(self) -> Callable[[], Contestant]:
        return partial(Fake, self.engine)

    def prepare(self, rgb: Picture) -> None:
        self.calls.append("prepare")

    def paint(self, rgb: Picture) -> None:
        self.calls.append("paint")

    def timed(self, rgb: Picture) -> Timing:
        self.calls.append("timed")
        seconds = self.cost_s * rgb.shape[1] / 64
        self.clock[0] += seconds
        return Timing(seconds * 1000, seconds * 500)

    def gflop(self, width: int, height: int) -> float | None:
        return self.count


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [0.0]
    monkeypatch.setattr(bench.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(bench.time, "sleep", lambda seconds: None)
    yield now


def spending(clock: list[float], seconds: float, done: list[str], name: str) -> Callable[[], str]:
    def job() -> str:
        clock[0] += seconds
        done.append(name)
        return name

    return job


def test_jobs_take_turns_after_a_warm_up_and_a_rest(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(bench.time, "sleep", lambda seconds: done.append(f"{seconds:.1f}"))
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
    assert "".join(done[2 * bench.WARMUP :]) == "....S" * 4


@pytest.mark.parametrize(("runs", "expected"), [(16, bench.MIN_RUNS), (2, 2)])
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
    rows = bench.run(timed, [(64, 48), (128, 72)], 5)
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
    assert [r.speedup for r in bench.run(timed, [(64, 48)], 2)] == [None, None]


def test_runs_tell_what_a_budget_left(clock: list[float]) -> None:
    rows = bench.run([Fake("quick", 0.1, clock), Fake("slow", 4, clock)], [(64, 48)], 20, budget_s=20)
    assert [r.runs for r in rows] == [20, 5]


def test_contestants_are_prepared_before_any_is_timed(clock: list[float]) -> None:
    one, other = Fake("one", 0.010, clock), Fake("other", 0.010, clock)
    other.calls = one.calls
    bench.run([one, other], [(64, 48)], 1)
    assert one.calls == ["prepare"] * 2 + ["timed"] * 2 * (bench.WARMUP + 1)


class Product:
    """A matrix product of 3 GFLOP that is quickest, at 3 ms, the third time."""

    made: list[tuple[str, str]] = []
    gflop = 3.0

    def __init__(self, hardware: str, precision: str) -> None:
        self.made.append((hardware, precision))
        self.times = iter([0.030, 0.010, 0.003, *[0.020] * 100])

    def seconds(self) -> float:
        return next(self.times)


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Hardware and precision of the products that are made."""
    monkeypatch.setattr(roofline, "Product", Product)
    monkeypatch.setattr(Product, "made", [])
    return Product.made


def test_the_network_is_compared_with_the_hardwares_peak(clock: list[float], products: list[tuple[str, str]]) -> None:
    timed = [
        Fake("quick", 0.010, clock, gflop=2.0, precision="float32"),
        Fake("slow", 0.020, clock, gflop=2.0, precision="float32"),
        Fake("int8", 0.010, clock, gflop=2.0, precision="int8"),
        Fake("elsewhere", 0.010, clock, gflop=2.0, precision="float32", hardware=None),
        Fake("uncounted", 0.010, clock, precision="float32"),
    ]
    rows = bench.run(timed, [(64, 48)], 3)
    assert products == [("cpu", "float32")]
    # 2 GFLOP in the network's 5 and 10 ms, of 1000 a second
    assert [r.peak_share for r in rows] == [pytest.approx(0.4), pytest.approx(0.2), None, None, None]
    assert [r.peak_gflop_s for r in rows] == [1000, 1000, None, None, None]
    assert [r.gflop for r in rows] == [2, 2, 2, 2, None]


def test_the_peak_is_the_best_of_all_sizes(clock: list[float], products: list[tuple[str, str]]) -> None:
    timed = [Fake("quick", 0.010, clock, gflop=2.0, precision="float32")]
    rows = bench.run(timed, [(64, 48), (64, 32), (64, 16)], 1)
    assert [r.peak_gflop_s for r in rows] == [1000] * 3


def test_memory_is_measured_in_a_process_that_paints_the_same(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh: list[Fake] = []
    monkeypatch.setattr(Fake, "again", lambda self: lambda: fresh.append(Fake(f"{self.engine} again")) or fresh[-1])
    monkeypatch.setattr(bench, "peak_memory", lambda work: work() or bench.Memory(12.5, "process"))
    rows = bench.run([Fake("one", 0.010, clock)], [(64, 48)], 1, memory=True)
    assert rows[0].memory == bench.Memory(12.5, "process")
    assert fresh[0].engine == "one again" and fresh[0].calls == ["prepare", "paint", "paint"]


@pytest.fixture
def engines(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> list[tuple[Asked, Ticking]]:
    """What was asked of choose_engine, and what it gave: an engine with the name of the device asked for."""
    given: list[tuple[Asked, Ticking]] = []

    def choose(device: str, *, model: str, half: bool | None, int8: bool, weights: Path | None) -> Ticking:
        name = {"auto": "openvino", "cpu": "torch-cpu"}.get(device, device.partition(":")[0])
        reduced = "int8" if int8 else "float16" if name == "cuda" or half else "float32"
        engine = Ticking(name, "float32" if half is False else reduced, clock)
        engine.model = "fast" if model == "auto" else model  # type: ignore[assignment]
        given.append((Asked(device, model, half, int8, weights), engine))
        return engine

    monkeypatch.setattr(contestants, "choose_engine", choose)
    monkeypatch.setattr(contestants, "models_in", lambda weights: ("paper", "fast"))
    return given


def kinds(found: list[EngineContestant]) -> list[tuple[str, str, str, str]]:
    return [(c.model, c.engine, c.precision, c.role) for c in found]


def test_an_engine_is_timed_as_a_whole_and_alone(
    engines: list[tuple[Asked, Ticking]], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    contestant = EngineContestant(Asked("openvino", "fast"))
    real = contestants.Painter.paint

    def paint(self: Any, *arguments: Any) -> Any:
        clock[0] += 0.002
        return real(self, *arguments)

    monkeypatch.setattr(contestants.Painter, "paint", paint)
    timing = contestant.timed(bench.test_picture(64, 48))
    assert (timing.whole_ms, timing.network_ms) == pytest.approx((12, 10))


def test_preparing_paints_at_another_alpha_too(engines: list[tuple[Asked, Ticking]]) -> None:
    contestant, rgb = EngineContestant(Asked("openvino", "fast")), bench.test_picture(64, 48)
    contestant.prepare(rgb)
    contestant.paint(rgb)
    contestant.timed(rgb)
    assert engines[0][1].alphas == [0.5, 1.0, 1.0]


def test_a_contestant_is_made_again_from_what_was_asked(engines: list[tuple[Asked, Ticking]]) -> None:
    asked = Asked("openvino", "paper", half=True, weights=None)
    EngineContestant(asked).again()()
    assert [a for a, _ in engines] == [asked, asked]


@pytest.mark.parametrize(
    ("device", "plain_device"),
    [
        ("auto", "cpu"),
        ("openvino", "cpu"),
        ("openvino:CPU", "cpu"),
        ("openvino:GPU", None),
        ("cuda", "torch-cuda"),
        ("mps", "mps"),
    ],
)
def test_plain_is_float32_pytorch_with_the_same_model_on_the_same_hardware(
    engines: list[tuple[Asked, Ticking]], device: str, plain_device: str | None
) -> None:
    plain = EngineContestant(Asked(device, "paper", half=True)).plain()
    assert plain == (Asked(plain_device, "paper", half=False) if plain_device else None)


def test_all_models_on_all_devices_and_plain_pytorch_once_each(engines: list[tuple[Asked, Ticking]]) -> None:
    assert kinds(line_up(["auto", "openvino", "cuda"], "all")) == [
        ("paper", "openvino", "float32", "engine"),
        ("paper", "cuda", "float16", "engine"),
        ("fast", "openvino", "float32", "engine"),
        ("fast", "cuda", "float16", "engine"),
        ("paper", "torch-cpu", "float32", "plain"),
        ("paper", "torch-cuda", "float32", "plain"),
        ("fast", "torch-cpu", "float32", "plain"),
        ("fast", "torch-cuda", "float32", "plain"),
    ]


def test_plain_pytorch_that_was_asked_for_is_not_added_again(engines: list[tuple[Asked, Ticking]]) -> None:
    assert kinds(line_up(["cpu"], "fast")) == [("fast", "torch-cpu", "float32", "plain")]
    assert len(engines) == 1


def test_int8_is_one_more_row(engines: list[tuple[Asked, Ticking]]) -> None:
    assert kinds(line_up(["openvino", "cpu"], "all", int8=True)) == [
        ("paper", "openvino", "float32", "engine"),
        ("paper", "torch-cpu", "float32", "plain"),
        ("fast", "openvino", "float32", "engine"),
        ("fast", "torch-cpu", "float32", "plain"),
        ("fast", "openvino", "int8", "engine"),
    ]
    with pytest.raises(SettingError, match="--int8 is for the fast model on OpenVINO"):
        line_up(["cpu"], "fast", int8=True)


def test_an_unknown_model_names_those_there_are(engines: list[tuple[Asked, Ticking]]) -> None:
    with pytest.raises(SettingError, match="model 'vgg': choose auto, paper, fast or all"):
        line_up(["cpu"], "vgg")
    assert not engines


@pytest.fixture
def ended(
    engines: list[tuple[Asked, Ticking]], products: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Asked, Ticking]]:
    """The command with those engines, and without the parts that take their time."""
    monkeypatch.setattr(roofline, "network_gflop", lambda model, weights, width, height: 1.0)
    return engines


def rows_of(out: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(out.splitlines()[-1])["rows"]
    return found


def test_the_command_times_what_is_asked_for(run: Run, ended: list[tuple[Asked, Ticking]]) -> None:
    options = ["--model", "all", "--device", "openvino, cpu", "--size", "64x48, 32,64x48", "--runs", "2", "--no-memory"]
    result = run("bench", *options)
    assert result.code == 0, result.err
    rows = rows_of(result.out)
    assert [(r["model"], r["engine"], r["width"], r["height"]) for r in rows] == [
        (model, engine, width, height)
        for model in ("paper", "fast")
        for width, height in ((64, 48), (56, 32))
        for engine in ("openvino", "torch-cpu")
    ]
    assert {r["runs"] for r in rows} == {2} and rows[0]["speedup"] == 1 and rows[0]["peak_share"] == 0.1
    assert "x plain" in result.out and "x peer" not in result.out
    assert "64x48: timing paper openvino float32" in result.err
    assert run("bench", *options, "--quiet").err == ""


def test_the_command_keeps_to_the_budget(run: Run, ended: list[tuple[Asked, Ticking]]) -> None:
    options = ["--device", "cpu", "--size", "64x48", "--runs", "20", "--no-memory"]
    assert rows_of(run("bench", *options, "--budget", "0.08").out)[0]["runs"] == 8
    assert rows_of(run("bench", *options).out)[0]["runs"] == 20


def test_the_command_prints_markdown(run: Run, ended: list[tuple[Asked, Ticking]]) -> None:
    result = run("bench", "--size", "64x48", "--runs", "1", "--no-memory", "--markdown")
    assert "| model | engine |" in result.out and len(rows_of(result.out)) == 2


def test_the_command_measures_memory(run: Run, ended: list[tuple[Asked, Ticking]], monkeypatch: Any) -> None:
    monkeypatch.setattr(bench, "peak_memory", lambda work: bench.Memory(77.0, "process"))
    result = run("bench", "--size", "64x48", "--runs", "1", "--device", "cpu")
    assert rows_of(result.out)[0]["memory"] == {"mib": 77.0, "of": "process"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "0"], "size '0'"),
        (["--size", "64x48,"], "size ''"),
        (["--size", "big"], "size 'big'"),
        (["--model", "vgg"], "choose auto, paper, fast or all"),
        (["--runs", "0"], "'--runs'"),
        (["--budget", "-1"], "'--budget'"),
        (["--int8", "--device", "cpu"], "--int8 is for the fast model"),
    ],
)
def test_odd_options_are_refused(run: Run, ended: list[tuple[Asked, Ticking]], options: list[str], said: str) -> None:
    result = run("bench", *options)
    assert result.code == 2 and said in result.err and not result.out


def test_an_unknown_device_is_refused(run: Run) -> None:
    result = run("bench", "--device", "abacus,cpu")
    assert result.code == 2 and "device 'abacus': choose auto, cuda" in result.err


def test_a_row_says_all(clock: list[float]) -> None:
    row = bench.run([Fake("one", 0.010, clock)], [(64, 48)], 1)[0]
    assert isinstance(row, BenchRow) and (row.device, row.precision) == ("none", "by hand")
