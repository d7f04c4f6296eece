"""A video file painted frame by frame into another: nothing dropped, other tracks and time stamps kept.

The work is done in segments (`livestyle.segments`), each of which goes through three stages (`livestyle.stages`).
They are kept beside the output until it is whole, so that what was interrupted goes on where it was, and joined at
the end.

What it does not know: painting (an object it is given), styles, devices.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from livestyle.errors import SourceError
from livestyle.journal import Journal, fingerprint
from livestyle.sinks.output_file import check_output
from livestyle.sinks.segment import join
from livestyle.sinks.tracks import TracksFrom
from livestyle.sinks.video import VideoOptions
from livestyle.sources.video_files import FileSource, open_video
from livestyle.stages import FilePainter, Stages

_IN_FLIGHT = 4  # frames between two stages; a 4K frame is 25 MB
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class VideoReport:
    """What came of it."""

    frames: int
    """Frames of the output."""
    seconds: float
    """Wall clock for all of it."""
    fps: float
    """Frames painted now over seconds."""
    notes: tuple[str, ...]
    """What a person should know about the output, one line each."""
    resumed: int = 0
    """Frames that an earlier run had painted."""
    busy_seconds: dict[str, float] = field(default_factory=dict)
    """How long each stage worked: decode, paint, encode side by side, then join."""
    damage: str = ""
    """Where the input could not be read any further; the output ends there."""


def stylize_video(
    source_path: str | Path,
    output_path: str | Path,
    painter: FilePainter,
    *,
    size_of: Callable[[int, int], tuple[int, int]],
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None],
    resume: bool = True,
) -> VideoReport:
    """Paint every frame of a video into another file.

    size_of: (width, height) of the paintings for a source's. progress: frames done and frames expected, if known. note:
    called with a line that a person should read. resume: go on with what an interrupted run has left, if it was
    of the same input with the same settings. Raises SourceError, OutputError, SettingError, and whatever the painter
    raises; then, as on Ctrl-C, there is no output file, and segments that are whole are kept for the next run.
    """
    notes: list[str] = []

    def remember(text: str) -> None:
        notes.append(text)
        note(text)

    def remember_new(texts: Iterable[str]) -> None:
        for text in texts:
            if text not in notes:
                remember(text)

    started = time.perf_counter()
    source_path, output_path = Path(source_path), Path(output_path)
    check_output(output_path, source_path)
    with open_video(source_path) as source:
        remember_new(source.notes)
        options = _options(source, size_of(source.width, source.height))
        with Journal(output_path) as journal:
            encoding = repr(replace(options, tracks_from=None))
            work = {"input": fingerprint(source.files), "painting": painter.identity, "format": encoding}
            changed = journal.begin(work, resume=resume)
            if changed:
                note(f"{changed} not as in the run that was interrupted: painting anew")
            resumed = sum(segment.frames for segment in journal.done.values())
            if resumed:
                note(f"going on after {resumed} frames that are painted already")
            run = Stages(source, painter, journal, options, output_path, progress, remember)
            try:
                run.paint_missing()
                remember_new(source.notes)
                if not journal.done:
                    raise SourceError(run.damage or f"{source.name}: it has no frame to paint")
                with run.busy("join"):
                    parts = [(journal.path(number), journal.done[number]) for number in sorted(journal.done)]
                    join(parts, output_path, encoding=options, tracks_from=options.tracks_from, note=remember)
            except BaseException:
                if journal.done:
                    kept = sum(segment.frames for segment in journal.done.values())
                    note(f"{kept} frames are kept in {journal.folder}: the same command goes on from there")
                raise
            journal.remove()
    seconds = time.perf_counter() - started
    return VideoReport(
        frames=run.done,
        seconds=seconds,
        fps=(run.done - resumed) / seconds,
        notes=tuple(notes),
        resumed=resumed,
        busy_seconds=run.busy_seconds,
        damage=run.damage,
    )


def profile_text(report: VideoReport) -> str:
    """Where the time went, and how near the whole came to its slowest stage; two lines at least."""
    painted = report.frames - report.resumed
    lines = [
        f"  {stage:<7}{seconds:8.1f} s {1000 * seconds / max(1, painted):8.1f} ms a frame"
        for stage, seconds in report.busy_seconds.items()
    ]
    slowest = max(report.busy_seconds, key=lambda stage: report.busy_seconds[stage])
    share = report.busy_seconds[slowest] / report.seconds
    return "\n".join([*lines, f"  in all {report.seconds:8.1f} s: {share:.2f} of the speed of {slowest} alone"])


def _options(source: FileSource, size: tuple[int, int]) -> VideoOptions:
    return VideoOptions(
        size=size,
        rate=source.rate,
        time_base=source.time_base,
        sample_aspect=source.sample_aspect,
        tracks_from=TracksFrom(path=source.path) if source.files == (source.path,) else None,
    )
