"""Measurements for the HUD, the state and the closing report, in a space that does not grow with the show."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

IDLE_STAGE = "wait"
"""In which there was nothing to paint: no part of what makes a painting late."""
RECENT = 300
"""Times that are kept one by one."""
SHORTEST_MS, STEP, STEPS = 0.01, 1.01, 1900
"""The histogram of all times: its first edge, the ratio of two edges, and how many there are (to 1.6e6 ms)."""


def percentiles_ms(values_ms: Iterable[float]) -> tuple[float, float]:
    """(p50, p95) of milliseconds; (nan, nan) of nothing."""
    values = list(values_ms)
    if not values:
        return float("nan"), float("nan")
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)


class RateMeter:
    """Events a second over a sliding window of time."""

    def __init__(self, window_seconds: float = 2.0) -> None:
        self.window_seconds = window_seconds
        self._times: deque[float] = deque()

    def tick(self, now_seconds: float) -> None:
        """An event happened."""
        self._times.append(now_seconds)
        while len(self._times) > 2 and now_seconds - self._times[0] > self.window_seconds:
            self._times.popleft()

    @property
    def per_second(self) -> float:
        """The rate; 0 before the second event."""
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(1e-9, self._times[-1] - self._times[0])


class Times:
    """Milliseconds that one thing took, over and over: the last RECENT themselves, of all a histogram."""

    def __init__(self) -> None:
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.count = 0
        self._steps = np.zeros(STEPS, np.int64)

    def add(self, ms: float) -> None:
        """It took so long once more."""
        self.recent.append(ms)
        self.count += 1
        step = int(math.log(max(ms, SHORTEST_MS) / SHORTEST_MS, STEP))
        self._steps[min(step, STEPS - 1)] += 1

    def percentiles_ms(self) -> tuple[float, float]:
        """(p50, p95) of all, each to half a percent; (nan, nan) of none."""
        if not self.count:
            return float("nan"), float("nan")
        below = np.searchsorted(np.cumsum(self._steps), [0.5 * self.count, 0.95 * self.count])
        p50, p95 = SHORTEST_MS * STEP ** (below + 0.5)
        return float(p50), float(p95)

    def median_of_last_ms(self, count: int = 10) -> float:
        """Median of the last few; 0 of none."""
        last = list(islice(reversed(self.recent), count))
        return float(np.median(last)) if last else 0.0


class Meters:
    """Frame rate, latency and stage times of a show. Written and read by one thread."""

    def __init__(self) -> None:
        self.rate = RateMeter()
        self.latency = Times()
        """From the camera's frame to its painting on the screen."""
        self.stages: dict[str, Times] = {}
        self._newest: tuple[str, ...] = ()
        self._oldest: deque[tuple[int, float, dict[str, float]]] = deque()
        """Of the last RECENT paintings those that were older than all after them: number, latency and its parts."""
        self.first_shown_seconds: float | None = None
        self.last_shown_seconds = 0.0
        self.shown = 0

    def painting_shown(
        self, now_seconds: float, grabbed_at_seconds: float, stage_ms: dict[str, float], queue_ms: float = 0.0
    ) -> None:
        """A painting reached the screen (or the sinks, where there is no screen).

        stage_ms: milliseconds by stage, of this painting. queue_ms: how long its frame waited for the engine.
        """
        self.rate.tick(now_seconds)
        self.shown += 1
        latency_ms = (now_seconds - grabbed_at_seconds) * 1000
        self.latency.add(latency_ms)
        parts_ms = {"queue": queue_ms} | {stage: ms for stage, ms in stage_ms.items() if stage != IDLE_STAGE}
        parts_ms["handover"] = latency_ms - sum(parts_ms.values())
        while self._oldest and self._oldest[-1][1] <= latency_ms:
            self._oldest.pop()
        self._oldest.append((self.shown, latency_ms, parts_ms))
        if self._oldest[0][0] <= self.shown - RECENT:
            self._oldest.popleft()
        for stage, ms in stage_ms.items():
            self.stages.setdefault(stage, Times()).add(ms)
        self._newest = tuple(stage_ms)
        if self.first_shown_seconds is None:
            self.first_shown_seconds = now_seconds
        self.last_shown_seconds = now_seconds

    @property
    def fps(self) -> float:
        """Paintings a second over the whole show; 0 before the second one."""
        if self.shown < 2 or self.first_shown_seconds is None:
            return 0.0
        return (self.shown - 1) / max(1e-9, self.last_shown_seconds - self.first_shown_seconds)

    def oldest_ms(self) -> tuple[float, dict[str, float]]:
        """How old the oldest of the last RECENT paintings was when it was shown, and why; (nan, {}) before the first.

        Its frame's wait for the engine, the stages, and the rest, which is the painting's wait for the main thread.
        """
        return self._oldest[0][1:] if self._oldest else (math.nan, {})

    def recent_latency_ms(self) -> float:
        """Median of the last few latencies; 0 before the first."""
        return self.latency.median_of_last_ms()

    def recent_stage_ms(self) -> dict[str, float]:
        """For each stage of the newest painting the median of its last few times."""
        return {stage: self.stages[stage].median_of_last_ms() for stage in self._newest}


def process_age_seconds() -> float | None:
    """Seconds since this process was created; None where the system does not tell (not Linux)."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        uptime_seconds = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    except OSError:
        return None
    return uptime_seconds - int(fields[19]) / os.sysconf("SC_CLK_TCK")
