"""The command table: what keys do to the state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livestyle.errors import SettingError
from livestyle.looks.look import Look
from livestyle.looks.style_weights import normalised
from livestyle.show.control import COMMANDS, command_for_key, command_named, help_lines
from livestyle.show.pad import Pad
from livestyle.show.state import Show, move_blend, new_show, pick

STYLES = ("wave", "scream", "mosaic")


@pytest.fixture
def show() -> Show:
    return new_show(STYLES, Look((("wave", 1.0),)), fade_seconds=2.0)


def press(show: Show, key: str, now: float = 100.0) -> Show:
    command = command_for_key(key)
    assert command is not None
    return command.apply(show, now)


def test_pick_crossfades_over_the_fade_time(show: Show) -> None:
    show = press(show, "2", now=10.0)
    assert dict(show.look_at(10.0).weights) == {"wave": 1.0}
    assert dict(show.look_at(10.5).weights) == pytest.approx({"wave": 0.75, "scream": 0.25})
    assert dict(show.look_at(12.0).weights) == {"scream": 1.0}


def test_pick_in_the_middle_of_a_crossfade_goes_on_from_what_is_seen(show: Show) -> None:
    show = press(show, "2", now=10.0)
    show = press(show, "3", now=11.0)
    assert dict(show.look_at(11.0).weights) == pytest.approx({"wave": 0.5, "scream": 0.5})
    assert dict(show.look_at(13.1).weights) == {"mosaic": 1.0}


def test_a_crossfade_of_no_time_is_a_cut(show: Show) -> None:
    show = new_show(STYLES, show.look, fade_seconds=0.0)
    assert dict(press(show, "3", now=5.0).look_at(5.0).weights) == {"mosaic": 1.0}


def test_next_and_previous_go_round(show: Show) -> None:
    assert press(show, "p").picks[1] == "mosaic"
    assert press(press(press(show, "n"), "n"), "n").picks[1] == "wave"


def test_random_picks_another_one(show: Show) -> None:
    assert {press(show, "r").picks[1] for _ in range(50)} == {"scream", "mosaic"}


def test_brackets_blend_the_last_two_picks(show: Show) -> None:
    show = pick(show, "scream", 0.0)
    for _ in range(8):
        show = press(show, "[")
    assert dict(show.look_at(101).weights) == pytest.approx({"scream": 0.6, "wave": 0.4})
    for _ in range(30):
        show = press(show, "[")
    assert dict(show.look_at(101).weights) == {"wave": 1.0}
    for _ in range(50):
        show = press(show, "]")
    assert dict(show.look_at(101).weights) == {"scream": 1.0}


def test_brackets_with_one_pick_say_what_to_do(show: Show) -> None:
    assert "pick two" in move_blend(show, 0.1, 0.0).message


def test_alpha_stays_in_range(show: Show) -> None:
    for _ in range(3):
        show = press(show, "=")
    assert show.look.alpha == 1.0
    for _ in range(30):
        show = press(show, "-")
    assert show.look.alpha == 0.0


@pytest.mark.parametrize(("key", "attribute"), [("c", "preserve_color"), ("m", "mirror"), ("b", "bypass")])
def test_toggles_of_the_look(show: Show, key: str, attribute: str) -> None:
    assert getattr(press(show, key).look, attribute) is True
    assert getattr(press(press(show, key), key).look, attribute) is False


@pytest.mark.parametrize(
    ("key", "attribute"),
    [("space", "frozen"), ("f", "fullscreen"), ("h", "help"), ("?", "help"), ("q", "quitting"), ("esc", "quitting")],
)
def test_toggles_of_the_show(show: Show, key: str, attribute: str) -> None:
    assert getattr(press(show, key), attribute) is True


SWITCHES = ("color", "palette", "mirror", "bypass", "freeze", "shuffle", "record", "fullscreen", "hud", "help", "pad")


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_takes_on_and_off_or_changes_over(name: str) -> None:
    command = command_named(name)
    assert command.value is not None and command.value.optional
    one = command.run(new_show((*STYLES, "scream2"), Look((("wave", 1.0),))), 1.0, "off")
    on, over = command.run(one, 1.0, "on"), command.run(one, 1.0)
    assert on == over != one
    assert command.run(on, 1.0, True) == on
    assert command.run(on, 1.0, "off") == command.run(on, 1.0) == one
    with pytest.raises(SettingError, match=f"{name} 'perhaps': send on or off"):
        command.run(one, 1.0, "perhaps")


def test_a_pad_that_is_on_keeps_its_place(show: Show) -> None:
    pad = Pad(("wave", "scream", "mosaic", "wave"), 0.1, 0.9)
    assert command_named("pad").run(replace(show, pad=pad), 1.0, "on").pad == pad
    assert "needs four styles" in command_named("pad").run(show, 1.0, "on").message


def test_hud_and_snapshot(show: Show) -> None:
    assert press(show, "i").hud is False
    assert press(press(show, "s"), "s").snapshots == 2


def test_fade_time_cycles(show: Show) -> None:
    seen = []
    for _ in range(6):
        show = press(show, "t")
        seen.append(show.fade_seconds)
    assert seen == [4.0, 0.0, 0.5, 1.0, 2.0, 4.0]


def test_a_number_without_a_style_says_so(show: Show) -> None:
    after = press(show, "7")
    assert after.look == show.look
    assert "3 styles" in after.message


def test_every_key_has_one_command_and_is_in_the_help(show: Show) -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    shown = " ".join(keys for keys, _ in help_lines(show)).split()
    implied = {str(n) for n in range(4, 10)} | {f"{shift}f{n}" for n in range(1, 13) for shift in ("", "shift+")}
    assert set(shown) >= set(keys) - implied
    assert "F1 to F12" in dict(help_lines(show))


def test_shift_and_w_make_a_function_key_store(show: Show) -> None:
    for first in ("w", "shift"):
        stored = press(press(show, first, 10.0), "f2", 10.5)
        assert stored.looks == {"F2": show.look} and "F2" in stored.message
        late = press(press(show, first, 10.0), "f2", 20.0)
        assert late.looks == {} and "no look on F2" in late.message
    again = press(press(press(show, "w", 10.0), "f2", 10.1), "f3", 10.2)
    assert list(again.looks) == ["F2"]  # one press stores one look
    assert list(press(show, "shift+f5").looks) == ["F5"]


@pytest.mark.parametrize("first", ["w", "shift"])
@pytest.mark.parametrize("other", ["+", "?", "n", "tab"])
def test_shift_and_w_for_another_key_do_not_make_the_next_function_key_store(
    show: Show, first: str, other: str
) -> None:
    kept = replace(show, looks={"F1": Look((("scream", 1.0),))})
    after = press(press(press(kept, first, 10.0), other, 10.1), "f1", 10.2)
    assert after.looks == kept.looks and after.look == kept.looks["F1"]


def test_a_function_key_crossfades_to_its_look(show: Show) -> None:
    look = Look(normalised([("scream", 0.7), ("mosaic", 0.3)]), alpha=0.6, mirror=True)
    show = press(replace(show, looks={"F1": look}), "f1", 10.0)
    assert show.look == look and show.picks == ("mosaic", "scream")
    assert dict(show.look_at(11.0).weights) == pytest.approx({"wave": 0.5, "scream": 0.35, "mosaic": 0.15})
    assert press(show, "[", 20.0).blend == pytest.approx(0.65)


def test_a_look_with_a_style_that_is_gone_says_so_and_changes_nothing(show: Show) -> None:
    after = press(replace(show, looks={"F1": Look((("gone", 1.0),))}), "f1")
    assert after.look == show.look and after.message == "look F1: there is no style gone"


def test_initial_blend_sets_the_last_two_picks() -> None:
    show = new_show(STYLES, Look(normalised([("wave", 1), ("mosaic", 3)])))
    assert show.picks == ("wave", "mosaic")


def test_a_stored_look_by_its_name(show: Show) -> None:
    command = command_named("look")
    look = Look((("scream", 1.0),), alpha=0.5)
    show = replace(show, looks={"calm sea": look})
    assert command.run(show, 1.0, "calm sea").look == look
    for wrong in ("clam", 3, ["calm sea"]):
        with pytest.raises(SettingError, match="there is calm sea"):
            command.run(show, 1.0, wrong)
    with pytest.raises(SettingError, match="look needs a value: its name"):
        command.run(show, 1.0)
