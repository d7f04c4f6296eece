"""Where pictures go."""

from __future__ import annotations

import os
from pathlib import Path

from livestyle.errors import OutputError


def partial_path(path: Path) -> Path:
    """Where a file is written until it is whole: beside it, hidden, of this process alone, same suffix."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


def free_path(path: Path) -> Path:
    """The path itself, or NAME-2, NAME-3 ... where that is taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when it is whole. Raises OutputError."""
    partial = partial_path(path)
    try:
        try:
            partial.write_bytes(data)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}; free some space") from None
