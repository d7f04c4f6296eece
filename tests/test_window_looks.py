"""Looks in the real window: function keys, and a mouse that drags."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from livestyle.assets import asset_dir
from livestyle.frame import Picture
from livestyle.show.presets import looks_path, read_looks
from tests.pictures import difference
from tests.program import Program
from tests.screen import Screen

STILL = str(asset_dir("media") / "astronaut.jpg")
OPTIONS = ("--model", "fast", "--device", "cpu", "--size", "160x90", "--fps", "0")


class Watch:
    """Photographs of a program's window."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self._folder = folder
        program.until("a painting", lambda: "first painting" in program.said)
        program.screen.press(program.window, "i")
        self.width, self.height = program.screen.size(program.window)

    def still(self, name: str) -> Picture:
        """The window when messages and crossfades are over: two photographs that are the same."""
        time.sleep(3)
        shots = [self._shot(name)]
        self.program.until(f"a still window: {name}", lambda: self._same(shots, name))
        return shots[-1]

    def _same(self, shots: list[Picture], name: str) -> bool:
        shots.append(self._shot(name))
        return difference(shots[-2], shots[-1]) < 0.1

    def _shot(self, name: str) -> Picture:
        screen = self.program.screen.photograph(self._folder / f"{name}.png")
        return screen[: self.height, : self.width]

    def x(self, part: float) -> int:
        return int(part * self.width)

    def drag(self, start: float, end: float) -> None:
        middle = self.height // 2
        self.program.screen.drag(self.program.window, (self.x(start), middle), (self.x(end), middle))


@pytest.fixture
def on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the program keeps looks in."""
    assert os.environ["XDG_CONFIG_HOME"].startswith(str(tmp_path))
    return looks_path()


def test_function_keys_store_and_recall(screen: Screen, tmp_path: Path, on_disk: Path) -> None:
    with Program(screen, tmp_path, "live", STILL, "-s", "wave", *OPTIONS) as program:
        watch = Watch(program, tmp_path)
        wave = watch.still("wave")
        screen.press_with(program.window, "shift", "F1")
        program.until("the file", on_disk.exists)
        assert list(read_looks(on_disk, print)) == ["F1"]
        screen.press(program.window, "5")
        second = watch.still("second")
        assert difference(second, wave) > 5
        screen.press(program.window, "w", "F12")
        program.until("the second look", lambda: len(read_looks(on_disk, print)) == 2)
        screen.press(program.window, "F1")
        assert difference(watch.still("recalled"), wave) < 0.5
        screen.press(program.window, "F12")
        assert difference(watch.still("recalled-second"), second) < 0.5
        screen.press(program.window, "F5")
        assert difference(watch.still("none"), second) < 0.5
        screen.press(program.window, "q")
        assert program.process.wait(timeout=60) == 0, program.said
    assert read_looks(on_disk, print)["F1"].weights == (("wave", 1.0),)


def test_the_mouse_moves_a_splits_edge(screen: Screen, tmp_path: Path) -> None:
    with Program(screen, tmp_path, "live", STILL, "--split", "left:original,right:scream", *OPTIONS) as program:
        watch = Watch(program, tmp_path)
        middle = watch.still("middle")
        watch.drag(0.5, 0.8)
        right = watch.still("right")
        changed = np.abs(right.astype(int) - middle).mean((0, 2))
        assert changed[watch.x(0.57) : watch.x(0.73)].mean() > 8
        assert changed[: watch.x(0.4)].mean() < 0.5
        screen.press(program.window, "q")
        assert program.process.wait(timeout=60) == 0, program.said
    assert "Traceback" not in program.said


def test_views_and_the_pad(screen: Screen, tmp_path: Path) -> None:
    with Program(screen, tmp_path, "live", STILL, "-s", "dragon", "--snapshots", str(tmp_path), *OPTIONS) as program:
        watch = Watch(program, tmp_path)
        painting = watch.still("painting")
        screen.press(program.window, "b")
        camera = watch.still("camera")
        screen.press(program.window, "b", "x", "x")
        wipe = watch.still("wipe")
        half, line = watch.x(0.5), 8
        assert difference(wipe[:, : half - line], camera[:, : half - line]) < 1
        assert difference(wipe[:, half + line :], painting[:, half + line :]) < 1
        watch.drag(0.3, 0.75)
        wiped = watch.still("wiped")
        part = watch.x(0.75)
        assert difference(wiped[:, : part - line], camera[:, : part - line]) < 1
        assert difference(wiped[:, part + line :], painting[:, part + line :]) < 1
        screen.press(program.window, "x", "d")
        screen.move(program.window, (2, 2))
        first = watch.still("pad-first")
        screen.move(program.window, (watch.width - 2, 2))
        assert difference(watch.still("pad-second"), first) > 5
        screen.press(program.window, "q")
        assert program.process.wait(timeout=60) == 0, program.said
    assert "Traceback" not in program.said
