"""The program as a process of its own, on a virtual screen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path
from types import TracebackType

from tests.screen import Screen


class Program:
    """`livestyle ...` on a virtual screen."""

    def __init__(self, screen: Screen, folder: Path, *arguments: str) -> None:
        self.screen = screen
        root = str(Path(__file__).parent.parent)
        env = os.environ | {"DISPLAY": screen.display, "PYTHONPATH": root}
        with (folder / "stderr.txt").open("w", encoding="utf-8") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "livestyle", *arguments],
                env=env,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        self._folder = folder

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()

    @cached_property
    def window(self) -> str:
        """The id of its window."""
        return self.screen.wait_for_window("livestyle")

    @property
    def said(self) -> str:
        """What it has told the person so far."""
        return (self._folder / "stderr.txt").read_text(encoding="utf-8")

    def until(self, what: str, condition: object, timeout_seconds: float = 60) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + timeout_seconds
        while not condition():  # type: ignore[operator]
            assert self.process.poll() is None, f"the program ended: {self.said}"
            assert time.monotonic() < deadline, f"not within {timeout_seconds} s: {what}"
            time.sleep(0.3)
