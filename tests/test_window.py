"""The real program in a real window on a virtual screen, with real key presses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.assets import asset_dir
from livestyle.errors import OutputError
from livestyle.frame import Picture
from livestyle.resize import letterboxed
from livestyle.sinks.window import Window, display_problem
from tests.headless import ROOT
from tests.mjpeg_server import MjpegServer
from tests.pictures import difference
from tests.program import Program
from tests.screen import Screen


@pytest.mark.parametrize("display", ["", ":987", "nonsense", "127.0.0.1:987"])
def test_a_missing_screen_is_said_and_not_crashed_on(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert display_problem()
    with pytest.raises(OutputError, match="no window can be opened"):
        Window("test")


def test_qt_has_its_events_to_itself(screen: Screen, tmp_path: Path) -> None:
    """The system's Xlib hears from its own libX11-xcb that it is to leave them; the wheel's writes to a wrong place."""
    program = "from livestyle.sinks.window import Window; Window('test').close()"
    env = {"PYTHONPATH": str(ROOT), "LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(tmp_path / "bindings")}
    subprocess.run([sys.executable, "-c", program], env=os.environ | env, check=True)
    (bound,) = (
        line
        for path in tmp_path.glob("bindings.*")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "`XSetEventQueueOwner'" in line
    )
    assert "/libX11-xcb.so.1 [0]" in bound


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (100, 100), (1000, 300)])
def test_letterboxing_cuts_and_stretches_nothing(size: tuple[int, int]) -> None:
    picture = np.full((90, 160, 3), 200, np.uint8)
    out = letterboxed(picture, *size)
    assert out.shape == (size[1], size[0], 3)
    rows, columns = np.where(out[..., 0] == 200)
    painted = (np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert painted[0] == size[0] or painted[1] == size[1]
    assert abs(painted[0] / painted[1] - 16 / 9) < 0.05


def test_keys_in_the_window(screen: Screen, tmp_path: Path) -> None:
    clip = str(asset_dir("media") / "demo.mp4")
    arguments = ("live", clip, "--device", "cpu", "--size", "64", "--snapshots", str(tmp_path))
    with Program(screen, tmp_path, *arguments) as program:

        def shot(name: str) -> Picture:
            return screen.photograph(tmp_path / f"screen-{name}.png")

        program.until("a painting", lambda: "first painting" in program.said)
        screen.press(program.window, "space", "i")
        time.sleep(5)  # the message fades
        plain = shot("plain")
        assert difference(shot("frozen"), plain) < 0.1
        screen.press(program.window, "h")
        program.until("the help overlay", lambda: difference(shot("help"), plain) > 5)
        screen.press(program.window, "h")
        program.until("no help overlay", lambda: difference(shot("no-help"), plain) < 3)
        screen.press(program.window, "5")
        program.until("another style on the frozen frame", lambda: difference(shot("style-5"), plain) > 5)
        time.sleep(5)
        styled = shot("styled")
        screen.press(program.window, "b")
        program.until("the camera itself", lambda: difference(shot("bypass"), styled) > 5)
        screen.press(program.window, "s")
        program.until("a snapshot", lambda: list(tmp_path.glob("livestyle-2*.png")))
        (snapshot,) = tmp_path.glob("livestyle-2*.png")
        with Image.open(snapshot) as picture:
            assert picture.size == (114, 64)
        screen.press(program.window, "q")
        assert program.process.wait(timeout=60) == 0, program.said
        assert "paintings" in program.said and "Traceback" not in program.said


def test_the_demo_in_a_window_ends_with_q(screen: Screen, tmp_path: Path) -> None:
    with Program(screen, tmp_path, "demo", "--device", "cpu", "--size", "64") as program:
        program.until("a painting", lambda: "first painting" in program.said)
        screen.press(program.window, "f")
        screen.press(program.window, "q")
        assert program.process.wait(timeout=60) == 0, program.said
    assert "Traceback" not in program.said


def test_a_camera_lost_in_the_show_comes_back(screen: Screen, tmp_path: Path, photograph: Picture) -> None:
    frames = [np.roll(photograph, 8 * i, axis=1) for i in range(8)]
    arguments = ("--device", "cpu", "--size", "48", "-s", "wave")
    with MjpegServer(frames, fps=10) as camera, Program(screen, tmp_path, "live", camera.url, *arguments) as program:
        shots = []

        def frozen() -> bool:
            """Whether the window is as it was three seconds ago, longer than a message stays."""
            time.sleep(3)
            shots.append(screen.photograph(tmp_path / "screen.png"))
            return len(shots) > 1 and difference(*shots[-2:]) < 0.1

        def message_shown() -> bool:
            """Whether the panel at the bottom is there (it darkens the picture under it)."""
            return difference(screen.photograph(tmp_path / "screen.png"), shots[-1]) > 1.5

        program.until("a painting", lambda: "first painting" in program.said)
        screen.press(program.window, "space", "i")
        program.until("a frozen window without messages", frozen)
        camera.stop()
        program.until("the message that the camera is lost", message_shown)
        camera.start()
        program.until("the message gone", lambda: not message_shown())
        screen.press(program.window, "Escape")
        assert program.process.wait(timeout=60) == 0, program.said
    assert "Traceback" not in program.said


def test_a_camera_that_is_not_there_ends_the_program(screen: Screen, tmp_path: Path) -> None:
    with Program(screen, tmp_path, "live", "97", "--device", "cpu") as program:
        assert program.process.wait(timeout=60) == 2
    last = program.said.splitlines()[-1]
    assert last.startswith("livestyle: ") and "97" in last
