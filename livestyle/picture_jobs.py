"""Many pictures, one after the other: where each goes, and that one that fails does not stop the rest.

It knows no networks: what painting a picture is, the caller says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livestyle.errors import OutputError, SettingError, SourceError
from livestyle.sinks.images import SUFFIXES, check_image_output, check_quality
from livestyle.sources.picture_files import PictureFile


@dataclass(frozen=True)
class Job:
    """A picture and the file that its painting goes to."""

    source: Path
    output: Path


def planned(
    files: Sequence[PictureFile], out: Path, *, file_format: str | None = None, quality: int | None = None
) -> list[Job]:
    """Where each picture goes: `out` itself for one picture, else NAME.png in the folder `out`, which is made.

    Where names differ in their suffixes only, they keep them: NAME.jpg.png.

    file_format: a suffix without its dot, for paintings in a folder; None: png. quality: checked here, before any
    work. Raises OutputError and SettingError, and refuses to overwrite one of the pictures.
    """
    suffix = None if file_format is None else f".{file_format.lower().lstrip('.')}"
    if suffix is not None and suffix not in SUFFIXES:
        raise SettingError(f"format {file_format!r}: choose {', '.join(s[1:] for s in SUFFIXES)}")
    one_file = len(files) == 1 and bool(out.suffix) and not os.path.isdir(out)
    if one_file and suffix not in (None, out.suffix.lower()):
        raise SettingError(f"--format {file_format} and -o {out} disagree: give one of them")
    if quality is not None:
        check_quality(quality, out.suffix.lower() if one_file else suffix or ".png")
    if one_file:
        check_image_output(out)
        jobs = [Job(files[0].path, out)]
    else:
        jobs = _in_folder(files, out, suffix or ".png")
    for job in jobs:
        _check_inputs_stay(job.output, files)
    return jobs


def paint_all(jobs: Sequence[Job], paint: Callable[[Job], None]) -> list[str]:
    """Do all jobs, and tell why some could not be done: one line each.

    One job alone raises its error. So does what is wrong with more than a picture, such as weights.
    """
    failures: list[str] = []
    for job in jobs:
        try:
            paint(job)
        except (SourceError, OutputError) as error:
            if len(jobs) == 1:
                raise
            failures.append(str(error))
    return failures


def _in_folder(files: Sequence[PictureFile], out: Path, suffix: str) -> list[Job]:
    if os.path.exists(out) and not os.path.isdir(out):
        raise OutputError(f"{out} is a file: give a folder for {len(files)} pictures")
    names = Counter(file.name for file in files)
    taken: dict[str, Path] = {}
    jobs = []
    for file in files:
        name = file.name if names[file.name] == 1 else f"{file.name}{file.path.suffix}"  # beside 1.jpg there is 1.heic
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


def _check_inputs_stay(output: Path, files: Iterable[PictureFile]) -> None:
    if not os.path.exists(output):
        return
    for file in files:
        if os.path.exists(file.path) and os.path.samefile(output, file.path):
            raise OutputError(f"{output} would replace the picture {file.path} itself: choose another place with -o")
