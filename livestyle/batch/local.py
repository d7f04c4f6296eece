"""Many files, one after the other: a file that fails never stops the rest, and what came of each is told.

It knows no networks and no screens: who paints a file and who is told are given.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from livestyle.batch.known_damage import known_damage, remember, source_changed
from livestyle.batch.plan import up_to_date
from livestyle.errors import LivestyleError
from livestyle.files.jobs import Job
from livestyle.files.kinds import is_video
from livestyle.files.video_format import USUAL, VideoFormat
from livestyle.options.studio import Studio

Status = Literal["painted", "damaged", "skipped", "failed"]
Progress = Callable[[Job, int, int | None], None]
"""Frames of a video, or steps of a large picture, that are done, and that are expected, if known."""


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is done."""

    progress: Progress
    resume: bool = True
    """Go on with what an interrupted run has left of a video."""
    video_format: VideoFormat = USUAL


@dataclass(frozen=True)
class Outcome:
    """What came of one file. damaged: the output has what could be read of it."""

    source: Path
    output: Path
    status: Status
    reason: str = ""
    """Why it failed, or where it is damaged; one line."""
    notes: tuple[str, ...] = ()
    """What a person should know of the output, one line each."""
    frames: int = 0
    seconds: float = 0.0
    trace: str = field(default="", repr=False)
    """Of a failure that nobody foresaw."""


def waiting(jobs: Sequence[Job], *, overwrite: bool) -> tuple[list[Job], list[Outcome]]:
    """The jobs that are to be done, and what is to be told of those that need not."""
    to_do = [job for job in jobs if overwrite or not up_to_date(job) or source_changed(job)]
    left = set(to_do)
    return to_do, [_there_already(job) for job in jobs if job not in left]


def remembering(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The same outcomes; the next batch knows of the damaged ones."""
    for outcome in outcomes:
        if outcome.status in ("painted", "damaged"):
            remember(Job(outcome.source, outcome.output), outcome.reason)
        yield outcome


def _there_already(job: Job) -> Outcome:
    damage = known_damage(job)
    if not damage:
        return Outcome(job.source, job.output, "skipped")
    return Outcome(job.source, job.output, "damaged", f"{damage} (painted before)")


class LocalBatch:
    """Paints files in this process."""

    def __init__(self, studio: Studio, options: BatchOptions) -> None:
        self._studio, self._options = studio, options

    def prepare(self) -> None:
        """Build what all files need. Raises LivestyleError: what is wrong with it is wrong with all of them."""
        self._studio.prepare()

    def paint(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do all jobs in order, whatever comes of each."""
        for job in jobs:
            yield self._painted(job)

    def _painted(self, job: Job) -> Outcome:
        notes: list[str] = []
        started = time.perf_counter()
        self._options.progress(job, 0, None)
        try:
            if is_video(job.source):
                report = self._studio.paint_video(
                    job.source,
                    job.output,
                    progress=partial(self._options.progress, job),
                    note=notes.append,
                    resume=self._options.resume,
                    video_format=self._options.video_format,
                )
                frames, damage = report.frames, report.damage
            else:
                self._studio.paint_picture(
                    job, notes.append, lambda done, total: self._options.progress(job, done, total)
                )
                frames, damage = 1, ""
        except Exception as error:  # of a codec, the driver of a card, anything: the next file may be fine
            return failed(job, error, tuple(notes))
        status: Status = "damaged" if damage else "painted"
        return Outcome(job.source, job.output, status, damage, tuple(notes), frames, time.perf_counter() - started)


def failed(job: Job, error: BaseException, notes: tuple[str, ...] = ()) -> Outcome:
    """The outcome of a job that raised this."""
    if isinstance(error, LivestyleError):
        return Outcome(job.source, job.output, "failed", str(error), notes)
    first_line = str(error).strip().partition("\n")[0]
    trace = "".join(traceback.format_exception(error))
    return Outcome(job.source, job.output, "failed", f"{type(error).__name__}: {first_line}", notes, trace=trace)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """2 when a file failed, 3 when none did but one is painted in part only, else 0."""
    statuses = {outcome.status for outcome in outcomes}
    return 2 if "failed" in statuses else 3 if "damaged" in statuses else 0
