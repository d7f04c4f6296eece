"""Shows how a batch comes on: a bar for all files and one for each that is worked on, and what came of them.

On stderr, but for the lines of JSON.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from livestyle.batch.local import Outcome, Status
from livestyle.files.jobs import Job

WORDS: dict[Status, str] = {
    "painted": "painted",
    "damaged": "painted in part",
    "skipped": "there already",
    "failed": "failed",
}


class BatchReport:
    """A context manager. Its methods are for one thread."""

    def __init__(self, jobs: Sequence[Job], *, quiet: bool, verbose: bool, lines_of_json: bool) -> None:
        """quiet: failures only. lines_of_json: an object a file on stdout, as it is done with."""
        self._out = sys.stdout  # while bars are shown, and Ray talks, sys.stdout is another
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=self._console, disable=quiet)
        self._all = self._bars.add_task("files", total=len(jobs))
        self._bar_of: dict[Job, TaskID] = {}
        self._files = len(jobs)
        self._quiet, self._verbose, self._json = quiet, verbose, lines_of_json
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> BatchReport:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in self._bar_of.values():
            self._bars.remove_task(bar)
        self._bars.stop()
        self._sum_up()

    def progress(self, job: Job, done: int, expected: int | None) -> None:
        """Frames of a file that are done, and that are expected, if known."""
        if job not in self._bar_of:
            self._bar_of[job] = self._bars.add_task(escape(f"  {job.source.name}"), total=None)
        self._bars.update(self._bar_of[job], completed=done, total=expected)

    def add(self, outcome: Outcome) -> None:
        """A file is done with."""
        self.outcomes.append(outcome)
        bar = self._bar_of.pop(Job(outcome.source, outcome.output), None)
        if bar is not None:
            self._bars.remove_task(bar)
        self._bars.advance(self._all)
        if self._json:
            print(as_json(outcome), file=self._out, flush=True)
        if not self._quiet:
            self._say(outcome)
        if self._verbose and outcome.trace:
            self._print(outcome.trace.rstrip())

    def _say(self, outcome: Outcome) -> None:
        if outcome.status == "skipped" and not self._verbose:
            return
        if outcome.status == "failed":
            self._print(_with_reason(outcome))
        else:
            speed = f"  {outcome.frames} frames in {outcome.seconds:.1f} s" if outcome.frames > 1 else ""
            self._print(f"{WORDS[outcome.status]}  {outcome.output}{speed}")
        for note in outcome.notes:
            self._print(f"  {note}")

    def _sum_up(self) -> None:
        """The numbers, and again what went wrong: the lines that said it may be far up."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        parts = [f"{counts[status]} {word}" for status, word in WORDS.items() if counts[status]]
        if len(self.outcomes) < self._files:
            parts.append(f"{self._files - len(self.outcomes)} not done (the same command goes on)")
        bad = [outcome for outcome in self.outcomes if outcome.reason]
        if bad or not self._quiet:
            self._print(f"{self._files} files: {', '.join(parts)}")
        for outcome in bad:
            self._print(f"  {_with_reason(outcome)}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def _with_reason(outcome: Outcome) -> str:
    reason = outcome.reason if str(outcome.source) in outcome.reason else f"{outcome.source}: {outcome.reason}"
    return f"{WORDS[outcome.status]}  {reason}"


def as_json(outcome: Outcome) -> str:
    """One line."""
    return json.dumps(
        {
            "source": str(outcome.source),
            "output": str(outcome.output),
            "status": outcome.status,
            "reason": outcome.reason,
            "notes": outcome.notes,
            "frames": outcome.frames,
            "seconds": round(outcome.seconds, 3),
        }
    )
