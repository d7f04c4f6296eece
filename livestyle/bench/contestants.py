"""Who is timed by the benchmark: our engines, and plain PyTorch to compare them with.

It does not know how they are timed (`bench`), nor the program in comparison (`peer`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal, Protocol

from livestyle.assets import asset_dir
from livestyle.engine import INT8_REFUSED, Engine, choose_engine
from livestyle.errors import SettingError
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.model.weights import encoder_id, models_in
from livestyle.painting.pipeline import Painter

PLAIN_DEVICES = {"cpu": "cpu", "cuda": "torch-cuda", "mps": "mps"}
"""What `choose_engine` calls plain PyTorch on some hardware."""


@dataclass(frozen=True)
class Timing:
    """One frame: the whole path, and the network alone, uint8 in and out where it does that itself."""

    whole_ms: float
    network_ms: float


class Contestant(Protocol):
    """What can be timed."""

    model: str
    engine: str
    device: str
    """The hardware's own name."""
    precision: str
    hardware: str | None
    """cpu, cuda or mps, where PyTorch runs there too; else None."""
    role: Literal["engine", "plain", "peer"]
    """plain: float32 PyTorch, which others are compared with. peer: another program."""

    def again(self) -> Callable[[], Contestant]:
        """What makes the same contestant in another process; it can be pickled."""

    def prepare(self, rgb: Picture) -> object:
        """Do beforehand what a stream of such frames (HxWx3 uint8 RGB) does beside its painting."""

    def paint(self, rgb: Picture) -> object:
        """The whole path for a frame, HxWx3 uint8 RGB."""

    def timed(self, rgb: Picture) -> Timing:
        """Paint, with a clock."""

    def gflop(self, width: int, height: int) -> float | None:
        """Billions of operations of the network for a frame; None where nobody counts."""


@dataclass(frozen=True)
class Asked:
    """What `choose_engine` is asked for."""

    device: str
    model: str = "auto"
    half: bool | None = None
    int8: bool = False
    weights: Path | None = None


class EngineContestant:
    """One of our engines, painting in the first style, or the demo photograph's where none fits."""

    def __init__(self, asked: Asked) -> None:
        """Raises what `choose_engine` raises."""
        self.asked = asked
        engine = choose_engine(asked.device, model=asked.model, half=asked.half, int8=asked.int8, weights=asked.weights)
        bank = Bank(encoder=encoder_id(asked.weights))
        photograph = asset_dir("media") / "astronaut.jpg"
        style = bank.names[0] if bank.names else bank.from_image(photograph, engine.style_stats)
        self._look = Look(weights=((style, 1.0),))
        self._painter = Painter(engine, bank)
        self.model: str = engine.model
        self.engine, self.device, self.precision = engine.name, engine.device, engine.precision
        self.hardware = _hardware(engine, asked.device)
        is_plain = engine.name.startswith("torch-") and engine.precision == "float32"
        self.role: Literal["engine", "plain", "peer"] = "plain" if is_plain else "engine"

    def again(self) -> Callable[[], Contestant]:
        """See `Contestant.again`."""
        return partial(EngineContestant, self.asked)

    def plain(self) -> Asked | None:
        """Plain float32 PyTorch with the same model on the same hardware; None where there is none."""
        if self.hardware not in PLAIN_DEVICES:
            return None
        return Asked(PLAIN_DEVICES[self.hardware], self.model, half=False, weights=self.asked.weights)

    def prepare(self, rgb: Picture) -> object:
        """See `Contestant.prepare`: engines compile what another alpha needs."""
        return self._painter.paint(rgb, replace(self._look, alpha=0.5))

    def paint(self, rgb: Picture) -> object:
        """See `Contestant.paint`."""
        return self._painter.paint(rgb, self._look)

    def timed(self, rgb: Picture) -> Timing:
        """See `Contestant.timed`."""
        start = time.perf_counter()
        painting = self._painter.paint(rgb, self._look)
        return Timing((time.perf_counter() - start) * 1000, painting.stage_ms["network"])

    def gflop(self, width: int, height: int) -> float:
        """See `Contestant.gflop`."""
        from livestyle.bench.roofline import network_gflop

        return network_gflop(self._painter.engine.model, self.asked.weights, width, height)


def _hardware(engine: Engine, device: str) -> str | None:
    """See `Contestant.hardware`. device: what was asked for."""
    if engine.name == "openvino":
        return "cpu" if device in ("auto", "openvino", "openvino:CPU") else None
    return engine.name.removeprefix("torch-")


def line_up(
    devices: Sequence[str], model: str, *, half: bool | None = None, int8: bool = False, weights: Path | None = None
) -> list[EngineContestant]:
    """Every model on every device, and plain float32 PyTorch for each, if it is not among them.

    model: auto, paper, fast or all. int8: the fast model's 8-bit graphs on OpenVINO as well. Raises
    SettingError, and what `choose_engine` raises.
    """
    if model not in ("auto", "paper", "fast", "all"):
        raise SettingError(f"model {model!r}: choose auto, paper, fast or all")
    models = (models_in(weights) or ("auto",)) if model == "all" else (model,)
    found: list[EngineContestant] = []
    for name, device in product(models, devices):
        _add(found, Asked(device, name, half=half, weights=weights))
    if int8:
        _add_int8(found)
    for one in tuple(found):
        plain = one.plain()
        if plain and not any(c.role == "plain" and (c.model, c.hardware) == (one.model, one.hardware) for c in found):
            _add(found, plain)
    return found


def _add(found: list[EngineContestant], asked: Asked) -> None:
    """Add a contestant unless an equal one is there, as with --device auto,openvino."""
    new = EngineContestant(asked)
    if all(_kind(c) != _kind(new) for c in found):
        found.append(new)


def _add_int8(found: list[EngineContestant]) -> None:
    there = [c.asked for c in found if (c.model, c.engine) == ("fast", "openvino")]
    if not there:
        raise SettingError(INT8_REFUSED)
    for asked in there:
        _add(found, replace(asked, model="fast", int8=True))


def _kind(contestant: Contestant) -> tuple[str, ...]:
    return contestant.model, contestant.engine, contestant.device, contestant.precision
