"""From what a person names, files, folders and patterns, to image files in natural order.

It looks at names only, never into files.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from livestyle.errors import SourceError
from livestyle.sources.still import SUFFIXES

LISTED = ", ".join(suffix[1:] for suffix in SUFFIXES)


@dataclass(frozen=True)
class NamedFile:
    """path: of a file. name: what it is called among those that were named together, without a suffix.

    The name has the folders that a pattern with ** found it in.
    """

    path: Path
    name: Path


def picture_files(named: Iterable[Path]) -> list[NamedFile]:
    """The images that are meant, each once. Raises SourceError for a folder or pattern without any.

    Other names are taken for files, whether there is one or not.
    """
    found: dict[Path, NamedFile] = {}
    for path in named:
        for file in _meant(path.expanduser()):
            found.setdefault(file.path.absolute(), file)
    return list(found.values())


def files_in(path: Path) -> list[Path]:
    """The images of a folder, or the file itself. Raises SourceError when the folder has none."""
    if not os.path.isdir(path):
        return [path]
    files = _images(path.iterdir())
    if not files:
        raise SourceError(f"{path} holds no image; put {LISTED} files there")
    return files


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key by which numbers count as numbers: 2.png < 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower()) if part]


def _meant(path: Path) -> list[NamedFile]:
    if os.path.exists(path) or not glob.has_magic(str(path)):
        return [NamedFile(file, Path(file.stem)) for file in files_in(path)]
    files = _images(Path(found) for found in glob.iglob(str(path), recursive=True))
    if not files:
        raise SourceError(f"{path} matches no image; in a pattern * stands for a name and **/ for any folders")
    start = fixed_part(path)
    return [NamedFile(file, file.relative_to(start).with_suffix("")) for file in files]


def fixed_part(pattern: Path) -> Path:
    """The folder that everything a pattern matches is in: its parts before the first wildcard."""
    parts = pattern.parts[:-1]
    wild = next((n for n, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:wild])


def _images(paths: Iterable[Path]) -> list[Path]:
    files = [f for f in paths if f.suffix.lower() in SUFFIXES and f.is_file() and not f.name.startswith(".")]
    return sorted(files, key=lambda f: natural_order(str(f)))
