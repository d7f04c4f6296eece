"""A batch on a cluster: videos become tasks of one segment each, pictures a task each; here their results are joined.

So many tasks are given out as the cluster can use at once and as many again, in the order of the files: what is in the
cluster's memory does not grow with the batch. It knows no Ray: `livestyle.batch.cluster` does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol

from livestyle.batch.cluster import Cluster, Ref
from livestyle.batch.local import BatchOptions, Outcome, Status, failed
from livestyle.batch.tasks import PaintedPicture, PaintedSegments, hello, input_of, paint_picture, paint_segments
from livestyle.files.file_painter import identity, looks_digest
from livestyle.files.jobs import Job
from livestyle.files.kinds import is_video
from livestyle.files.recipe import Recipe
from livestyle.files.segments import parts
from livestyle.files.transcode import begun_work
from livestyle.files.video_format import VideoFormat
from livestyle.options.studio import Studio
from livestyle.painting.size import fit_size
from livestyle.sinks import write_whole
from livestyle.sinks.codecs import NVENC_PRESETS
from livestyle.sinks.images import check_image_output

PATIENCE_SECONDS = 10.0
"""Then it is said that no worker has come."""
STOP_SECONDS = 5.0
"""How long tasks may take to end when the batch is interrupted."""
Task = tuple[Any, ...]
"""A function of `livestyle.batch.tasks` and its arguments after the recipe."""


class Order(Protocol):
    """A file that is worked on."""

    job: Job
    recipe: Ref
    tasks: list[Task]
    """All of them."""

    def take(self, result: Any) -> None:
        """The result of one of the tasks. Raises LivestyleError."""

    def finish(self) -> Outcome:
        """When all results were taken. Raises LivestyleError."""

    def give_up(self, error: BaseException) -> Outcome:
        """Nothing more comes; what is done is kept."""


class _Picture:
    """See Order."""

    def __init__(self, job: Job, recipe: Ref, networks: str) -> None:
        """Raises LivestyleError."""
        check_image_output(job.output)
        self.job, self.recipe = job, recipe
        self.tasks: list[Task] = [(paint_picture, networks, input_of(job.source), job.output.suffix)]
        self._started = time.perf_counter()
        self._notes: tuple[str, ...] = ()

    def take(self, result: PaintedPicture) -> None:
        write_whole(self.job.output, result.data)
        self._notes = result.notes

    def finish(self) -> Outcome:
        seconds = time.perf_counter() - self._started
        return Outcome(self.job.source, self.job.output, "painted", notes=self._notes, frames=1, seconds=seconds)

    def give_up(self, error: BaseException) -> Outcome:
        return failed(self.job, error)


class _Video:
    """See Order."""

    def __init__(
        self, job: Job, recipe: Ref, networks: str, *, of: Recipe, painter: str, options: BatchOptions
    ) -> None:
        """painter: its identity. Raises LivestyleError."""
        self.job, self.recipe, self._progress = job, recipe, options.progress
        self._started = time.perf_counter()
        self._notes: list[str] = []
        self._damages: dict[int, str] = {}
        self._stack = ExitStack()
        source = input_of(job.source)
        begun = begun_work(
            job.source,
            job.output,
            painter,
            size_of=lambda width, height: fit_size(width, height, of.size),
            note=self._notes.append,
            resume=options.resume,
            video_format=options.video_format,
        )
        self._work = self._stack.enter_context(begun)
        self.tasks: list[Task] = [
            (paint_segments, networks, source, job.output, options.video_format, self._work.options, first, last)
            for first, last in parts(self._work.source.duration_seconds)
            if last is None or first not in self._work.journal.done
        ]
        self._tell()

    def take(self, result: PaintedSegments) -> None:
        for segment, data in result.files:
            write_whole(self._work.journal.path(segment.number), data)
            self._work.journal.add(segment)
        self._work.remember(*result.notes)
        if result.damage:
            self._damages[min((segment.number for segment, _ in result.files), default=0)] = result.damage
        self._tell()

    def finish(self) -> Outcome:
        damage = "; ".join(dict.fromkeys(self._damages[number] for number in sorted(self._damages)))
        damage = self._work.join(damage)
        frames, seconds = self._work.frames, time.perf_counter() - self._started
        self._stack.close()
        status: Status = "damaged" if damage else "painted"
        return Outcome(self.job.source, self.job.output, status, damage, tuple(self._notes), frames, seconds)

    def give_up(self, error: BaseException) -> Outcome:
        self._stack.__exit__(type(error), error, error.__traceback__)
        return failed(self.job, error, tuple(self._notes))

    def _tell(self) -> None:
        self._progress(self.job, self._work.frames, self._work.source.frame_count_hint)


@dataclass
class _Open:
    """An order with tasks that are not done."""

    order: Order
    left: int
    over: bool = False


class ClusterBatch:
    """Paints files on a cluster."""

    def __init__(self, cluster: Cluster, studio: Studio, options: BatchOptions) -> None:
        self._cluster, self._studio = cluster, studio
        self._options = replace(options, video_format=_same_everywhere(options.video_format))
        self._networks = ""
        self._sent: tuple[Recipe, Ref, str] | None = None

    def prepare(self) -> None:
        """Wait for the first worker and learn what it computes. Raises LivestyleError: what is wrong with all files."""
        self._studio.prepare_looks()
        answer = self._cluster.submit(hello, self._studio.engine_choice)
        needs = ", ".join(f"{name} {count}" for name, count in self._cluster.needs.items())
        said_at = time.monotonic() + PATIENCE_SECONDS
        while not self._cluster.ready([answer]):
            if time.monotonic() > said_at:
                said_at = math.inf
                self._studio.setup.say(f"waiting for a worker with {needs}")
        self._networks, engine = self._cluster.result(answer)
        self._studio.setup.say(f"{engine}; {self._cluster.slots} tasks at once on a Ray cluster, {needs} each")

    def paint(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do all jobs; outcomes come in the order in which files are done with. `prepare` comes first."""
        opened: list[_Open] = []
        try:
            yield from self._painted(self._coming(jobs, opened))
        except BaseException as error:
            for one in opened:
                if not one.over:
                    one.order.give_up(error)
            raise

    def _painted(self, coming: Iterator[Outcome | tuple[_Open, Task]]) -> Iterator[Outcome]:
        pending: dict[Ref, _Open] = {}
        more = True
        try:
            while more or pending:
                while more and len(pending) < 2 * self._cluster.slots:
                    item = next(coming, None)
                    if item is None:
                        more = False
                    elif isinstance(item, Outcome):
                        yield item
                    elif not item[0].over:
                        one, (function, *arguments) = item
                        pending[self._cluster.submit(function, one.order.recipe, *arguments)] = one
                for ref in self._cluster.ready(list(pending)) if pending else ():
                    one = pending.pop(ref)
                    outcome = self._taken(one, ref)
                    if outcome is not None:
                        self._cluster.cancel([other for other in pending if pending[other] is one])
                        yield outcome
        except BaseException:
            self._cluster.cancel(list(pending), wait_seconds=STOP_SECONDS)
            raise

    def _coming(self, jobs: Sequence[Job], opened: list[_Open]) -> Iterator[Outcome | tuple[_Open, Task]]:
        """All tasks, file by file; each file is begun when the first of its tasks is asked for."""
        for job in jobs:
            try:
                one = self._opened(job)
            except Exception as error:  # as in `livestyle.batch.local`: the next file may be fine
                yield failed(job, error)
                continue
            opened.append(one)
            yield from ((one, task) for task in one.order.tasks)

    def _opened(self, job: Job) -> _Open:
        recipe, ref, painter = self._recipe(job)
        self._options.progress(job, 0, None)
        if is_video(job.source):
            order: Order = _Video(job, ref, self._networks, of=recipe, painter=painter, options=self._options)
        else:
            order = _Picture(job, ref, self._networks)
        return _Open(order, len(order.tasks))

    def _recipe(self, job: Job) -> tuple[Recipe, Ref, str]:
        """How this file is painted, the same sent to the cluster, and a painter's identity."""
        if self._sent is None or self._studio.paints_each_otherwise:
            recipe = self._studio.recipe(job)
            digest = looks_digest(recipe.looks, recipe.styles)
            self._sent = (
                recipe,
                self._cluster.put(recipe),
                identity(f"{self._networks} on a cluster", recipe.size, digest),
            )
        return self._sent

    def _taken(self, one: _Open, ref: Ref) -> Outcome | None:
        """What came of a file, if this was its last task or it failed."""
        if one.over:
            return None
        try:
            one.order.take(self._cluster.result(ref))
            one.left -= 1
            outcome = None if one.left else one.order.finish()
        except Exception as error:
            outcome = one.order.give_up(error)
        one.over = outcome is not None
        return outcome


def _same_everywhere(video_format: VideoFormat) -> VideoFormat:
    """Encoded as on any machine, unless a GPU's encoder is asked for."""
    asked = video_format.hardware != "auto" or video_format.preset in NVENC_PRESETS
    return video_format if asked else replace(video_format, hardware="none")
