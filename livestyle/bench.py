"""Honest timing: whole path, uint8 frame in and uint8 frame out, medians and tails, JSON last.

Engines and sizes take turns, so that a noisy moment hurts all of them alike.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from livestyle import __version__
from livestyle.assets import asset_dir
from livestyle.bank import Bank
from livestyle.engine import Engine, choose_engine
from livestyle.frame import Picture
from livestyle.meters import percentiles_ms
from livestyle.pipeline import Painter
from livestyle.settings import Look

WARMUP = 2


@dataclass(frozen=True)
class BenchRow:
    """One line of the table: `runs` frames of one size by one engine."""

    engine: str
    device: str
    precision: str
    width: int
    height: int
    runs: int
    network_ms: float
    """Median of the engine alone, uint8 frame in and out."""
    p50_ms: float
    p95_ms: float
    fps: float
    """At the median."""
    speedup: float | None
    """Over plain float32 PyTorch on the same hardware, in this run; None where that did not run."""


def test_picture(width: int, height: int, seed: int = 0) -> Picture:
    """Smooth shapes with fine noise: HxWx3 uint8 RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / (9 + 7 * c)) + np.cos(y / (11 + 5 * c)) for c in range(3)]
    rgb = np.stack(waves, axis=-1) * 50 + 128 + rng.normal(0, 4, (height, width, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def interleaved_ms(jobs: Sequence[Callable[[], object]], runs: int) -> list[list[float]]:
    """Milliseconds of each job's runs, after a warm-up; the jobs take turns. Nothing runs if `runs` is 0."""
    times_ms: list[list[float]] = [[] for _ in jobs]
    for i in range(WARMUP + runs if runs else 0):
        for job, times in zip(jobs, times_ms, strict=True):
            start = time.perf_counter()
            job()
            if i >= WARMUP:
                times.append((time.perf_counter() - start) * 1000)
    return times_ms


def plain_engine(engine: Engine, weights: Path | None = None) -> Engine | None:
    """Plain float32 PyTorch on an engine's hardware, to compare it with; None if the engine is just that."""
    device = engine.name.removeprefix("torch-") if engine.name.startswith("torch-") else "cpu"
    if engine.name == f"torch-{device}" and engine.precision == "float32":
        return None
    return choose_engine(device, half=False, weights=weights)


def run(engines: Sequence[Engine], bank: Bank, sizes: Sequence[tuple[int, int]], runs: int) -> list[BenchRow]:
    """Time the whole path at each size, in the first style (or the demo photograph where none fits).

    The last engine is the plain one, if there is more than one.
    """
    photograph = asset_dir("media") / "astronaut.jpg"
    style = bank.names[0] if bank.names else bank.from_image(photograph, engines[0].style_stats)
    look, stats = Look(weights=((style, 1.0),)), bank.stats(style)
    pairs = list(product(engines, sizes))
    jobs: list[Callable[[], object]] = []
    for engine, (width, height) in pairs:
        picture = test_picture(width, height)
        jobs.append(partial(Painter(engine, bank).paint, picture, look))
        jobs.append(partial(engine.stylize, picture, engine.style_code(stats), 1.0))
    times_ms = interleaved_ms(jobs, runs)
    plain_ms = [percentiles_ms(values)[0] for values in times_ms[-2 * len(sizes) :: 2]]
    rows = []
    for i, (engine, (width, height)) in enumerate(pairs):
        (p50, p95), (network, _) = percentiles_ms(times_ms[2 * i]), percentiles_ms(times_ms[2 * i + 1])
        rows.append(
            BenchRow(
                engine=engine.name,
                device=engine.device,
                precision=engine.precision,
                width=width,
                height=height,
                runs=runs,
                network_ms=round(network, 2),
                p50_ms=round(p50, 2),
                p95_ms=round(p95, 2),
                fps=round(1000 / p50, 2),
                speedup=round(plain_ms[i % len(sizes)] / p50, 2) if len(engines) > 1 else None,
            )
        )
    return rows


def table(rows: list[BenchRow]) -> str:
    """The rows as text."""
    head = ("engine", "precision", "size", "network ms", "p50 ms", "p95 ms", "fps", "x plain")
    cells = [
        (
            r.engine,
            r.precision,
            f"{r.width}x{r.height}",
            f"{r.network_ms:.1f}",
            f"{r.p50_ms:.1f}",
            f"{r.p95_ms:.1f}",
            f"{r.fps:.2f}",
            "-" if r.speedup is None else f"{r.speedup:.2f}",
        )
        for r in rows
    ]
    lines = [f"{a:<12}{b:<10}{c:>10}{d:>12}{e:>9}{f:>9}{g:>8}{h:>9}" for a, b, c, d, e, f, g, h in (head, *cells)]
    return "\n".join(lines)


def as_json(rows: list[BenchRow]) -> str:
    """The rows as one line of JSON."""
    return json.dumps({"livestyle": __version__, "machine": platform.machine(), "rows": [asdict(r) for r in rows]})
