"""Many pictures, one after the other; one that fails does not stop the rest.

It knows no networks: what painting a picture is, the caller says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from livestyle.errors import OutputError, SettingError, SourceError
from livestyle.files.jobs import Job, check_inputs_stay, jobs_in_folder
from livestyle.sinks.images import SUFFIXES, check_image_output, check_quality
from livestyle.sources.picture_files import NamedFile


def planned(
    files: Sequence[NamedFile], out: Path, *, file_format: str | None = None, quality: int | None = None
) -> list[Job]:
    """Where each picture goes: `out` itself for one picture, else NAME.png in the folder `out`, which is made.

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
        jobs = jobs_in_folder(files, out, lambda path: suffix or ".png")
    check_inputs_stay(jobs)
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
