"""A show's looks saved as a script: whatever changed them, the script makes the same Looks at the same times."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import OutputError, SettingError
from livestyle.frame import Frame
from livestyle.live.mouse import pointed
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_mask, parse_split
from livestyle.looks.style_weights import normalised
from livestyle.pointer import Pointer
from livestyle.script.save_script import ScriptSaver
from livestyle.script.script import Timeline, read_script, timeline
from livestyle.show.changes import Change, Follower
from livestyle.show.control import COMMANDS, command_named
from livestyle.show.state import Show, new_show
from tests.looks import same
from tests.running import wait_until

STYLES = ("wave", "scream", "mosaic", "dragon", "a, strange: name")
START = Look((("wave", 1.0),))
STARTED_AT = 500.0
Say = Callable[[str], None]


def silent(text: str) -> None:
    pass


def replayed(path: Path, start: Look = START, styles: tuple[str, ...] = STYLES) -> Timeline:
    return timeline(read_script(path), new_show(styles, start))


def anything(show: Show, order: random.Random, now: float) -> Show:
    """A random command of the table, or a random move of the mouse."""
    if order.random() < 0.4:
        kind = order.choice(("down", "move", "up"))
        return pointed(show, Pointer(kind, order.random(), order.random()))  # type: ignore[arg-type]
    values = {
        "style": order.choice(STYLES),
        "blend": dict(zip(STYLES[:3], (order.random() + 0.1 for _ in range(3)), strict=True)),
        "look": order.choice(list(show.looks)),
        "alpha": order.random(),
        "stability": order.random(),
        "fade": order.choice((0, 0.3, 1, 4)),
    }
    command = order.choice([c for c in COMMANDS if c.name not in ("quit", "snapshot")])
    return command.run(show, now, values.get(command.name))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_person_does_is_done_again(tmp_path: Path, seed: int) -> None:
    order = random.Random(seed)
    looks = {
        "F1": Look((("scream", 0.25), ("wave", 0.75)), alpha=0.3, mirror=True),
        "F2": Look((("mosaic", 1.0),), layout=parse_split("left:mosaic,right:dragon")),
        "F3": Look((("dragon", 1.0),), layout=parse_split("top:original,bottom:dragon").with_edge(0.3, 0.2)),
    }
    show = new_show(STYLES, START, looks=looks)
    painted: list[tuple[float, Look]] = []
    """Times that the show had reached, with their Looks; a frame from before has that of the time reached."""
    with ScriptSaver(tmp_path / "s.toml", START, source="a clip", called=str, report=silent) as saver:
        told: list[Change] = []
        follower = Follower(show, lambda change: (saver.note(change), told.append(change))[0])
        pts = reached = 0.0
        while pts < 30:
            for _ in range(order.choice((0, 0, 0, 1, 1, 3))):
                show = anything(show, order, STARTED_AT + pts + order.random() / 30)
            pts = max(0.0, pts + order.choice((1 / 30, 1 / 30, 0.2, -0.1)))
            frame = Frame(np.zeros((2, 2, 3), np.uint8), 0, Fraction(pts), STARTED_AT + pts + order.random() / 50)
            look = follower.look(show, frame)
            reached = max(reached, pts, told[-1].at_seconds if told else 0.0)
            painted.append((reached, look))
            follower.painted(frame)
    made = replayed(tmp_path / "s.toml")
    assert len({id(look) for _, look in painted}) > 100
    assert [pts for pts, look in painted if not same(made.look_at(pts), look)] == []


def played(saver: ScriptSaver, show: Show, *commands: tuple[str, object]) -> Look:
    """One command a second, as `note` is told of them; the last Look."""
    follower = Follower(show, saver.note)
    for second in range(len(commands) + 2):
        frame = Frame(np.zeros((2, 2, 3), np.uint8), second, Fraction(second), STARTED_AT + second)
        look = follower.look(show, frame)
        follower.painted(frame)
        if second < len(commands):
            name, value = commands[second]
            show = command_named(name).run(show, STARTED_AT + second + 0.5, value)
    return look


def test_what_is_saved_reads_like_what_a_person_writes(tmp_path: Path) -> None:
    show = new_show(STYLES, START, fade_seconds=0.25)
    with ScriptSaver(tmp_path / "s.toml", START, source="my clip.mp4", called=str, report=silent) as saver:
        played(saver, show, ("style", "scream"), ("alpha", 0.5), ("blend", "wave:1,mosaic:3"), ("mirror", None))
    comments, *cues = (tmp_path / "s.toml").read_text(encoding="utf-8").split("\n[[cue]]\n")
    assert "my clip.mp4" in comments and "--script" in comments
    assert [cue.split("\n")[:-1] for cue in cues] == [
        ["at = 0.0", 'style = "wave"', "fade = 0", "alpha = 1.0", "stability = 0.5"]
        + ["color = false", "palette = true", "mirror = false", "bypass = false"],
        ["at = 0.5", 'style = "scream"', "fade = 0.25"],
        ["at = 2.0", "alpha = 0.5"],
        ["at = 2.5", "style = {wave = 0.25, mosaic = 0.75}", "fade = 0.25"],
        ["at = 4.0", "mirror = true"],
    ]


def test_a_saved_script_needs_no_options_to_begin_as_the_show_did(tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 3).reshape(1, 2, 3)).save(mask)
    layout = parse_mask(mask, "black:scream,white:original")
    start = Look(layout.focused_styles, 0.3, True, False, 0.9, True, True, layout)
    with ScriptSaver(tmp_path / "s.toml", start, source="", called=str, report=silent):
        pass
    look = replayed(tmp_path / "s.toml").look_at(0.0)
    assert replace(look, layout=None) == replace(start, layout=None) and look.region_styles == start.region_styles


def test_images_are_named_by_their_files(tmp_path: Path) -> None:
    names = {"wave": "/pictures/my, wave.jpg", "scream": "/pictures/scream.png"}
    start = Look(normalised([("wave", 1.0), ("scream", 1.0)]))
    with ScriptSaver(
        tmp_path / "s.toml", start, source="", called=lambda name: names.get(name, name), report=silent
    ) as saver:
        played(saver, new_show(STYLES, start), ("style", "wave"), ("style", "scream"))
    assert read_script(tmp_path / "s.toml").style_names == tuple(names.values())


def test_no_file_is_replaced(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with ScriptSaver(tmp_path / "s.toml", START, source="", called=str, report=said.append):
            pass
    assert [path.name for path in sorted(tmp_path.glob("*.toml"))] == ["s-2.toml", "s.toml"]
    assert [text.split()[4].endswith(name) for text, name in zip(said, ("/s.toml", "/s-2.toml"), strict=True)]


def test_a_place_that_is_not_there_is_said_before_the_show(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="none does not exist; create it first"):
        ScriptSaver(tmp_path / "none" / "s.toml", START, source="", called=str, report=silent)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to write to")
def test_a_full_disk_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    saver = ScriptSaver(tmp_path / "s.toml", START, source="", called=str, report=said.append)
    wait_until(lambda: "bypass" in (tmp_path / "s.toml").read_text(encoding="utf-8"))
    saver._file.close()
    with Path("/dev/full").open("w", encoding="utf-8") as saver._file, saver:
        played(saver, new_show(STYLES, START), ("style", "scream"), ("alpha", 0.5))
    assert len([text for text in said if "cannot be written (No space left on device)" in text]) == 1


def test_a_script_of_another_bank_says_what_is_missing(tmp_path: Path) -> None:
    with ScriptSaver(tmp_path / "s.toml", START, source="", called=str, report=silent):
        pass
    with pytest.raises(SettingError, match="line 6: style 'wave': not in this show"):
        replayed(tmp_path / "s.toml", styles=("scream",))
