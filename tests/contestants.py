"""Who is timed in the tests of the benchmark, on a clock that stands still between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from livestyle.bench import contestants, roofline, timing
from livestyle.bench.contestants import Asked, Contestant, Timing
from livestyle.frame import Picture
from tests.conftest import CountingEngine


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


class Product:
    """A matrix product of 3 GFLOP that is quickest, at 3 ms, the third time."""

    made: list[tuple[str, str]] = []
    gflop = 3.0

    def __init__(self, hardware: str, precision: str) -> None:
        self.made.append((hardware, precision))
        self.times = iter([0.030, 0.010, 0.003, *[0.020] * 100])

    def seconds(self) -> float:
        return next(self.times)


def stand_still(patch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of a clock that the benchmark goes by, which move when a test moves them."""
    now = [0.0]
    patch.setattr(timing.time, "perf_counter", lambda: now[0])
    patch.setattr(timing.time, "sleep", lambda seconds: None)
    return now


def count_products(patch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Hardware and precision of the Products that are made from now on."""
    patch.setattr(roofline, "Product", Product)
    patch.setattr(Product, "made", [])
    return Product.made


def give_engines(patch: pytest.MonkeyPatch, clock: list[float]) -> list[tuple[Asked, Ticking]]:
    """What is asked of choose_engine, and what it gives: an engine with the name of the device asked for."""
    given: list[tuple[Asked, Ticking]] = []

    def choose(device: str, *, model: str, half: bool | None, int8: bool, weights: Path | None) -> Ticking:
        name = {"auto": "openvino", "cpu": "torch-cpu"}.get(device, device.partition(":")[0])
        reduced = "int8" if int8 else "float16" if name == "cuda" or half else "float32"
        engine = Ticking(name, "float32" if half is False else reduced, clock)
        engine.model = "fast" if model == "auto" else model  # type: ignore[assignment]
        given.append((Asked(device, model, half, int8, weights), engine))
        return engine

    patch.setattr(contestants, "choose_engine", choose)
    patch.setattr(contestants, "models_in", lambda weights: ("paper", "fast"))
    return given
