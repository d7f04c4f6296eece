"""How a cue is written: a table of a script's TOML file, with a look's keys and the names of commands.

    [[cue]]
    at = "00:12.5"                         # or 12.5, or "1:02:03.25"
    style = "wave"                         # or blend, look, regions: what to crossfade to
    fade = 2                               # seconds of this crossfade
    [[cue]]
    at = 20
    alpha = 0.3                            # a command that takes a value, by its name
    over = 4                               # seconds that alpha and stability take to get there
    do = "mirror"                          # a command without a value, or a list of them

Everything about a cue that can be said without the show that it is for is checked here. Styles and stored looks
are looked up, and values of commands checked, when it is played.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import time as TimeOfDay
from typing import Any

from livestyle.errors import SettingError, nearest_names
from livestyle.looks.masks import Layout
from livestyle.looks.style_weights import StyleWeights, normalised, parse_style_weights
from livestyle.looks.tables import REGION_KEYS, Place, read_number, read_regions, read_weight
from livestyle.script.cues import STEPS, Cue, region_named
from livestyle.show import values
from livestyle.show.control import COMMANDS

RAMPED = ("alpha", "stability")
SETTINGS = (*RAMPED, "color", "palette", "mirror", "bypass")
TARGETS = ("style", "blend", "look", "regions")
KEYS = ("at", *TARGETS, "fade", *SETTINGS, "over", "do", "edge", "mask", "focus")
STEPS_AT_ONCE = ("blend-older", "blend-newer", "alpha-down", "alpha-up", "stability-down", "stability-up", "region")
DO = (*STEPS, *STEPS_AT_ONCE, "color", "palette", "mirror", "bypass")
"""Commands that, without a value, do the same to a look each time. The rest is for a show with a person."""
LONGEST_OVER_SECONDS = 86_400.0
HOW_AT = 'write seconds, or minutes and hours in quotes, as in at = 12.5, at = "00:12.5" or at = "1:02:03.25"'


def read_cue(table: Mapping[str, Any], place: Place) -> Cue:
    """A cue as written. Raises SettingError with its line."""
    for key in table:
        with place.at(key):
            _check_key(key)
    with place.at("at"):
        at_seconds = parse_at(table.get("at"))
    targets = [key for key in TARGETS if key in table and table[key] != {}]
    with place.at(targets[-1] if targets else "at"):
        if len(targets) > 1:
            raise SettingError(f"{' and '.join(targets)} exclude each other: give one of them")
    with place.at("do"):
        do = _commands(table.get("do", ()))
    with place.at("focus"):
        focus = _text(table, "focus")
    with place.at("look"):
        look = _text(table, "look")
    unsplit = table.get("regions") == {}
    with place.at("regions", *REGION_KEYS):
        layout = _layout(table, place, focus)
    with place.at("style", "blend"):
        styles = _styles(table)
    with place.at("edge"):
        edge = read_number(table, "edge", 0.5) if layout is None and "edge" in table else None
    cue = Cue(
        at_seconds=at_seconds,
        place=place,
        styles=styles,
        layout=layout,
        look=look,
        unsplit=unsplit,
        edge=edge,
        focus=None if layout else focus,
        settings=tuple((name, table[name]) for name in SETTINGS if name in table),
        do=do,
        fade_seconds=_seconds(table, place, "fade", 60),
        over_seconds=_seconds(table, place, "over", LONGEST_OVER_SECONDS),
    )
    with place.at("fade"):
        if cue.fade_seconds is not None and not cue.crossfades:
            raise SettingError(f"fade {cue.fade_seconds:g}: nothing crossfades here; give {', '.join(TARGETS)} too")
    with place.at("over"):
        if cue.over_seconds is not None and not set(RAMPED) & set(table):
            raise SettingError(f"over {cue.over_seconds:g}: only {' and '.join(RAMPED)} take time; give one of them")
    return cue


def parse_at(value: object) -> float:
    """A moment in seconds, from 12.5, "12.5", "00:12.5" or "1:02:03.25". Raises SettingError."""
    if value is None:
        raise SettingError(f"a cue without at: {HOW_AT}")
    if isinstance(value, TimeOfDay):
        value = value.isoformat()
    parts = [str(value)] if isinstance(value, (int, float)) and not isinstance(value, bool) else _parts(value)
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    seconds: float = sum(number * 60.0**power for power, number in enumerate(reversed(numbers)))
    if not numbers or not math.isfinite(seconds) or seconds < 0 or any(number >= 60 for number in numbers[1:]):
        raise SettingError(f"at {values.quoted(value)}: {HOW_AT}; 0 or more")
    return seconds


def _parts(value: object) -> list[str]:
    found = re.fullmatch(r"\s*(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)\s*", value) if isinstance(value, str) else None
    return [part for part in found.groups() if part is not None] if found else []


def _check_key(key: str) -> None:
    if key in KEYS:
        return
    if key in DO:
        raise SettingError(f"{key} takes no value: write do = {key!r}")
    _check_command(key)
    raise SettingError(f"{key!r} in a cue; nearest: {nearest_names(key, KEYS)}; choose {', '.join(KEYS)}")


def _check_command(name: str) -> None:
    """Refuse a command of a show that no cue may do."""
    if name in {command.name for command in COMMANDS} and name not in KEYS:
        raise SettingError(
            f"{name} is for a person at a show, not for scripts: choose {', '.join(KEYS)}; do: {', '.join(DO)}"
        )


def _commands(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise SettingError(f'do {values.quoted(value)}: write do = "mirror" or do = ["mirror", "next"]')
    for name in names:
        if name in DO:
            continue
        if name in KEYS:
            raise SettingError(f"do {name!r}: it needs a value; write {name} = ... instead")
        _check_command(name)
        raise SettingError(f"do {values.quoted(name)}: choose {', '.join(DO)}")
    return tuple(names)


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise SettingError(f"{key} {values.quoted(value)}: write a name in quotes")
    return value


def _layout(table: Mapping[str, Any], place: Place, focus: str | None) -> Layout | None:
    if "regions" not in table or table["regions"] == {}:
        if "mask" in table:
            raise SettingError('mask needs regions, as in regions = {black = "wave", white = "original"}')
        return None
    layout = read_regions({key: table[key] for key in REGION_KEYS if key in table}, place.folder)
    if layout is None or focus is None:
        return layout
    return layout.focused(region_named(layout, focus), layout.focused_styles)[0]


def _styles(table: Mapping[str, Any]) -> StyleWeights:
    """Of `style` or `blend`, which take the same; none where neither is there."""
    value = table.get("style", table.get("blend"))
    if value is None:
        return ()
    if isinstance(value, str):
        return parse_style_weights(value)
    if isinstance(value, Mapping):
        return normalised((name, read_weight(name, weight)) for name, weight in value.items())
    raise SettingError(
        f'style {values.quoted(value)}: write "wave", "wave:0.7,scream:0.3" or {{wave = 0.7, scream = 0.3}}'
    )


def _seconds(table: Mapping[str, Any], place: Place, key: str, most: float) -> float | None:
    with place.at(key):
        return values.number(table[key], key, 0, most) if key in table else None
