"""Scripts: looks over time as pure functions of it, cues as a person writes them, and what is said of mistakes."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import SettingError, SourceError
from livestyle.looks.look import Look
from livestyle.looks.masks import Split
from livestyle.script.cue_tables import DO, KEYS, parse_at
from livestyle.script.script import Timeline, read_script, timeline, unchanging
from livestyle.show.command import Command
from livestyle.show.control import COMMANDS
from livestyle.show.state import new_show

STYLES = ("wave", "scream", "mosaic", "dragon")
WAVE = Look((("wave", 1.0),))
CALM = Look((("mosaic", 1.0),), alpha=0.4, mirror=True)
Plan = Callable[..., Timeline]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Makes a script's text into a Timeline of a show that begins with wave and knows a look `calm`."""

    def make(text: str, start: Look = WAVE) -> Timeline:
        path = tmp_path / "cues.toml"
        path.write_text(text, encoding="utf-8")
        return timeline(read_script(path), new_show(STYLES, start, looks={"calm": CALM}))

    return make


def weights(plan: Timeline, at_seconds: float) -> dict[str, float]:
    return dict(plan.look_at(at_seconds).weights)


def test_a_crossfade_begins_at_its_cue_and_takes_its_time(plan: Plan) -> None:
    made = plan('[[cue]]\nat = "00:12.5"\nstyle = "scream"\nfade = 2\n')
    assert weights(made, 12.499) == {"wave": 1.0}
    assert weights(made, 13.0) == pytest.approx({"wave": 0.75, "scream": 0.25})
    assert weights(made, 14.5) == weights(made, 1e6) == {"scream": 1.0}


def test_a_crossfade_takes_a_second_or_what_the_script_says_once_for_all(plan: Plan) -> None:
    cue = "[[cue]]\nat = 1\nblend = {scream = 3, mosaic = 1}\n"
    assert weights(plan(cue), 1.5) == pytest.approx({"wave": 0.5, "scream": 0.375, "mosaic": 0.125})
    assert weights(plan("fade = 4\n" + cue), 3.0) == weights(plan(cue), 1.5)
    assert weights(plan('fade = 0\n[[cue]]\nat = 1\nstyle = "scream:0.5,mosaic:0.5"'), 1.0) == {
        "scream": 0.5,
        "mosaic": 0.5,
    }


def test_a_cue_in_a_crossfade_goes_on_from_what_is_seen_and_leaves_its_pace_alone(plan: Plan) -> None:
    made = plan(
        '[[cue]]\nat = 0\nstyle = "scream"\nfade = 4\n[[cue]]\nat = 1\nmirror = true\n'
        '[[cue]]\nat = 2\nstyle = "mosaic"\nfade = 0.5\n'
    )
    assert weights(made, 1.5) == pytest.approx({"wave": 0.625, "scream": 0.375})
    assert weights(made, 2.25) == pytest.approx({"wave": 0.25, "scream": 0.25, "mosaic": 0.5})


def test_a_ramp_goes_straight_from_what_is_to_what_is_said(plan: Plan) -> None:
    made = plan('[[cue]]\nat = 20\nalpha = 0.3\nover = 4\n[[cue]]\nat = 22\nstyle = "scream"\n')
    alphas = [made.look_at(t).alpha for t in (19, 20, 21, 22, 23, 24, 30)]
    assert alphas == pytest.approx([1, 1, 0.825, 0.65, 0.475, 0.3, 0.3])
    assert weights(made, 23) == {"scream": 1.0}


@pytest.mark.parametrize("cue", ["alpha = 0.9", 'look = "calm"', 'do = "alpha-up"', "stability = 0\nalpha = 0.9"])
def test_a_ramp_ends_where_a_cue_says_something_else(plan: Plan, cue: str) -> None:
    made = plan(f"[[cue]]\nat = 0\nalpha = 0.5\nover = 10\n[[cue]]\nat = 5\n{cue}\n")
    after = {"alpha = 0.9": 0.9, 'look = "calm"': 0.4, 'do = "alpha-up"': 0.8}.get(cue, 0.9)
    assert [made.look_at(t).alpha for t in (4.999, 5, 10)] == pytest.approx([0.75, after, after], abs=1e-3)


def test_a_ramp_can_follow_a_ramp_and_two_can_run_at_once(plan: Plan) -> None:
    made = plan(
        "[[cue]]\nat = 0\nalpha = 0\nstability = 1\nover = 2\n[[cue]]\nat = 1\nalpha = 1\nover = 2\n"
        "[[cue]]\nat = 9\ndo = 'mirror'"
    )
    assert [made.look_at(t).alpha for t in (1, 2, 3, 9)] == pytest.approx([0.5, 0.75, 1, 1])
    assert [made.look_at(t).stability for t in (0, 1, 2, 9)] == pytest.approx([0.5, 0.75, 1, 1])


