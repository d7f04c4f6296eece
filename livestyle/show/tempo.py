"""Time between changes: an interval as a person writes it, or beats of a tempo that is tapped."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from livestyle.errors import SettingError

BEATS = 8
"""Between two changes, where a tempo is tapped."""
TAPS_NEEDED = 3
TAPS_KEPT = 8
PAUSE_SECONDS = 2.5
"""A tap so long after the last one begins a new tempo."""


def parse_interval(text: str) -> float:
    """Parse "20", "20s" or "1m" to seconds. Raises SettingError; 1 second to 1 hour is allowed."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([sm]?)\s*", text)
    seconds = float(found[1]) * (60 if found[2] == "m" else 1) if found else 0.0
    if not 1 <= seconds <= 3600:
        raise SettingError(f"interval {text!r}: write 1 second to 1 hour, as in 20s, 20 or 1m")
    return seconds


def tapped(taps: Sequence[float], now_seconds: float) -> tuple[float, ...]:
    """The latest taps of one tempo, with one now."""
    going_on = taps and now_seconds - taps[-1] <= PAUSE_SECONDS
    return (*(taps if going_on else ()), now_seconds)[-TAPS_KEPT:]


def beat_seconds(taps: Sequence[float]) -> float | None:
    """The time between beats; None before there are enough taps."""
    if len(taps) < TAPS_NEEDED:
        return None
    return (taps[-1] - taps[0]) / (len(taps) - 1) or None


def change_interval(taps: Sequence[float], interval_seconds: float) -> float:
    """Seconds between two changes: BEATS beats of the tempo, without one the interval."""
    beat = beat_seconds(taps)
    return interval_seconds if beat is None else BEATS * beat


def next_change(taps: Sequence[float], interval_seconds: float, after_seconds: float) -> float:
    """The first moment from `after_seconds` on at which a change is due.

    With a tempo: whole intervals after the last tap, so on the beat. Without one it is that moment itself.
    """
    if beat_seconds(taps) is None:
        return after_seconds
    step = change_interval(taps, interval_seconds)
    return taps[-1] + math.ceil((after_seconds - taps[-1]) / step - 1e-6) * step
