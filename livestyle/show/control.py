"""The one command table: hotkeys, HTTP, OSC and the help text are read from it.

A command is a pure function from the show's state and the time to a new state, and some take a value. It
does not know about windows, networks or threads; whoever holds the state applies commands to it.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Literal

from livestyle.errors import SettingError, nearest_names
from livestyle.show import values
from livestyle.show.command import Command, switch_command, value_command
from livestyle.show.keys import FUNCTION_KEYS
from livestyle.show.moves import (
    next_region,
    next_view,
    recall_look,
    store_look,
    tap,
    turn_pad,
    turn_shuffle,
)
from livestyle.show.state import Show, move_blend, pick, set_blend

FADE_CHOICES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
STEP = 0.05
STORE_SECONDS = 5.0
"""How long after `w` a function key stores the look that is seen."""
SHIFT_SECONDS = 1.0
"""How long after Shift it does: OpenCV tells neither when Shift goes up nor whether it is held."""


def _step_style(show: Show, step: int, now: float) -> Show:
    current = show.styles.index(show.picks[1]) if show.picks[1] in show.styles else 0
    return pick(show, show.styles[(current + step) % len(show.styles)], now)


def _random_style(show: Show, now: float) -> Show:
    others = [name for name in show.styles if name != show.picks[1]]
    return pick(show, random.choice(others), now) if others else show


def _set_value(show: Show, name: Literal["alpha", "stability"], value: float) -> Show:
    change: dict[str, Any] = {name: value}
    return replace(show, look=replace(show.look, **change), message=f"{name} {value:.2f}")


def _step_value(show: Show, name: Literal["alpha", "stability"], step: float) -> Show:
    return _set_value(show, name, round(min(1.0, max(0.0, getattr(show.look, name) + step)), 2))


def _fade_time(show: Show) -> Show:
    longer = [s for s in FADE_CHOICES_SECONDS if s > show.fade_seconds]
    return _set_fade_time(show, longer[0] if longer else FADE_CHOICES_SECONDS[0])


def _set_fade_time(show: Show, seconds: float) -> Show:
    return replace(show, fade_seconds=seconds, message=f"crossfade {seconds:g} s")


def _number_command(number: int) -> Command:
    def apply(show: Show, now: float) -> Show:
        if number > len(show.styles):
            return replace(show, message=f"there are {len(show.styles)} styles")
        return pick(show, show.styles[number - 1], now)

    return Command(f"style-{number}", (str(number),), f"crossfade to style {number}", apply)


def _look_commands(key: str) -> tuple[Command, Command]:
    name = key.upper()

    def press(show: Show, now: float) -> Show:
        return store_look(show, name) if now < show.storing_until_seconds else recall_look(show, name, now)

    return (
        Command(f"look-{name}", (key,), f"crossfade to look {name}", press),
        Command(f"store-{name}", (f"shift+{key}",), f"store look {name}", lambda s, now: store_look(s, name)),
    )


def _named_look(show: Show, now: float, value: object) -> Show:
    if not isinstance(value, str) or value not in show.looks:
        there = ", ".join(show.looks) or "none yet: F1 to F12 are stored in the window"
        raise SettingError(f"look {values.quoted(value)}: there is {there}")
    return recall_look(show, value, now)


def _look_switch(
    name: str, key: str, help: str, attribute: Literal["preserve_color", "palette", "mirror", "bypass"], label: str
) -> Command:
    def turn(show: Show, on: bool) -> Show:
        change: dict[str, Any] = {attribute: on}
        return replace(show, look=replace(show.look, **change), message=f"{label} {'on' if on else 'off'}")

    return switch_command(name, (key,), help, lambda show: bool(getattr(show.look, attribute)), turn)


def _part_command(name: Literal["alpha", "stability"], help: str) -> Command:
    def apply(show: Show, now: float, value: object) -> Show:
        return _set_value(show, name, values.number(value, name, 0, 1))

    return value_command(name, help, "0 to 1", apply)


def _ending_storing(command: Command) -> Command:
    """Any key but Shift, `w` and the function keys: Shift, or `w`, was not for a function key then."""
    if command.name in ("store", "shift") or command.keys[0].rpartition("+")[2] in FUNCTION_KEYS:
        return command
    return replace(command, apply=lambda show, now: command.apply(replace(show, storing_until_seconds=0.0), now))


COMMANDS: tuple[Command, ...] = (
    *(_number_command(n) for n in range(1, 10)),
    Command("next", ("n",), "next style", lambda s, now: _step_style(s, 1, now)),
    Command("previous", ("p",), "previous style", lambda s, now: _step_style(s, -1, now)),
    Command("random", ("r",), "random style", _random_style),
    Command("blend-older", ("[",), "blend towards the pick before (hold)", lambda s, now: move_blend(s, -STEP, now)),
    Command("blend-newer", ("]",), "blend towards the last pick (hold)", lambda s, now: move_blend(s, STEP, now)),
    Command("alpha-down", ("-",), "less style", lambda s, now: _step_value(s, "alpha", -STEP)),
    Command("alpha-up", ("=", "+"), "more style", lambda s, now: _step_value(s, "alpha", STEP)),
    Command("stability-down", (",",), "less steady", lambda s, now: _step_value(s, "stability", -STEP)),
    Command("stability-up", (".",), "steadier", lambda s, now: _step_value(s, "stability", STEP)),
    Command("fade-time", ("t",), "crossfade time: 0, 0.5, 1, 2, 4 s", lambda s, now: _fade_time(s)),
    _look_switch("color", "c", "keep the camera's colours", "preserve_color", "own colours"),
    _look_switch("palette", "k", "match the style's palette", "palette", "palette"),
    _look_switch("mirror", "m", "mirror", "mirror", "mirror"),
    _look_switch("bypass", "b", "show the camera itself", "bypass", "bypass"),
    switch_command(
        "freeze",
        ("space",),
        "freeze the picture",
        lambda s: s.frozen,
        lambda s, on: replace(s, frozen=on, message="frozen" if on else ""),
    ),
    Command("region", ("tab",), "change the next region's styles", lambda s, now: next_region(s)),
    switch_command("shuffle", ("a",), "autoplay: all styles in random order", lambda s: s.shuffle, turn_shuffle),
    Command("tap", ("o",), "tap the beat that autoplay follows", lambda s, now: tap(s, now)),
    Command("view", ("x",), "painting, beside the original, or a wipe", lambda s, now: next_view(s)),
    switch_command("pad", ("d",), "blend four styles with the mouse", lambda s: s.pad is not None, turn_pad),
    Command("snapshot", ("s",), "save a PNG of the painting", lambda s, now: replace(s, snapshots=s.snapshots + 1)),
    switch_command(
        "record",
        ("v",),
        "record a video, or stop",
        lambda s: s.recording,
        lambda s, on: replace(s, recording=on, message="recording" if on else "recording stopped"),
    ),
    switch_command(
        "fullscreen", ("f",), "full screen", lambda s: s.fullscreen, lambda s, on: replace(s, fullscreen=on)
    ),
    switch_command("hud", ("i",), "show or hide the numbers", lambda s: s.hud, lambda s, on: replace(s, hud=on)),
    switch_command("help", ("?", "h"), "show or hide this help", lambda s: s.help, lambda s, on: replace(s, help=on)),
    *(command for key in FUNCTION_KEYS for command in _look_commands(key)),
    Command(
        "store",
        ("w",),
        "store this look: then F1 to F12",
        lambda s, now: replace(s, storing_until_seconds=now + STORE_SECONDS, message="F1 to F12 stores this look"),
    ),
    Command(
        "shift",
        ("shift",),
        "shift F1 to F12: the same",
        lambda s, now: replace(s, storing_until_seconds=now + SHIFT_SECONDS),
    ),
    Command("quit", ("q", "esc"), "quit", lambda s, now: replace(s, quitting=True)),
    value_command(
        "style",
        "crossfade to a style",
        "its name",
        lambda s, now, value: pick(s, values.style_name(value, s.styles), now),
    ),
    value_command(
        "blend",
        "crossfade to a blend",
        "wave:0.7,scream:0.3",
        lambda s, now, value: set_blend(s, values.style_weights(value, s.styles), now),
    ),
    value_command("look", "crossfade to a stored look", "its name", _named_look),
    _part_command("alpha", "degree of style"),
    _part_command("stability", "how steady"),
    value_command(
        "fade",
        "crossfade time",
        "0 to 60 seconds",
        lambda s, now, value: _set_fade_time(s, values.number(value, "crossfade time", 0, 60)),
    ),
)

_BY_NAME = {command.name: command for command in COMMANDS}
_BY_KEY = {key: _ending_storing(command) for command in COMMANDS for key in command.keys}


def command_for_key(key: str) -> Command | None:
    """The command on a key, if any."""
    return _BY_KEY.get(key)


def command_named(name: str) -> Command:
    """The command of that name. Raises SettingError with the nearest names."""
    command = _BY_NAME.get(name)
    if command is None:
        nearest = nearest_names(name, list(_BY_NAME))
        raise SettingError(f"command {values.quoted(name)}: there is none of that name; nearest: {nearest}")
    return command


def help_lines(show: Show) -> list[tuple[str, str]]:
    """(keys, what they do) for the help overlay; the number keys with their styles."""
    numbers = [(str(n), name) for n, name in enumerate(show.styles[:9], 1)]
    others = [c for c in COMMANDS if c.keys and not c.name.startswith(("style-", "look-", "store-"))]
    return [*numbers, *((" ".join(c.keys), c.help) for c in others), ("F1 to F12", "crossfade to a stored look")]
