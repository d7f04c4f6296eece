"""Snapshots of the painting, encoded and written in a thread of their own: the show does not wait for a disk.

What it does not know: what is painted, and who asked.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from livestyle.frame import Picture
from livestyle.sinks.images import save_image

PLACES = 4
"""Pictures that may wait; more are left out."""
STOP_SECONDS = 10.0


class Snapshots:
    """PNG files in a folder, named by date and time. `save` and `join` are for one thread."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        """report: takes one line for the person, in any thread."""
        self._folder, self._report = folder, report
        self._waiting: queue.Queue[tuple[Path, Picture] | None] = queue.Queue(PLACES)
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Begin to write; returns at once."""
        self._thread.start()

    def save(self, rgb: Picture) -> str:
        """Have a picture written, HxWx3 uint8 sRGB that nobody changes; never waits. What to tell the person."""
        path = self._folder / f"livestyle-{datetime.now():%Y%m%d-%H%M%S-%f}.png"
        try:
            self._waiting.put_nowait((path, rgb))
        except queue.Full:
            return f"no snapshot: {PLACES} others still wait for the disk"
        return f"saving {path.name}"

    def join(self) -> None:
        """End after `start` when all are written, within a bounded time."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=STOP_SECONDS)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            self._report("snapshots: the disk does not answer; the last ones are not saved")

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            path, rgb = waiting
            try:
                save_image(path, rgb)
            except Exception as error:  # whatever a disk does, the show goes on
                self._report(f"no snapshot: {error}")
            else:
                self._report(f"saved {path.name}")
