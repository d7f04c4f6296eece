"""Where the files that travel with the program are: inside the wheel, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path


def asset_dir(name: str) -> Path:
    """The folder `name` (weights, bank, media): packaged first, then the checkout's."""
    package = Path(__file__).parent
    packaged = package / "data" / name
    return packaged if packaged.is_dir() else package.parent / name
