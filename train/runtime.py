"""What every training script shares: flags from a dataclass, device choice, a clean stop."""

from __future__ import annotations

import argparse
import dataclasses
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, get_type_hints

import torch

F = TypeVar("F")


def flag(help_text: str, default: Any = dataclasses.MISSING) -> Any:
    """A dataclass field that is a command-line flag; without a default it is required."""
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata={"help": help_text})
    return dataclasses.field(default=default, metadata={"help": help_text})


def parse_flags(cls: type[F], argv: list[str] | None = None) -> F:
    """Build the frozen dataclass `cls` from the command line: field_name is --field-name.

    tuple[str, ...] fields take one or more values; bool fields become --x / --no-x.
    """
    parser = argparse.ArgumentParser(
        description=cls.__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
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
