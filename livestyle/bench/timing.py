"""Honest timing: whole path, uint8 frame in and uint8 painting out, medians and tails.

At each size all contestants take turns, so that a noisy moment hurts all of them alike; ratios are
between medians of the same turns. A slow contestant runs in fewer turns, spread evenly over all of them.
Memory is measured afterwards, each row in a fresh process that does nothing else.

What it does not know: who is timed (`contestants`, `peer`), how rows are printed (`bench_table`), how
memory and the hardware's peak are measured (`peak_memory`, `roofline`).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from livestyle.bench.contestants import Contestant, Timing
from livestyle.bench.peak_memory import Memory, peak_memory
from livestyle.frame import Picture
from livestyle.meters import percentiles_ms

Size = tuple[int, int]
"""(width, height) in pixels."""
Result = TypeVar("Result")

WARMUP = 2

MIN_RUNS = 3
"""Runs of a contestant that is slower than its budget."""

SETTLE_S = 0.1
"""Pause before each run: onnxruntime's threads keep the cores busy for some 50 ms after their work is done."""


@dataclass(frozen=True)
class BenchRow:
    """One line of the table: one contestant at one size."""

    model: str
    engine: str
    device: str
    precision: str
    width: int
    height: int
    runs: int
    p50_ms: float
    p95_ms: float
    fps: float
    """At the median."""
    network_ms: float
    """Median of the network alone."""
    network_p95_ms: float
    speedup: float | None
    """Over plain float32 PyTorch, same model and hardware; None for that itself and where it did not run."""
    peer_speedup: float | None = None
    """Over the peer's whole path; None for the peer itself and without one."""
    memory: Memory | None = None
    """Of a fresh process that only paints this row; None where the system does not tell."""
    gflop: float | None = None
    """Billions of operations for a frame; a multiply-add is two."""
    peak_gflop_s: float | None = None
    """What the hardware does at best in this precision, measured in this run."""
    peak_share: float | None = None
    """Part of that peak which the network reaches."""


def _group(contestant: Contestant) -> tuple[str, str | None]:
    """What one plain contestant is compared with."""
    return contestant.model, contestant.hardware


