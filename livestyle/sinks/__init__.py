"""Where pictures go."""

from __future__ import annotations

import os
from pathlib import Path


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
