"""A virtual X screen to press keys on and to photograph (Xvfb, xdotool, ImageMagick's import)."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from livestyle.frame import Picture

TOOLS = ("Xvfb", "xdotool", "import")


def screen_problem() -> str:
    """Why there can be no virtual screen here, or ""."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)} (Debian: apt install xvfb xdotool imagemagick)" if missing else ""


class Display:
    """An X screen that is there already, by its name, as in ":0"."""

    def __init__(self, display: str) -> None:
        self.display = display

    def _xdotool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"DISPLAY": self.display}
        return subprocess.run(["xdotool", *arguments], env=env, capture_output=True, encoding="utf-8", timeout=20)

    def wait_for_window(self, name: str, timeout_seconds: float = 60) -> str:
        """The id of a window whose title contains `name`."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            found = self._xdotool("search", "--onlyvisible", "--name", name).stdout.split()
            if found:
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"no window {name!r} within {timeout_seconds} s")

    def press(self, window: str, *keys: str) -> None:
        """Press keys (xdotool's names) in a window, one by one.

        OpenCV keeps only the last key pressed between two looks at its queue, hence the pauses.
        """
        self._xdotool("windowfocus", "--sync", window)
        for key in keys:
            self._xdotool("key", "--clearmodifiers", key)
            time.sleep(0.7)

    def press_with(self, window: str, held: str, key: str) -> None:
        """Press a key while another one is held, as slowly as a person does."""
        self._xdotool("windowfocus", "--sync", window)
        self._xdotool("keydown", held)
        time.sleep(0.3)
        self._xdotool("key", key)
        time.sleep(0.3)
        self._xdotool("keyup", held)

    def drag(self, window: str, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the left button at a place of a window, move and let go. Places are (x, y) in pixels."""
        self.move(window, start)
        self._xdotool("mousedown", "1")
        time.sleep(0.3)
        self.move(window, ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2))
        self.move(window, end)
        self._xdotool("mouseup", "1")
        time.sleep(0.3)

    def move(self, window: str, place: tuple[int, int]) -> None:
        """Move the mouse to (x, y) pixels of a window."""
        self._xdotool("mousemove", "--window", window, str(place[0]), str(place[1]))
        time.sleep(0.3)

    def size(self, window: str) -> tuple[int, int]:
        """(width, height) of a window in pixels."""
        words = self._xdotool("getwindowgeometry", "--shell", window).stdout.split()
        found = dict(word.split("=", 1) for word in words)
        return int(found["WIDTH"]), int(found["HEIGHT"])

    def photograph(self, path: Path) -> Picture:
        """What is on the screen."""
        env = os.environ | {"DISPLAY": self.display}
        subprocess.run(["import", "-window", "root", str(path)], env=env, check=True, timeout=30)
        return np.asarray(Image.open(path).convert("RGB"))


class Screen(Display):
    """A context manager around one Xvfb."""

    def __init__(self, size: str = "1000x700x24") -> None:
        read_end, write_end = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", size, "-nolisten", "tcp"],
            pass_fds=[write_end],
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        with os.fdopen(read_end, encoding="utf-8") as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        super().__init__(f":{number}")

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        self._server.wait(timeout=10)