def run(
    contestants: Sequence[Contestant],
    sizes: Sequence[Size],
    runs: int,
    *,
    budget_s: float = math.inf,
    memory: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> list[BenchRow]:
    """Time every contestant at every size; rows in the order model, size, contestant.

    budget_s: seconds that a row's runs may take, see `in_turns`. memory: measure that as well. say: is
    told what happens.
    """
    rows: list[tuple[Contestant, BenchRow]] = []
    peaks = Peaks(contestants)
    for width, height in sizes:
        say(f"{width}x{height}: timing {', '.join(f'{c.model} {c.engine} {c.precision}' for c in contestants)}")
        rgb = test_picture(width, height)
        for contestant in contestants:
            contestant.prepare(rgb)
        jobs = [partial(contestant.timed, rgb) for contestant in contestants]
        timings = in_turns([*jobs, *peaks.jobs], runs, budget_s)[: len(jobs)]
        rows += zip(contestants, compared(contestants, timings, (width, height)), strict=True)
    models = list(dict.fromkeys(c.model for c in contestants))
    rows.sort(key=lambda pair: models.index(pair[0].model))
    rows = [(c, peaks.with_share(c, row)) for c, row in rows]
    if memory:
        say("measuring memory")
        rows = [(c, replace(row, memory=memory_of(c, row.width, row.height))) for c, row in rows]
    return [row for _, row in rows]


def compared(contestants: Sequence[Contestant], timings: Sequence[Sequence[Timing]], size: Size) -> list[BenchRow]:
    """The rows of one size, with ratios of medians. There is at least one timing for each contestant."""
    wholes = [percentiles_ms(timing.whole_ms for timing in found) for found in timings]
    plain_ms = {_group(c): p50 for c, (p50, _) in zip(contestants, wholes, strict=True) if c.role == "plain"}
    peer_ms = next((p50 for c, (p50, _) in zip(contestants, wholes, strict=True) if c.role == "peer"), None)
    rows = []
    for c, found, (p50, p95) in zip(contestants, timings, wholes, strict=True):
        network, network_p95 = percentiles_ms(timing.network_ms for timing in found)
        rows.append(
            BenchRow(
                model=c.model,
                engine=c.engine,
                device=c.device,
                precision=c.precision,
                width=size[0],
                height=size[1],
                runs=len(found),
                p50_ms=round(p50, 2),
                p95_ms=round(p95, 2),
                fps=round(1000 / p50, 2),
                network_ms=round(network, 2),
                network_p95_ms=round(network_p95, 2),
                speedup=None if c.role == "plain" else _ratio(plain_ms.get(_group(c)), p50),
                peer_speedup=None if c.role == "peer" else _ratio(peer_ms, p50),
            )
        )
    return rows


def _ratio(other_ms: float | None, own_ms: float) -> float | None:
    return None if other_ms is None else round(other_ms / own_ms, 2)


class Peaks:
    """What the contestants' hardware does at best, measured in turns with them."""

    def __init__(self, contestants: Sequence[Contestant]) -> None:
        from livestyle.bench.roofline import PRECISIONS, Product

        keys = dict.fromkeys((c.hardware, c.precision) for c in contestants)
        self._products = {key: Product(key[0], key[1]) for key in keys if key[0] and key[1] in PRECISIONS}
        self._best_s = dict.fromkeys(self._products, math.inf)
        self.jobs = [partial(self._try, key) for key in self._products]

    def _try(self, key: tuple[str | None, str]) -> Timing:
        seconds = self._products[key].seconds()
        self._best_s[key] = min(self._best_s[key], seconds)
        return Timing(seconds * 1000, seconds * 1000)

    def with_share(self, contestant: Contestant, row: BenchRow) -> BenchRow:
        """The row with the part of the peak that its network reaches, where that can be told."""
        gflop = contestant.gflop(row.width, row.height)
        if gflop is None:
            return row
        row = replace(row, gflop=round(gflop, 3))
        key = contestant.hardware, contestant.precision
        if key not in self._products:
            return row
        peak = self._products[key].gflop / self._best_s[key]
        return replace(row, peak_gflop_s=round(peak, 1), peak_share=round(gflop / (row.network_ms / 1000) / peak, 3))


def memory_of(contestant: Contestant, width: int, height: int) -> Memory | None:
    """Peak memory of a fresh process that only paints such frames."""
    return peak_memory(partial(_paint_a_few, contestant.again(), width, height))


def _paint_a_few(make: Callable[[], Contestant], width: int, height: int) -> None:
    contestant, rgb = make(), test_picture(width, height)
    contestant.prepare(rgb)
    for _ in range(WARMUP):
        contestant.paint(rgb)


def in_turns(jobs: Sequence[Callable[[], Result]], runs: int, budget_s: float = math.inf) -> list[list[Result]]:
    """What each job returned in its runs, after a warm-up. Nothing runs if `runs` is 0.

    The machine comes to rest before each run (SETTLE_S). A job whose runs would take longer than the
    budget has fewer of them, but MIN_RUNS, spread evenly over the turns: all are measured over the same time.
    """
    found: list[list[Result]] = [[] for _ in jobs]
    if not runs:
        return found
    shares = [_runs_within(budget_s, _warmed_up(job), runs) for job in jobs]
    for turn in range(runs):
        for job, share, results in zip(jobs, shares, found, strict=True):
            if (turn + 1) * share // runs > turn * share // runs:
                time.sleep(SETTLE_S)
                results.append(job())
    return found


def _warmed_up(job: Callable[[], object]) -> float:
    """Run a job WARMUP times; seconds of the last."""
    return [_milliseconds(job) for _ in range(WARMUP)][-1] / 1000


def _runs_within(budget_s: float, run_s: float, runs: int) -> int:
    if run_s * runs <= budget_s:
        return runs
    return min(runs, max(MIN_RUNS, int(budget_s / run_s)))


def interleaved_ms(jobs: Sequence[Callable[[], object]], runs: int) -> list[list[float]]:
    """Milliseconds of each job's runs, in turns."""
    return in_turns([partial(_milliseconds, job) for job in jobs], runs)


def _milliseconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return (time.perf_counter() - start) * 1000


def test_picture(width: int, height: int, seed: int = 0) -> Picture:
    """Smooth shapes with fine noise: HxWx3 uint8 RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / (9 + 7 * c)) + np.cos(y / (11 + 5 * c)) for c in range(3)]
    rgb = np.stack(waves, axis=-1) * 50 + 128 + rng.normal(0, 4, (height, width, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def usable_cores() -> int:
    """CPU cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
