"""Holds a frame rate: picks the size at which the network paints from how long the paintings take.

Pure: it is told sizes, durations and the time. It knows no pictures, engines or threads.

The size goes down as soon as paintings are late, straight to the step that should fit. It goes up by
one step, after seconds of room for it. A step up that had to be taken back is tried again only after
a pause that doubles each time, so the size does not pump.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, median_low

from livestyle.errors import SettingError

Size = tuple[int, int]
"""(width, height) in pixels."""

DEFAULT_FPS = 30.0

MIN_SIDE_PX = 160
"""Shorter side under which nothing is painted on purpose: faces and strokes fall apart."""
MULTIPLE_PX = 8
"""The networks halve a side three times: multiples of 8 need no padding."""
OCTAVE = (7 / 8, 3 / 4, 5 / 8, 1 / 2)
"""Scales of the sides from one halving to the next: the area falls by a quarter to a third a step."""
WORTH_A_STEP = 0.9
"""A last step down to MIN_SIDE_PX is there when it leaves less of the area than this."""

LATE = 0.95
"""Share of the budget above which paintings are late; the loop has a little other work."""
AIM = 0.85
"""A step down goes to the largest size that should take no more of the budget than this."""
ROOM = 0.8
"""A step up should take less of the budget than this."""
RECENT_SECONDS = 0.5
RECENT_AT_LEAST = 5
"""The median is of the paintings of the last half second, and of no fewer than the last five."""
LATE_SECONDS = 0.4
ROOM_SECONDS = 2.5
"""How long there is no time, or room, before the size changes."""
SOON_SECONDS = 30.0
"""A step up that lasted less was a mistake."""
FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 120.0


def working_sizes(width: int, height: int) -> tuple[Size, ...]:
    """The sizes at which paintings of width x height may be made, the full one first, all in pixels.

    Each smaller one has sides of a multiple of 8, and at least 160 on the shorter. Each side is rounded
    by itself, so the network may see the picture up to 4 px wider or higher than in proportion;
    enlarging it to width x height undoes that.
    """
    least = min(1.0, MIN_SIDE_PX / min(width, height))
    scales = [octave * part for octave in (2.0**-n for n in range(16)) for part in OCTAVE]
    sizes = [(width, height)]
    for scale in [*(scale for scale in scales if scale > least), least]:
        size = _rounded(width, scale), _rounded(height, scale)
        if _area(size) < WORTH_A_STEP * _area(sizes[-1]):
            sizes.append(size)
    return tuple(sizes)


def _rounded(side: int, scale: float) -> int:
    return max(MIN_SIDE_PX, MULTIPLE_PX * math.floor(side * scale / MULTIPLE_PX + 0.5))


def _area(size: Size) -> int:
    return size[0] * size[1]


def rate_hold(fps: float) -> RateHold | None:
    """What holds a frame rate of 1 to 240 a second; None for 0. Raises SettingError."""
    return RateHold(fps) if fps else None


@dataclass(frozen=True)
class _Sample:
    """One painting. rest_ms: all but the network."""

    at_seconds: float
    took_ms: float
    rest_ms: float


class RateHold:
    """The working size of one stream. Used by one thread at a time.

    Ask `size_for` before a painting and tell `painted` after it. The first painting at a new size is
    not counted: the engine compiles its graph then.
    """

    def __init__(self, fps: float) -> None:
        """fps: paintings a second to hold, 1 to 240. Raises SettingError."""
        if not 1 <= fps <= 240:
            raise SettingError(
                f"frame rate {fps:g}: choose 1 to 240 frames a second, or 0 to paint at full size always"
            )
        self.budget_ms = 1000 / fps
        self._sizes: Sequence[Size] = ((0, 0),)
        self._step = 0
        self._uncounted = True
        self._recent: deque[_Sample] = deque()
        self._late_since = self._room_since = math.inf
        self._up_at = self._no_up_before = -math.inf
        self._pause_seconds = 0.0

    def size_for(self, width: int, height: int) -> Size:
        """(width, height) at which to make the next painting of width x height. Another output starts anew."""
        if (width, height) != self._sizes[0]:
            self._sizes = working_sizes(width, height)
            self._up_at = self._no_up_before = -math.inf
            self._pause_seconds = 0.0
            self._go(0)
        return self._sizes[self._step]

    @property
    def smaller(self) -> Size | None:
        """One step down from the size last answered; None at the smallest."""
        return self._sizes[self._step + 1] if self._step + 1 < len(self._sizes) else None

    def painted(self, took_ms: float, network_ms: float, now_seconds: float) -> None:
        """A painting of the size last answered is done.

        took_ms: all of it; network_ms: the part that grows with the working size's area.
        now_seconds: when it was done, on a monotonic clock.
        """
        if self._uncounted:
            self._uncounted = False
            return
        self._recent.append(_Sample(now_seconds, took_ms, took_ms - network_ms))
        while len(self._recent) > RECENT_AT_LEAST and now_seconds - self._recent[0].at_seconds > RECENT_SECONDS:
            self._recent.popleft()
        started_seconds = now_seconds - took_ms / 1000
        self._late_since = self._since(self._late_since, self._is_late(), started_seconds)
        self._room_since = self._since(self._room_since, self._has_room(), started_seconds)
        if now_seconds - self._late_since >= LATE_SECONDS and len(self._recent) > 1:
            self._go_down(now_seconds)
        elif now_seconds - self._room_since >= ROOM_SECONDS and now_seconds >= self._no_up_before:
            self._up_at = now_seconds
            self._go(self._step - 1)

    def _go(self, step: int) -> None:
        self._step = step
        self._uncounted = True
        self._recent.clear()
        self._late_since = self._room_since = math.inf

    def _go_down(self, now_seconds: float) -> None:
        if now_seconds - self._up_at < SOON_SECONDS:
            self._pause_seconds = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, 2 * self._pause_seconds))
            self._no_up_before = now_seconds + self._pause_seconds
        else:
            self._pause_seconds /= 2  # the step was right for a while: the load is another one
        self._up_at = -math.inf
        smaller = range(self._step + 1, len(self._sizes))
        fitting = (step for step in smaller if self._predicted_ms(step) <= AIM * self.budget_ms)
        self._go(next(fitting, smaller[-1]))

    def _is_late(self) -> bool:
        return self._step < len(self._sizes) - 1 and self._typical_ms() > LATE * self.budget_ms

    def _has_room(self) -> bool:
        return self._step > 0 and self._predicted_ms(self._step - 1) < ROOM * self.budget_ms

    def _typical_ms(self) -> float:
        # Of two the quicker: one hiccup says nothing.
        return median_low(sample.took_ms for sample in self._recent)

    def _predicted_ms(self, step: int) -> float:
        """Of a painting at another step: the network's time goes with the area, the rest stays."""
        rest_ms = median(sample.rest_ms for sample in self._recent)
        network_ms = max(0.0, self._typical_ms() - rest_ms)
        return rest_ms + network_ms * _area(self._sizes[step]) / _area(self._sizes[self._step])

    @staticmethod
    def _since(since_seconds: float, holds: bool, started_seconds: float) -> float:
        """Since when something holds without a break; infinity when it does not."""
        return min(since_seconds, started_seconds) if holds else math.inf
