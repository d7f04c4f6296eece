"""A video file painted frame by frame into another: nothing dropped, other tracks and time stamps kept.

The work is done in segments (`livestyle.files.segments`), each of which goes through three stages
(`livestyle.files.stages`). They are kept beside the output until it is whole, so that what was interrupted goes on
where it was, and joined at the end.

What it does not know: painting (an object it is given), styles, devices.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from livestyle.errors import SourceError
from livestyle.files.journal import Journal, fingerprint
from livestyle.files.stages import FilePainter, Stages
from livestyle.files.video_format import USUAL, VideoFormat
from livestyle.sinks.live_file import LiveFile
from livestyle.sinks.output_file import check_output
from livestyle.sinks.segment import SegmentFiles, join
from livestyle.sinks.video import VideoOptions
from livestyle.sources.piped import PipedMedia
from livestyle.sources.video_files import FileSource

PIPE_OUTPUT = Path("stdout.mkv")
"""What goes into a pipe is as in a file of such a name."""


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
    """What of the input could not be read; the output has the rest."""


class Notes:
    """What a person is told, each line once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.told: list[str] = []
        self._tell = tell

    def __call__(self, *texts: str) -> None:
        for text in texts:
            if text not in self.told:
                self.told.append(text)
                self._tell(text)


class Work:
    """An output on its way: what it is made of and what is done of it. Of `begun_work`."""

    def __init__(
        self, source: FileSource, output: Path, options: VideoOptions, journal: Journal, note: Callable[[str], None]
    ) -> None:
        self.source, self.output, self.options, self.journal = source, output, options, journal
        self.remember = Notes(note)

    @property
    def frames(self) -> int:
        """That are painted."""
        return sum(segment.frames for segment in self.journal.done.values())

    def join(self, damage: str) -> str:
        """Make the output of its segments. Returns what was wrong with the input. Raises SourceError, OutputError.

        damage: what was wrong with its pictures.
        The source is closed before: what FFmpeg keeps of every packet of a long file, it keeps of the output's as well.
        """
        self.remember(*self.source.notes)
        self.source.close()
        journal = self.journal
        if not journal.done:
            raise SourceError(damage or f"{self.source.name}: it has no frame to paint")
        parts = [(journal.path(number), journal.done[number]) for number in sorted(journal.done)]
        tracks_from = self.options.tracks_from
        damages = join(parts, self.output, encoding=self.options, tracks_from=tracks_from, note=self.remember)
        before = [segment.damage for _, segment in parts if segment.damage]  # by a run that was interrupted, too
        return "; ".join(filter(None, (damage or "".join(before[-1:]), *damages)))


@contextmanager
def begun_work(
    source_path: Path,
    output_path: Path,
    identity: str,
    *,
    size_of: Callable[[int, int], tuple[int, int]],
    note: Callable[[str], None],
    resume: bool,
    video_format: VideoFormat,
) -> Iterator[Work]:
    """Work on a video, with what is done of it already. identity: of the painter. Others: see `stylize_video`.

    The block paints what is missing and joins it. Where it raises, segments that are whole are kept.
    """
    check_output(output_path, source_path)
    codec = video_format.check(output_path)
    with video_format.open(source_path) as source:
        notes = list(source.notes)
        options = video_format.options(source, size_of(source.width, source.height), output_path, notes.append)
        with Journal(output_path, suffix=codec.segment_suffix) as journal:
            work = Work(source, output_path, options, journal, note)
            work.remember(*notes)
            encoding = f"{replace(options, tracks_from=None)}, {video_format.part}"
            of = {"input": fingerprint(source.files), "painting": identity, "format": encoding}
            changed = journal.begin(of, resume=resume)
            if changed:
                note(f"{changed} not as in the run that was interrupted: painting anew")
            if work.frames:
                note(f"going on after {work.frames} frames that are painted already")
            try:
                yield work
            except BaseException:
                if journal.done and resume:
                    note(f"{work.frames} frames are kept in {journal.folder}: the same command goes on from there")
                raise
            journal.remove()


def stylize_video(
    source_path: str | Path,
    output_path: str | Path,
    painter: FilePainter,
    *,
    size_of: Callable[[int, int], tuple[int, int]],
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None],
    resume: bool = True,
    video_format: VideoFormat = USUAL,
) -> VideoReport:
    """Paint every frame of a video into another file.

    size_of: (width, height) of the paintings for a source's. progress: frames done and frames expected, if known. note:
    called with a line that a person should read. resume: go on with what an interrupted run has left, if it was
    of the same input with the same settings. video_format: how it is written, and which part of the source. Raises
    SourceError, OutputError, SettingError, and whatever the painter raises; then, as on Ctrl-C, there is no output
    file, and segments that are whole are kept for the next run.
    """
    started = time.perf_counter()
    source, output = Path(source_path), Path(output_path)
    with begun_work(
        source, output, painter.identity, size_of=size_of, note=note, resume=resume, video_format=video_format
    ) as work:
        resumed = work.frames
        files = SegmentFiles(
            work.journal, work.options, output=output, note=work.remember, damage=lambda: work.source.damage
        )
        run = Stages(work.source, painter, files, progress)
        run.paint_missing()
        with run.busy("join"):
            damage = work.join(run.damage)
    return _report(run, started, work.remember, damage, resumed)


def stream_video(
    source_path: str | Path | PipedMedia,
    descriptor: int,
    painter: FilePainter,
    *,
    size_of: Callable[[int, int], tuple[int, int]],
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None],
    video_format: VideoFormat = USUAL,
) -> VideoReport:
    """Paint every frame of a video into a pipe, in Matroska, as they come; nothing is kept.

    source_path: of a file, or what comes through another pipe. descriptor: of the pipe. Others: see `stylize_video`.
    Raises ReaderGone when nobody reads the pipe any more, and as `stylize_video`; then the output ends early.
    """
    started = time.perf_counter()
    piped = source_path if isinstance(source_path, PipedMedia) else None
    with video_format.open(piped or Path(str(source_path))) as source:
        remember = Notes(note)
        remember(*source.notes)
        options = video_format.options(source, size_of(source.width, source.height), PIPE_OUTPUT, remember)
        if piped and options.tracks_from:
            options = replace(options, tracks_from=replace(options.tracks_from, piped=piped))
        live = LiveFile(descriptor, options, note=remember)
        run = Stages(source, painter, live, progress)
        run.paint_missing()
        remember(*source.notes)
    return _report(run, started, remember, "; ".join(filter(None, (run.damage, live.damage))))


def _report(run: Stages, started: float, remember: Notes, damage: str, resumed: int = 0) -> VideoReport:
    seconds = time.perf_counter() - started
    return VideoReport(
        frames=run.done,
        seconds=seconds,
        fps=(run.done - resumed) / seconds,
        notes=tuple(remember.told),
        resumed=resumed,
        busy_seconds=run.busy_seconds,
        damage=damage,
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