def test_looks_regions_and_switches(plan: Plan) -> None:
    made = plan(
        '[[cue]]\nat = 1\nlook = "calm"\nfade = 0\n[[cue]]\nat = 2\ncolor = "on"\nmirror = false\nbypass = true\n'
        '[[cue]]\nat = 3\nregions = {left = "scream", right = {wave = 1, dragon = 3}}\nedge = 0.3\nfocus = "right"\n'
        '[[cue]]\nat = 5\nedge = 0.6\nstyle = "mosaic"\nfade = 0\n[[cue]]\nat = 6\nfocus = "left"\n'
        '[[cue]]\nat = 7\nstyle = "dragon"\nregions = {}\nfade = 0\n'
    )
    assert made.look_at(1) == CALM
    look = made.look_at(2)
    assert (look.preserve_color, look.mirror, look.bypass, look.alpha) == (True, False, True, 0.4)
    look = made.look_at(4)
    assert not look.bypass and look.region_styles == ((("scream", 1.0),), (("wave", 0.25), ("dragon", 0.75)))
    assert dict(made.look_at(3.5).region_styles[1] or ()) == pytest.approx(
        {"mosaic": 0.5, "wave": 0.125, "dragon": 0.375}
    )
    look = made.look_at(5)
    assert look.region_styles == ((("scream", 1.0),), (("mosaic", 1.0),))
    assert look.layout is not None and look.layout.area == Split("x", 0.6)
    assert made.look_at(6).weights == (("scream", 1.0),)
    assert made.look_at(7).layout is None and made.look_at(7).weights == (("dragon", 1.0),)


def test_commands_without_a_value_are_those_of_the_keys(plan: Plan) -> None:
    made = plan("fade = 0\n[[cue]]\nat = 1\ndo = ['next', 'next', 'blend-older', 'alpha-down', 'mirror']\n")
    look = made.look_at(1)
    assert (round(look.alpha, 2), look.mirror) == (0.95, True)
    assert dict(look.weights) == pytest.approx({"mosaic": 0.95, "scream": 0.05})


def test_the_look_of_a_moment_does_not_depend_on_what_was_asked_before(plan: Plan) -> None:
    text = "".join(
        f'[[cue]]\nat = {n}\nstyle = "{STYLES[n % 4]}"\nfade = 1.5\nalpha = {n % 10 / 10}\nover = 0.7\n'
        for n in range(2000)
    )
    made = plan(text)
    times = [n * 0.37 for n in range(5400)]
    looks = [made.look_at(t) for t in times]
    sent = pickle.loads(pickle.dumps(made))
    shuffled = list(enumerate(times))
    random.Random(1).shuffle(shuffled)
    assert all(sent.look_at(t) == looks[n] for n, t in shuffled)


def test_no_script_is_one_look() -> None:
    assert unchanging(CALM).look_at(0) is unchanging(CALM).look_at(99) is CALM


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(12.5, 12.5), (0, 0), ("12.5", 12.5), ("00:12.5", 12.5), ("1:02:03.25", 3723.25), ("90", 90), ("75:00", 4500)],
)
def test_moments_are_written_in_several_ways(written: object, seconds: float) -> None:
    assert parse_at(written) == seconds


def test_a_time_without_quotes_is_understood_where_toml_has_it(plan: Plan) -> None:
    assert plan("[[cue]]\nat = 01:02:03.25\nmirror = true\n").times == (3723.25,)


def test_images_beside_the_script_are_styles(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "cues.toml").write_text(
        '[[cue]]\nat = 0\nstyle = "a.png:1,wave:1"\nfade = 0\n'
        '[[cue]]\nat = 1\nregions = {left = "b.png", right = "wave"}\nfade = 0\n',
        encoding="utf-8",
    )
    asked = []

    def resolve(name: str, folder: Path) -> str:
        asked.append((name, folder))
        return {"a.png": "mosaic", "b.png": "dragon"}.get(name, name)

    made = timeline(read_script(tmp_path / "cues.toml").with_styles(resolve), new_show(STYLES, CALM))
    assert dict(made.look_at(0).weights) == {"mosaic": 0.5, "wave": 0.5}
    assert made.look_at(1).region_styles[0] == (("dragon", 1.0),)
    assert asked == [(name, tmp_path) for name in ("a.png", "wave", "b.png")]


def test_a_mask_beside_the_script(tmp_path: Path, plan: Plan) -> None:
    Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 3).reshape(1, 2, 3)).save(tmp_path / "mask.png")
    cue = '[[cue]]\nat = 0\nmask = "mask.png"\nregions = {black = "original", white = "scream"}\nfade = 0\n'
    assert plan(cue).look_at(0).region_styles == (None, (("scream", 1.0),))


