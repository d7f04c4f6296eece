"""What a batch remembers of damaged inputs: their outputs are there and newer, but have only what could be read.

A hidden line of JSON beside such an output, which is believed for as long as neither file has changed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from livestyle.files.jobs import Job


def remember(job: Job, damage: str) -> None:
    """Note what was wrong with a job's source; nothing was: forget it."""
    with suppress(OSError):  # then the next run does not know
        if damage:
            _note_of(job).write_text(json.dumps({"damage": damage, "of": _state(job)}) + "\n", encoding="utf-8")
        else:
            _note_of(job).unlink(missing_ok=True)


def known_damage(job: Job) -> str:
    """What was wrong with a job's source when its output was painted; empty when nothing is known of these files."""
    try:
        note = json.loads(_note_of(job).read_text(encoding="utf-8"))
        return str(note["damage"]) if note["of"] == _state(job) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def source_changed(job: Job) -> bool:
    """Whether the output is of a damaged source, and there is another file in its place now."""
    try:
        (source, output), now = json.loads(_note_of(job).read_text(encoding="utf-8"))["of"], _state(job)
        return bool(output == now[1] and source != now[0])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _note_of(job: Job) -> Path:
    return job.output.with_name(f".{job.output.name}.damage")


def _state(job: Job) -> list[list[int]]:
    """Sizes and times of change of both files. Raises OSError."""
    return [[status.st_size, status.st_mtime_ns] for status in (job.source.stat(), job.output.stat())]
