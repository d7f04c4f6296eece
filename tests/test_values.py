"""Values of commands, as text and as JSON has them."""

from __future__ import annotations

import math

import pytest

from livestyle.errors import SettingError
from livestyle.looks.look import Look
from livestyle.show import values
from livestyle.show.control import COMMANDS, command_named
from livestyle.show.state import new_show

STYLES = ("wave", "scream", "mosaic")


@pytest.mark.parametrize("value", [0.5, "0.5", " 0.5 ", "5e-1"])
def test_a_number_may_be_text(value: object) -> None:
    assert values.number(value, "alpha", 0, 1) == 0.5


@pytest.mark.parametrize(
    "value", [math.nan, "nan", "inf", -0.01, 1.01, "", "half", None, True, [0.5], 10**400, "9" * 999]
)
def test_what_is_no_such_number_is_said_in_one_short_line(value: object) -> None:
    with pytest.raises(SettingError) as error:
        values.number(value, "alpha", 0, 1)
    assert "send a number, 0 to 1" in str(error.value)
    assert len(str(error.value)) < 150 and "\n" not in str(error.value)


@pytest.mark.parametrize(("value", "on"), [("on", True), ("OFF", False), (True, True), (0, False), (1.0, True)])
def test_switches(value: object, on: bool) -> None:
    assert values.switch(value, "record") is on


def test_a_blend_is_text_or_an_object() -> None:
    assert values.style_weights("wave:1,scream:3", STYLES) == values.style_weights({"wave": 1, "scream": "3"}, STYLES)
    for bad in ("", "wave:x", {"wave": math.inf}, {"wave": None}, ["wave"], 3, "/etc/passwd"):
        with pytest.raises(SettingError):
            values.style_weights(bad, STYLES)


def test_a_blend_can_be_moved_on_with_the_brackets() -> None:
    show = new_show(STYLES, Look((("wave", 1.0),)), fade_seconds=0.0)
    show = command_named("blend").run(show, 0.0, {"wave": 1, "scream": 2, "mosaic": 1})
    assert show.picks[1] == "scream" and show.blend == pytest.approx(2 / 3)
    show = command_named("blend").run(show, 1.0, "wave:3,scream:1")
    show = command_named("blend-older").run(show, 2.0)
    assert dict(show.look.weights) == pytest.approx({"scream": 0.3, "wave": 0.7})


def test_a_command_knows_whether_it_takes_a_value() -> None:
    show = new_show(STYLES, Look((("wave", 1.0),)))
    for command in COMMANDS:
        if command.value is None:
            with pytest.raises(SettingError, match="takes no value"):
                command.run(show, 0.0, 1)
        elif not command.value.optional:
            assert not command.keys
            with pytest.raises(SettingError, match="needs a value"):
                command.run(show, 0.0)
    assert command_named("record").run(show, 0.0).recording is command_named("record").run(show, 0.0, "on").recording
