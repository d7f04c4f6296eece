"""Checks the values that commands take: what a person, a program or a MIDI desk sends, as what a command needs.

Text and JSON come here alike: 0.5 and "0.5" are the same number. Every refusal is a SettingError with the
value, what is allowed and the nearest. It knows no files: a style must be one of the show's own, so nobody
on the network can make the program read a path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from livestyle.errors import SettingError, nearest_names
from livestyle.looks.style_weights import StyleWeights, normalised, parse_style_weights

_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
SHOWN_CHARACTERS = 60
"""A refused value is quoted up to this length."""


def quoted(value: object) -> str:
    """The value as a message names it: on one line, and not longer than a line."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def number(value: object, name: str, low: float, high: float) -> float:
    """A finite number between two limits. Raises SettingError."""
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        result = float(value)
        if not (math.isfinite(result) and low <= result <= high):
            raise ValueError
    except (ValueError, OverflowError):
        raise SettingError(f"{name} {quoted(value)}: send a number, {low:g} to {high:g}") from None
    return result


def switch(value: object, name: str) -> bool:
    """On or off. Raises SettingError."""
    text = str(int(value)) if isinstance(value, float) and value in (0, 1) else str(value).lower()
    if text not in _SWITCH:
        raise SettingError(f"{name} {quoted(value)}: send on or off, or no value to change over")
    return _SWITCH[text]


def style_name(value: object, known: Sequence[str]) -> str:
    """The name of one of the show's styles. Raises SettingError."""
    if isinstance(value, str) and value in known:
        return value
    nearest = nearest_names(value, known) if isinstance(value, str) else ", ".join(known[:5])
    raise SettingError(f"style {quoted(value)}: not in this show; nearest: {nearest}")


def style_weights(value: object, known: Sequence[str]) -> StyleWeights:
    """A blend of the show's styles, from {"wave": 0.7, "scream": 0.3} or "wave:0.7,scream:0.3".

    Raises SettingError.
    """
    if isinstance(value, Mapping):
        weights = normalised((str(name), number(w, f"weight of {name!s:.40}", 0, 1e6)) for name, w in value.items())
    elif isinstance(value, str):
        weights = parse_style_weights(value)
    else:
        raise SettingError(f"blend {quoted(value)}: send wave:0.7,scream:0.3 or an object of names and weights")
    for name, _ in weights:
        style_name(name, known)
    return weights
