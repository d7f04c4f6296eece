"""Where pictures go."""

from __future__ import annotations

import os
from pathlib import Path


def partial_path(path: Path) -> Path:
    """Where a file is written until it is whole: beside it, hidden, of this process alone, same suffix."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