MISTAKES = {
    "unknown style": ("[[cue]]\nat = 0\nstyle = 'weave'", "line 3: style 'weave': not in this show; nearest: wave"),
    "unknown style in a blend": ("[[cue]]\nat = 0\n\nblend = 'wave:1,x:1'", "line 4: style 'x': not in this show"),
    "unknown style in a region": ("[[cue]]\nat = 0\nregions = {left = 'x', right = 'wave'}", "line 3: style 'x'"),
    "unknown look": ("[[cue]]\nat = 0\nlook = 'clam'", "line 3: look 'clam': there is calm"),
    "unknown key": ("[[cue]]\nat = 0\nalhpa = 1", "line 3: 'alhpa' in a cue; nearest: alpha.*choose at, style"),
    "unknown key above": ("fad = 1\n[[cue]]\nat = 0\nalpha = 1", "line 1: 'fad' outside a cue: choose fade"),
    "value": ("[[cue]]\nat = 0\nalpha = 1.5", "line 3: alpha 1.5: send a number, 0 to 1"),
    "switch": ("[[cue]]\nat = 0\nmirror = 'left'", "line 3: mirror 'left': send on or off"),
    "no time": ("\n[[cue]]\nalpha = 1", "line 2: a cue without at: write seconds"),
    "negative time": ("[[cue]]\nat = -1\nalpha = 1", "line 2: at -1: .*0 or more"),
    "no time at all": ("[[cue]]\nat = '12:75'\nalpha = 1", "line 2: at '12:75': write seconds, or minutes"),
    "endless time": ("[[cue]]\nat = inf\nalpha = 1", "line 2: at inf"),
    "times out of order": (
        "[[cue]]\nat = 5\nalpha = 1\n[[cue]]\nat = 4.5\nalpha = 0",
        "line 5: at 4.5 s is before the last cue's 5 s: sort them",
    ),
    "two targets": ("[[cue]]\nat = 0\nstyle = 'wave'\nlook = 'calm'", "line 4: style and look exclude each other"),
    "fade of nothing": ("[[cue]]\nat = 0\nalpha = 1\nfade = 1", "line 4: fade 1: nothing crossfades here; give style"),
    "long fade": ("[[cue]]\nat = 0\nstyle = 'wave'\nfade = 61", "line 4: fade 61: send a number, 0 to 60"),
    "over of nothing": ("[[cue]]\nat = 0\nstyle = 'wave'\nover = 1", "line 4: over 1: only alpha and stability take"),
    "do with a value": ("[[cue]]\nat = 0\ndo = 'alpha'", "line 3: do 'alpha': it needs a value; write alpha = ..."),
    "key without a value": ("[[cue]]\nat = 0\nnext = 1", "line 3: next takes no value: write do = 'next'"),
    "do that is none": ("[[cue]]\nat = 0\ndo = ['mirror', 'jump']", "line 3: do 'jump': choose next, previous"),
    "do of a number": ("[[cue]]\nat = 0\ndo = 3", "line 3: do 3: write do = "),
    "do without effect": ("[[cue]]\nat = 0\ndo = 'region'", "line 3: do 'region' changes nothing .* no regions"),
    "edge without a split": ("[[cue]]\nat = 0\nedge = 0.5", "line 3: edge 0.5: there is no split"),
    "focus without regions": ("[[cue]]\nat = 0\nfocus = 'left'", "line 3: focus 'left': there are no regions"),
    "focus on the photograph": (
        "[[cue]]\nat = 0\nfocus = 'left'\nregions = {left = 'original', right = 'wave'}",
        "line 4: focus 'left': choose a region with a style: right",
    ),
    "mask without regions": ("[[cue]]\nat = 0\nmask = 'm.png'", "line 3: mask needs regions"),
    "mask that is not there": (
        "[[cue]]\nat = 0\nregions = {black = 'wave', white = 'wave'}\nmask = 'm.png'",
        "line 3: .*m.png: no such file",
    ),
    "weight": ("[[cue]]\nat = 0\nblend = {wave = 'x'}", "line 3: weight 'x' of style 'wave'"),
    "style of a number": ("[[cue]]\nat = 0\nstyle = 3", 'line 3: style 3: write "wave"'),
    "no cues": ("fade = 1", "line 1: a script needs cues: begin each with"),
    "cues in one line": ("cue = [{at = 0, alpha = 1}]", "line 1: write each cue as a table of its own"),
    "no TOML": ("[[cue]]\nat = 00:12.5\n", r"\(at line 2, column \d+\): texts are in quotes, as in at = "),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(plan: Plan, tmp_path: Path, case: str) -> None:
    text, said = MISTAKES[case]
    with pytest.raises((SettingError, SourceError), match=said) as error:
        plan(text)
    assert str(tmp_path / "cues.toml") in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.name not in (*KEYS, *DO)], ids=lambda c: c.name)
def test_commands_for_a_person_at_a_show_are_refused(plan: Plan, command: Command) -> None:
    for text in (f"do = '{command.name}'", f"{command.name} = 1"):
        with pytest.raises(SettingError, match=f"line 3: {command.name} is for a person at a show, not for scripts"):
            plan(f"[[cue]]\nat = 0\n{text}")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"script .*none.toml cannot be read \(.*\): give a TOML file"):
        read_script(tmp_path / "none.toml")
