"""An output of the live show in a thread of its own: however slow or broken it is, the show does not wait.

Frames wait in a short queue; a new one pushes the oldest out. A frame that the output fails on is dropped and
counted, the person is told once, and the output is opened again after a pause, over and over, until it works.
What it does not know: what kind of output it is, windows, and files that must have every frame (transcode
writes those).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from livestyle.errors import LivestyleError
from livestyle.frame import Frame

RETRY_SECONDS = 5.0
STOP_SECONDS = 10.0
"""How long the end of the show waits for an output: a recording is finished in that time."""


class Output(Protocol):
    """Something that takes frames, one thread at a time. Both methods may raise anything."""

    def write(self, frame: Frame) -> None:
        """Take a frame; `frame.rgb` (HxWx3 uint8 RGB) belongs to others and is not changed."""

    def close(self) -> str:
        """Finish. What to tell the person, or ""."""


@dataclass(frozen=True)
class OutputStatus:
    """How an output does. Counts are frames."""

    name: str
    written: int
    dropped: int
    """Pushed out of the queue, or came while the output was failing."""
    problem: str
    """Why it does not work just now; "" when it does."""


class BackgroundSink:
    """Feeds one output from a bounded queue. `put` and `status` are for any thread."""

    def __init__(
        self,
        name: str,
        open_output: Callable[[Frame], Output],
        report: Callable[[str], None],
        *,
        places: int = 2,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """open_output: called in the sink's thread with the first frame, and again after a failure.

        report: takes one line for the person, in any thread. places: frames that may wait.
        """
        self.name = name
        self._open_output = open_output
        self._report = report
        self._retry_seconds = retry_seconds
        self._queue: deque[Frame] = deque(maxlen=places)
        self._changed = threading.Condition()
        self._stopping = False
        self._output: Output | None = None
        self._retry_at = 0.0
        self._written = self._dropped = 0
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Hand over a frame; never waits. Ignored after `stop`."""
        with self._changed:
            if self._stopping:
                return
            self._dropped += len(self._queue) == self._queue.maxlen
            self._queue.append(frame)
            self._changed.notify()

    @property
    def status(self) -> OutputStatus:
        """How it does at this moment."""
        with self._changed:
            return OutputStatus(self.name, self._written, self._dropped, self._problem)

    def stop(self) -> None:
        """Take no more frames, write those that wait and finish; returns at once."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, timeout_seconds: float = STOP_SECONDS) -> bool:
        """Wait for the end after `stop`; False when it still hangs, it is then left behind."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (frame := self._next()) is not None:
            self._write(frame)
        self._close()

    def _next(self) -> Frame | None:
        """The oldest frame that waits; None when stopped and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._queue) or self._stopping)
            return self._queue.popleft() if self._queue else None

    def _write(self, frame: Frame) -> None:
        if self._output is None and time.monotonic() < self._retry_at:
            self._count(dropped=1)
            return
        try:
            if self._output is None:
                self._output = self._open_output(frame)
            self._output.write(frame)
        except Exception as error:  # whatever an output does, the show goes on
            self._fail(error)
            return
        self._count(written=1)
        if self._problem:
            self._set_problem("")
            self._report(f"{self.name} works again")

    def _fail(self, error: Exception) -> None:
        self._count(dropped=1)
        self._retry_at = time.monotonic() + self._retry_seconds
        text = _one_line(error)
        told = bool(self._problem)
        self._set_problem(text)
        if not told:
            self._report(f"{self.name}: {text} (trying again every {self._retry_seconds:g} s)")
        self._close()

    def _close(self) -> None:
        output, self._output = self._output, None
        if output is None:
            return
        try:
            told = output.close()
        except Exception as error:
            told = f"{self.name}: {_one_line(error)}" if not self._problem else ""
        if told:
            self._report(told)

    def _count(self, *, written: int = 0, dropped: int = 0) -> None:
        with self._changed:
            self._written += written
            self._dropped += dropped

    def _set_problem(self, text: str) -> None:
        with self._changed:
            self._problem = text


def _one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, (LivestyleError, OSError)) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())
