"""Honest timing: whole path, uint8 frame in and uint8 frame out, medians and tails, JSON last.

Sizes are interleaved so that a noisy moment hurts all of them alike.
"""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass

import numpy as np

from livestyle import __version__
from livestyle.assets import asset_dir
from livestyle.bank import Bank
from livestyle.engine import Engine
from livestyle.frame import Picture
from livestyle.meters import percentiles_ms
from livestyle.pipeline import Painter
from livestyle.settings import Look

WARMUP = 2


@dataclass(frozen=True)
class BenchRow:
    """One line of the table: `runs` frames of one size."""

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


def test_picture(width: int, height: int, seed: int = 0) -> Picture:
    """Smooth shapes with fine noise: HxWx3 uint8 RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / (9 + 7 * c)) + np.cos(y / (11 + 5 * c)) for c in range(3)]
    rgb = np.stack(waves, axis=-1) * 50 + 128 + rng.normal(0, 4, (height, width, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def run(engine: Engine, bank: Bank, sizes: list[tuple[int, int]], runs: int) -> list[BenchRow]:
    """Time the whole path at each size, in the first style (or the demo photograph where none fits)."""
    photograph = asset_dir("media") / "astronaut.jpg"
    style = bank.names[0] if bank.names else bank.from_image(photograph, engine.style_stats)
    look = Look(weights=((style, 1.0),))
    jobs = [(Painter(engine, bank), test_picture(w, h)) for w, h in sizes]
    times_ms: list[list[float]] = [[] for _ in jobs]
    for i in range(WARMUP + runs):
        for job, (painter, picture) in enumerate(jobs):
            start = time.perf_counter()
            painter.paint(picture, look)
            if i >= WARMUP:
                times_ms[job].append((time.perf_counter() - start) * 1000)
    rows = []
    for (width, height), values in zip(sizes, times_ms, strict=True):
        p50, p95 = percentiles_ms(values)
        rows.append(
            BenchRow(
                engine.name,
                engine.device,
                engine.precision,
                width,
                height,
                runs,
                round(p50, 2),
                round(p95, 2),
                round(1000 / p50, 2),
            )
        )
    return rows


def table(rows: list[BenchRow]) -> str:
    """The rows as text."""
    lines = [f"{'engine':<12} {'precision':<9} {'size':>10} {'p50 ms':>9} {'p95 ms':>9} {'fps':>8}"]
    lines += [
        f"{r.engine:<12} {r.precision:<9} {f'{r.width}x{r.height}':>10} {r.p50_ms:>9.1f} {r.p95_ms:>9.1f} {r.fps:>8.2f}"
        for r in rows
    ]
    return "\n".join(lines)


def as_json(rows: list[BenchRow]) -> str:
    """The rows as one line of JSON."""
    return json.dumps({"livestyle": __version__, "machine": platform.machine(), "rows": [asdict(r) for r in rows]})
