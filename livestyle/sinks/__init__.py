"""Where pictures go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from livestyle.errors import OutputError


def partial_path(path: Path) -> Path:
    """Where a file is written until it is whole: beside it, hidden, of this process alone, same suffix."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


def free_path(path: Path) -> Path:
    """The path itself, or NAME-2, NAME-3 ... where that is taken."""
    return next(name for name in numbered(path) if not name.exists())


def numbered(path: Path) -> Iterator[Path]:
    """The path itself, NAME-2, NAME-3 and so on."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def created(path: Path) -> bool:
    """Make an empty file; False where there is one already. Raises OSError."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


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
