"""A real show on a clip, driven by keys, mouse and remote commands; its script makes the same pictures of the clip."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livestyle.engine import choose_engine
from livestyle.frame import Frame
from livestyle.live.app import LiveShow, in_turn
from livestyle.live.engine_thread import Finished
from livestyle.live.outputs import Outputs
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_split
from livestyle.painting.pipeline import Painter
from livestyle.pointer import Pointer
from livestyle.script.save_script import ScriptSaver
from livestyle.script.script import read_script, timeline
from livestyle.show.changes import Change
from livestyle.show.shuffle import Shuffle
from livestyle.show.state import Show, new_show
from livestyle.sources import Source
from livestyle.sources.pacing import CaptureThread, Latest, PacedSource
from livestyle.sources.video import VideoSource
from tests import media
from tests.headless import ROOT, Program, free_port
from tests.looks import same
from tests.running import PATIENCE_SECONDS, NoWindow, wait_until


class Person(NoWindow):
    """A window with somebody at it: a key or a move of the mouse at each look at it."""

    def __init__(self, keys: str) -> None:
        self._keys = iter(keys)
        self.step = 0
        self.done = False

    def poll_key(self) -> int:
        self.step += 1
        if self.step % 4:
            return -1
        key = next(self._keys, None)
        self.done = key is None
        return -1 if key is None else ord(key)

    def poll_mouse(self) -> list[Pointer]:
        x = (self.step % 50) / 50
        return [Pointer("down" if self.step % 25 == 1 else "move", x, 0.3)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds, whose first picture is late."""
    return media.write_clip(tmp_path / "clip.mp4", [6006 + 1001 * i for i in range(60)])


class Halting:
    """A source that reads a few frames slowly, as on a busy machine: meanwhile the one before is painted again."""

    name = "late"

    def __init__(self, source: Source, late_seconds: float) -> None:
        self._source, self._late_seconds = source, late_seconds
        self._count = 0

    def read(self) -> Frame | None:
        self._count += 1
        if 20 <= self._count < 26:
            time.sleep(self._late_seconds)
        return self._source.read()

    def close(self) -> None:
        self._source.close()


class Every(Latest[Finished]):
    """All paintings, also those that nobody takes, each with the time of the source that the show had reached.

    A frame from before what was shown already, as a repeat of the frame before it, is painted as of that time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reached_seconds = 0.0
        self.paintings: list[tuple[float, Finished]] = []

    def note(self, change: Change) -> None:
        self.reached_seconds = max(self.reached_seconds, change.at_seconds)

    def put(self, item: Finished) -> None:
        self.reached_seconds = max(self.reached_seconds, float(item.frame.pts_seconds))
        self.paintings.append((self.reached_seconds, item))
        super().put(item)


def start_show(bank: Bank) -> Show:
    layout = parse_split("left:wave,right:scream")
    looks = {"F1": Look((("dragon", 1.0),), alpha=0.5, stability=0.0)}
    return new_show(
        bank.names, Look(layout.focused_styles, stability=0.0, layout=layout), fade_seconds=0.3, looks=looks
    )


@pytest.mark.parametrize("late_seconds", [0.0, 0.2])
def test_a_saved_show_is_the_same_looks_and_pictures_again(
    bank: Bank, clip: Path, tmp_path: Path, late_seconds: float
) -> None:
    """Of those that were painted, in the first round of the clip; the live show may have left out some."""
    engine = choose_engine("cpu", model="fast")
    every = Every()
    painted = every.paintings
    person: Any = Person("n2x[[=-k\tdd3]rbcd4amk")
    outputs = Outputs(tmp_path)
    with ScriptSaver(tmp_path / "s.toml", start_show(bank).look, source="", called=bank.called, report=print) as saver:
        show = LiveShow(
            CaptureThread(lambda: PacedSource(lambda: Halting(VideoSource(clip), late_seconds))),
            lambda: Painter(engine, bank),
            start_show(bank),
            window=person,
            outputs=outputs,
            director=in_turn(Shuffle()),
            on_change=lambda change: (saver.note(change), every.note(change))[0],
        )
        show._engine.finished = every
        running = threading.Thread(target=show.run, daemon=True)
        running.start()
        wait_until(lambda: len(painted) > 5)
        outputs.inbox.ask("blend", "scream:0.3,wave:0.7")
        outputs.inbox.ask("alpha", 0.6)
        outputs.inbox.ask("look", "F1")
        wait_until(lambda: person.done)
        outputs.inbox.post("quit")
        running.join(PATIENCE_SECONDS)
    made = timeline(read_script(tmp_path / "s.toml"), start_show(bank))
    assert [f.frame.index for at, f in painted if not same(made.look_at(at), f.look)] == []
    assert len({id(finished.look) for _, finished in painted}) > 20
    frames = {frame.pts_seconds: frame for frame in media.read_all(clip)}
    again = Painter(engine, bank)
    compared = 0
    for at, finished in painted[::5]:
        frame = frames.get(finished.frame.pts_seconds)
        if frame is not None:
            rgb = again.paint(frame.rgb, made.look_at(at), at_seconds=float(frame.pts_seconds)).rgb
            np.testing.assert_allclose(rgb.astype(int), finished.painting.rgb.astype(int), atol=1)
            compared += 1
    assert compared > 3


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path, "--http", str(free_port()), "--save-script", "s.toml", "--model", "fast")
    yield made
    made.process.kill()
    made.process.wait()


def test_a_show_that_is_killed_leaves_a_script_that_video_plays(program: Program, tmp_path: Path) -> None:
    program.until("control at http://127.0.0.1:")
    address = program.said.partition("control at ")[2].split()[0]
    program.until("first painting")
    for command in ({"name": "style", "value": "scream"}, {"name": "random"}, {"name": "mirror"}):
        headers = {"Content-Type": "application/json"}
        body = json.dumps(command).encode()
        urllib.request.urlopen(urllib.request.Request(f"{address}api/command", body, headers)).close()
    wait_until(lambda: "mirror = true" in (tmp_path / "s.toml").read_text(encoding="utf-8"))
    program.process.send_signal(signal.SIGKILL)
    program.process.wait()
    clip = media.ntsc_clip(tmp_path / "clip.mp4")
    result = subprocess.run(
        [sys.executable, "-m", "livestyle", "video", str(clip), "o.mp4", "--script", "s.toml"]
        + ["--device", "cpu", "--model", "fast"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    assert len(media.read_all(tmp_path / "o.mp4")) == 24
