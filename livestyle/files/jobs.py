"""Where each of many files goes. It looks at names only, never into files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livestyle.errors import OutputError
from livestyle.sources.picture_files import NamedFile


@dataclass(frozen=True)
class Job:
    """A file and the one that its painting goes to."""

    source: Path
    output: Path


def jobs_in_folder(files: Sequence[NamedFile], out: Path, suffix_of: Callable[[Path], str]) -> list[Job]:
    """Each file's painting by the file's name in the folder `out`, which is made, with the folders of the names.

    suffix_of: a painting's suffix for a file. Where names would differ in the files' own suffixes only, they keep them:
    NAME.jpg.png. Raises OutputError for names that are the same all the same.
    """
    if os.path.exists(out) and not os.path.isdir(out):
        raise OutputError(f"{out} is a file: give a folder for {len(files)} files")
    names = Counter((file.name, suffix_of(file.path)) for file in files)
    taken: dict[str, Path] = {}
    jobs = []
    for file in files:
        suffix = suffix_of(file.path)
        name = file.name if names[file.name, suffix] == 1 else f"{file.name}{file.path.suffix}"  # 1.jpg beside 1.heic
        job = Job(file.path, out / f"{name}{suffix}")
        first = taken.setdefault(os.path.normcase(job.output), file.path)
        if first != file.path:
            raise OutputError(
                f"{first} and {file.path} have one name and would both become {job.output}: stylize them one by one"
            )
        jobs.append(job)
    for folder in {job.output.parent for job in jobs}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"folder {folder} cannot be made ({error.strerror}): choose another with -o") from None
    return jobs


def check_inputs_stay(jobs: Sequence[Job]) -> None:
    """Raise OutputError where an output is one of the inputs."""
    inputs = {identity: job.source for job in jobs if (identity := _identity(job.source))}
    for job in jobs:
        identity = _identity(job.output)
        replaced = inputs.get(identity) if identity else None
        if replaced is not None:
            raise OutputError(f"{job.output} would replace {replaced} itself: choose another place with -o")


def _identity(path: Path) -> tuple[int, int] | None:
    """Of the file that is there now, if there is one."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
