"""Plays a script in a live show, as a person would with commands; keys and remote control work beside it.

Times are those of the source, as in a file: of a camera they count from its first frame. A source that is played in
a loop goes on counting, so a script is played once.
"""

from __future__ import annotations

from dataclasses import replace

from livestyle.errors import SettingError
from livestyle.live.engine_thread import Finished
from livestyle.script.script import Moment, Ramp, Script, ramped
from livestyle.show.state import Show


class Prompter:
    """To be called with the show's state again and again; `painted` is to be told of its paintings."""

    def __init__(self, script: Script) -> None:
        """script: with the styles of the show."""
        self._fade_seconds = script.fade_seconds
        self._coming = list(reversed(script.cues))
        self._zero_seconds: float | None = None
        """When the source's time was 0, on the show's clock."""
        self._ramps: tuple[Ramp, ...] = ()
        self._set: dict[str, float] = {}
        """What the ramps have set; where the look says otherwise somebody has taken over."""

    def painted(self, finished: Finished) -> None:
        """A sink: learn what time it is in the source."""
        self._zero_seconds = finished.frame.grabbed_at - float(finished.frame.pts_seconds)

    def __call__(self, show: Show, now_seconds: float) -> Show:
        """The state, with all that is due done."""
        if self._zero_seconds is None:
            return show
        self._ramps = tuple(r for r in self._ramps if getattr(show.look, r.name) == self._set[r.name])
        while self._coming and self._zero_seconds + self._coming[-1].at_seconds <= now_seconds:
            cue = self._coming.pop()
            cue = replace(cue, at_seconds=self._zero_seconds + cue.at_seconds)
            try:
                moment = Moment(show, self._ramps).after(cue, self._fade_seconds)
            except SettingError as error:  # a person has changed what it was written for
                show = replace(show, message=str(error))
            else:
                show, self._ramps = moment.show, moment.ramps
        return self._ramped(show, now_seconds)

    def _ramped(self, show: Show, now_seconds: float) -> Show:
        if not self._ramps:
            return show
        look = ramped(show.look, self._ramps, now_seconds)
        self._set = {ramp.name: getattr(look, ramp.name) for ramp in self._ramps}
        self._ramps = tuple(ramp for ramp in self._ramps if not ramp.ended(now_seconds))
        return replace(show, look=look)
