"""What changes in a live show's look, on the clock of its source instead of the computer's.

Commands come at any time; what they do is seen from the next painting on. Here that moment is a time of the
source, and crossfades are followed on that clock: the Look of a frame depends on the frame's own time and on the
changes so far, not on how long the frame took to get here. So the same changes at the same times of the same file
give the same Looks again, which is what scripts are saved for (`livestyle.script.save_script`).

What was shown is not taken back: while a source is late its last frame is painted again, at later times, and the
frames that then come from before these have the Look of then. A script cannot tell these from others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from livestyle.frame import Frame
from livestyle.looks.look import Look
from livestyle.show.state import Show


@dataclass(frozen=True)
class Change:
    """From one Look to another, or to the same one again."""

    at_seconds: float
    """Of the source. Frames before it were painted without, those from it on with the change.

    It is after the times of all paintings so far, also where it was asked for at a frame from before these.
    """
    before: Look
    """Where the crossfade before went."""
    after: Look
    fade_seconds: float | None
    """Of a crossfade of the styles that begins now; 0 is a cut; None: the one before, if there is one, goes on."""


class Follower:
    """Gives each frame its Look. Used by one thread."""

    def __init__(self, show: Show, tell: Callable[[Change], None] | None = None) -> None:
        """show: as it begins. tell: is called with each change, before the first painting that shows it."""
        self._heard = show
        self._there = show
        """The show on the source's clock."""
        self._tell = tell
        self._last_seconds = -math.inf

    def look(self, show: Show, frame: Frame) -> Look:
        """The Look for a frame, where the show is in this state; the frame may be left unpainted."""
        now_seconds = max(self._last_seconds, float(frame.pts_seconds))
        if show is not self._heard:
            change = self._change(show, now_seconds, frame.grabbed_at)
            self._heard = show
            if change is not None:
                self._there = _changed(self._there, change)
                self._last_seconds = change.at_seconds
                now_seconds = max(now_seconds, change.at_seconds)
                if self._tell:
                    self._tell(change)
        return self._there.look_at(now_seconds)

    def painted(self, frame: Frame) -> None:
        """The frame was painted with its Look; what changes from now on changes later frames."""
        self._last_seconds = max(self._last_seconds, float(frame.pts_seconds))

    def _change(self, show: Show, now_seconds: float, grabbed_at: float) -> Change | None:
        before, asked_at, fade_seconds = self._heard, grabbed_at, None
        if (show.fade_from, show.fade_start_seconds) != (before.fade_from, before.fade_start_seconds):
            fade_seconds = show.fade_seconds if show.fade_from else 0.0
            asked_at = show.fade_start_seconds if show.fade_from else grabbed_at
        elif show.look.weights != before.look.weights:
            fade_seconds = 0.0
        elif show.look == before.look:
            return None
        at_seconds = _between(self._last_seconds, now_seconds, now_seconds - (grabbed_at - asked_at))
        return Change(at_seconds, before.look, show.look, fade_seconds)


def _between(after_seconds: float, until_seconds: float, wanted_seconds: float) -> float:
    """The time nearest to the one wanted, after the first and at most the second; in whole microseconds if it can.

    Where the second is not after the first, the next microsecond.
    """
    earliest = 0.0 if after_seconds < 0 else _microsecond_after(after_seconds)
    if until_seconds <= after_seconds:
        return earliest
    whole = max(earliest, math.floor(min(until_seconds, wanted_seconds) * 1e6) / 1e6)
    return whole if after_seconds < whole <= until_seconds else until_seconds


def _microsecond_after(seconds: float) -> float:
    nearest = round(seconds * 1e6)
    return nearest / 1e6 if nearest / 1e6 > seconds else (nearest + 1) / 1e6


def _changed(show: Show, change: Change) -> Show:
    if change.fade_seconds is None:
        return replace(show, look=change.after)
    return replace(
        show,
        look=change.after,
        fade_from=show.look_at(change.at_seconds).weights,
        fade_start_seconds=change.at_seconds,
        fade_seconds=change.fade_seconds,
    )
