"""What the soak sends: random commands that a person could send, one at a time, for one of several controllers.

What would leave nothing to measure (a frozen picture, the camera itself) or fill a disk (a recording) is turned off
again after some seconds, and rare is what makes files. It knows no network and no window: `Order` says what to do.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from livestyle.show.command import Command
from livestyle.show.control import COMMANDS

KEPT_SECONDS = {"freeze": 4.0, "bypass": 6.0, "record": 12.0}
"""For how long a switch that is turned on stays so, at most."""
NEVER = ("quit",)
RARE = {"snapshot": 0.1, "record": 0.5}
"""How likely a command is; the others have 1."""
FEWER_LOOKS = 1 / 12
"""So likely is each command of the twelve function keys."""


@dataclass(frozen=True)
class Order:
    """A command for a controller; key: what the keyboard presses. value: None is no value."""

    controller: str
    name: str
    key: str = ""
    value: object = None


class Orders:
    """One order after another."""

    def __init__(self, controllers: Sequence[str], styles: Sequence[str], draw: random.Random) -> None:
        """controllers: some of "keys", "http", "osc", with at least one that is not keys."""
        self._controllers, self._styles, self._draw = tuple(controllers), tuple(styles), draw
        self._off_at: dict[str, float] = {}

    def next(self, now_seconds: float) -> Order:
        """The next order: a switch to turn off when its time has come, a random one otherwise."""
        due = [name for name, at in self._off_at.items() if now_seconds >= at]
        if due:
            del self._off_at[due[0]]
            return self._off(due[0])
        controller = self._draw.choice(self._controllers)
        here = [c for c in COMMANDS if c.name not in NEVER and (c.keys or controller != "keys")]
        command = self._draw.choices(here, [_likely(c) for c in here])[0]
        if command.name in KEPT_SECONDS:
            self._off_at.setdefault(command.name, now_seconds + KEPT_SECONDS[command.name])
        if controller == "keys":
            return Order(controller, command.name, key=self._draw.choice(command.keys))
        return Order(controller, command.name, value=self._value(command))

    def all_off(self) -> list[Order]:
        """Orders that end what may be on."""
        self._off_at.clear()
        return [self._off(name) for name in KEPT_SECONDS]

    def _off(self, name: str) -> Order:
        return Order(self._draw.choice([c for c in self._controllers if c != "keys"]), name, value="off")

    def _value(self, command: Command) -> object:
        """One that the command takes, or None where it may be left out."""
        if command.value is None or (command.value.optional and self._draw.random() < 0.5):
            return None
        if command.value.optional:
            return self._draw.choice(("on", "off"))
        if command.name == "style":
            return self._draw.choice(self._styles)
        if command.name == "blend":
            return ",".join(f"{name}:{self._draw.uniform(0.1, 1):.2f}" for name in self._draw.sample(self._styles, 2))
        if command.name == "fade":
            return round(self._draw.uniform(0, 3), 2)
        return round(self._draw.random(), 2)


def _likely(command: Command) -> float:
    if command.name == "look":  # only a look that somebody has stored
        return 0.0
    if command.name.startswith(("look-", "store-")):
        return FEWER_LOOKS
    return RARE.get(command.name, 1.0)
