"""A live show without a window that runs in a thread while a test talks to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from livestyle.app import LiveShow
from livestyle.bank import Bank
from livestyle.outputs import Outputs
from livestyle.pacing import CaptureThread
from livestyle.pipeline import Painter
from tests.conftest import CountingEngine
from tests.test_app import PATIENCE_SECONDS, Camera, make_show, wait_until


class Running:
    """A context manager; `with` waits for the first painting, leaving it ends the show."""

    def __init__(
        self, bank: Bank, folder: Path, source: Callable[[], Any] = Camera, *, outputs: Outputs | None = None
    ) -> None:
        self.said: list[str] = []
        self.engine = CountingEngine()
        self.outputs = outputs or Outputs(folder, self.said.append)
        painter = Painter(self.engine, bank)
        self.show = LiveShow(
            CaptureThread(source),
            lambda: painter,
            make_show(bank),
            window=None,
            outputs=self.outputs,
            snapshot_dir=folder,
        )
        self.thread = threading.Thread(target=self.show.run, daemon=True)

    def __enter__(self) -> Running:
        self.thread.start()
        self.until(lambda: self.show.meters.shown > 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.thread.is_alive():
            self.outputs.inbox.post("quit")
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive(), "the show does not end"

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it."""
        wait_until(condition)

    def more_paintings(self, count: int = 5) -> None:
        """Wait until the show has painted that many more."""
        now = self.show.meters.shown
        self.until(lambda: self.show.meters.shown >= now + count)
