"""Autoplay: crossfades through all styles in random order, by the clock or on the beat.

It changes a show as a person does, with `pick`; when a person picks or blends, it waits for one interval.
"""

from __future__ import annotations

import random

from livestyle.looks.style_weights import StyleWeights
from livestyle.show.state import Show, pick
from livestyle.show.tempo import change_interval, next_change


class Shuffle:
    """To be called with the show's state again and again."""

    def __init__(self, order: random.Random | None = None) -> None:
        self._order = order or random.Random()
        self._bag: list[str] = []
        self._due_seconds: float | None = None
        self._expected: StyleWeights = ()
        self._taps: tuple[float, ...] = ()

    def __call__(self, show: Show, now_seconds: float) -> Show:
        """The state, with the next crossfade started when its time has come."""
        if not show.shuffle or len(show.styles) < 2:
            self._due_seconds = None
            return show
        if self._due_seconds is None or show.look.weights != self._expected:
            self._wait(show, now_seconds)
        elif show.taps != self._taps:
            self._due_seconds = next_change(show.taps, show.shuffle_seconds, now_seconds + 0.5 * self._step(show))
        elif now_seconds >= self._due_seconds:
            show = pick(show, self._next(show), now_seconds)
            self._wait(show, now_seconds if now_seconds > self._due_seconds + self._step(show) else self._due_seconds)
        self._taps = show.taps
        return show

    def _step(self, show: Show) -> float:
        return change_interval(show.taps, show.shuffle_seconds)

    def _wait(self, show: Show, since_seconds: float) -> None:
        self._due_seconds = next_change(show.taps, show.shuffle_seconds, since_seconds + self._step(show))
        self._expected = show.look.weights

    def _next(self, show: Show) -> str:
        """A style that is not on now; all have been before one comes again."""
        self._bag = [name for name in self._bag if name in show.styles]
        if not self._bag or self._bag == [show.picks[1]]:
            self._bag = self._order.sample(show.styles, len(show.styles))
        name = next(name for name in self._bag if name != show.picks[1])
        self._bag.remove(name)
        return name
