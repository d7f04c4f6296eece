"""What every training script shares: flags from a dataclass, a clean stop, one-line errors."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import torch

F = TypeVar("F")


def flag(help_text: str, default: Any = dataclasses.MISSING, *, bare: str | None = None) -> Any:
    """A dataclass field that is a command-line flag; without a default it is required.

    bare: its value when the flag is given without one.
    """
    metadata = {"help": help_text, "bare": bare}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


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
            options["type"] = next((k for k in get_args(kind) if k is not type(None)), kind)  # of X | None it is X
            if (bare := field.metadata["bare"]) is not None:
                options |= {"nargs": "?", "const": bare}
        parser.add_argument(name, **options)
    values = vars(parser.parse_args(argv))
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU; under torchrun each process takes its own GPU.

    Raises ValueError for a device that is none, or that is not here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    if name.split(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"--device {name}: give auto, cpu or cuda")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"--device {name}: torch finds no CUDA device here; give cpu, or install torch with CUDA")
    return torch.device(name)


def command_line(module: str, flags: Any) -> str:
    """The command that gives these flags, those with their default value left out."""
    words = ["python", "-m", module]
    for field in dataclasses.fields(flags):
        value = getattr(flags, field.name)
        if value == field.default or field.name == "resume":
            continue
        name = "--" + field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(name if value else "--no-" + name[2:])
        else:
            words += [name, *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(words)


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


def run(main: Callable[[F], None], flags: F) -> None:
    """Run a script's main; what a person can put right is one line and exit code 2."""
    try:
        main(flags)
    except (OSError, ValueError, MemoryError, FloatingPointError, ImportError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
