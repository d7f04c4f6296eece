"""What a command is: a name, its keys, what it does to the show's state, and the value it may take.

It does not know which commands there are: `livestyle.show.control` has the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from livestyle.errors import SettingError
from livestyle.show.state import Show
from livestyle.show.values import quoted, switch


@dataclass(frozen=True)
class Value:
    """What a command takes with its name. help: what is allowed, in a few words."""

    help: str
    apply: Callable[[Show, float, object], Show] = field(repr=False)
    """Checks the value too. Raises SettingError."""
    optional: bool = False


@dataclass(frozen=True)
class Command:
    """One thing a person can do. keys: as `key_name` gives them; none for one that needs a value."""

    name: str
    keys: tuple[str, ...]
    help: str
    apply: Callable[[Show, float], Show] = field(repr=False)
    value: Value | None = None

    def run(self, show: Show, now_seconds: float, value: object = None) -> Show:
        """The state after the command; None is no value. Raises SettingError."""
        if value is None:
            return self.apply(show, now_seconds)
        if self.value is None:
            raise SettingError(f"{self.name} takes no value, and {quoted(value)} came: leave it out")
        return self.value.apply(show, now_seconds, value)


def value_command(name: str, help: str, allowed: str, apply: Callable[[Show, float, object], Show]) -> Command:
    """A command without a key, as it cannot do without its value."""

    def without(show: Show, now: float) -> Show:
        raise SettingError(f"{name} needs a value: {allowed}")

    return Command(name, (), help, without, Value(allowed, apply))


def switch_command(
    name: str, keys: tuple[str, ...], help: str, is_on: Callable[[Show], bool], turn: Callable[[Show, bool], Show]
) -> Command:
    """A command that changes over, or does as its value says: on or off."""
    return Command(
        name,
        keys,
        help,
        lambda show, now: turn(show, not is_on(show)),
        Value("on or off", lambda show, now, value: turn(show, switch(value, name)), optional=True),
    )
