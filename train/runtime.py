"""What every training script shares: flags from a dataclass, device choice, a clean stop."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import torch
from torch import Tensor

F = TypeVar("F")


def flag(help_text: str, default: Any = dataclasses.MISSING) -> Any:
    """A dataclass field that is a command-line flag; without a default it is required."""
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata={"help": help_text})
    return dataclasses.field(default=default, metadata={"help": help_text})


def parse_flags(cls: type[F], argv: list[str] | None = None) -> F:
    """Build the frozen dataclass `cls` from the command line: field_name is --field-name.

    tuple[str, ...] fields take one or more values; bool fields become --x / --no-x; a Literal
    allows its own values only.
    """
    parser = argparse.ArgumentParser(description=cls.__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = "--" + field.name.replace("_", "-")
        required = field.default is dataclasses.MISSING
        options: dict[str, Any] = {"help": field.metadata["help"], "required": required}
        if not required:
            options["default"] = field.default
        kind = hints[field.name]
        if kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif kind == tuple[str, ...]:
            options["nargs"] = "+"
        elif get_origin(kind) is Literal:
            options["choices"] = get_args(kind)
        else:
            options["type"] = kind
        parser.add_argument(name, **options)
    values = vars(parser.parse_args(argv))
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


class StopRequest:
    """Becomes true once SIGINT or SIGTERM arrives."""

    def __init__(self) -> None:
        self.requested = False

    def __bool__(self) -> bool:
        return self.requested


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Within the block, Ctrl-C and SIGTERM ask for a stop after the step in progress."""
    stop = StopRequest()

    def request(*_: object) -> None:
        stop.requested = True

    previous = {s: signal.signal(s, request) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for s, handler in previous.items():
            signal.signal(s, handler)


class StepLog:
    """Prints and appends to a JSON-lines file, every `every` steps, what the losses are."""

    def __init__(self, path: Path, *, every: int, steps: int, batch: int, start: int) -> None:
        self.path, self.every, self.steps, self.batch = path, every, steps, batch
        self.logged, self.clock = start, time.monotonic()

    def step(self, done: int, lr: float, losses: Mapping[str, Tensor]) -> None:
        """Take note of step number `done` (from 1). Raises FloatingPointError on a loss that is not finite."""
        if done % self.every:
            return
        values = {name: round(loss.item(), 4) for name, loss in losses.items()}
        if not all(math.isfinite(v) for v in values.values()):
            raise FloatingPointError(f"step {done}: {values}: lower --lr, then --resume from the last checkpoint")
        rate = (done - self.logged) / (time.monotonic() - self.clock)
        self.logged, self.clock = done, time.monotonic()
        row = {"step": done, "lr": lr, "it_per_s": round(rate, 3)} | values
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")
        left_min = (self.steps - done) / rate / 60
        print(f"{row}  {rate * self.batch:.1f} images/s  {left_min:.0f} min left", flush=True)
