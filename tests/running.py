"""A live show without a window that runs in a thread while a test talks to it, and what shows are made of in tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from livestyle.frame import Frame, Picture
from livestyle.live.app import LiveShow
from livestyle.live.outputs import Outputs
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painter
from livestyle.painting.rate import RateHold, Size
from livestyle.pointer import Pointer
from livestyle.show.state import Show, new_show
from livestyle.sources.pacing import CaptureThread
from tests.conftest import CountingEngine

PATIENCE_SECONDS = 20.0


class Camera:
    """Frames of rising brightness at about 100 a second; raises or ends when told to."""

    name = "test camera"

    def __init__(self, count: int | None = None) -> None:
        self.count = count
        self.given = 0

    def read(self) -> Frame | None:
        time.sleep(0.01)
        if self.count is not None and self.given >= self.count:
            return None
        self.given += 1
        rgb = np.full((48, 64, 3), self.given % 256, np.uint8)
        return Frame(rgb, self.given - 1, Fraction(self.given - 1, 100))

    def close(self) -> None:
        pass


class NoWindow:
    """A window's methods without a screen; `show` takes at least 20 ms."""

    size = (640, 480)
    closed = False

    def show(self, rgb: Picture, decorate: Callable[[Picture], Picture]) -> None:
        time.sleep(0.02)
        decorate(rgb)

    def poll_key(self) -> int:
        return -1

    def poll_mouse(self) -> list[Pointer]:
        return []

    def set_fullscreen(self, on: bool) -> None:
        pass

    def close(self) -> None:
        pass


def make_show(bank: Bank) -> Show:
    return new_show(bank.names, Look((("wave", 1.0),), palette=False), fade_seconds=0.0)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


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


class SmallHold(RateHold):
    """Answers half the output's sides always; counts what it is told."""

    def __init__(self) -> None:
        super().__init__(30)
        self.told = 0

    def size_for(self, width: int, height: int) -> Size:
        return width // 2, height // 2

    def painted(self, took_ms: float, network_ms: float, now_seconds: float) -> None:
        self.told += 1
