"""What a show measures, and that it stays as small as it is however long the show."""

from __future__ import annotations

import math
import random
import tracemalloc

import numpy as np
import pytest

from livestyle.meters import RECENT, Meters, Times
from livestyle.remote.state import stats_state


@pytest.mark.parametrize("low_ms, high_ms", [(0.02, 0.5), (5, 60), (100, 3000)])
def test_percentiles_of_all_times(low_ms: float, high_ms: float) -> None:
    draw = random.Random(3)
    values_ms = [draw.uniform(low_ms, high_ms) for _ in range(5000)]
    times = Times()
    for ms in values_ms:
        times.add(ms)
    assert times.percentiles_ms() == pytest.approx(tuple(np.percentile(values_ms, (50, 95))), rel=0.01)
    assert times.count == 5000 and list(times.recent) == values_ms[-RECENT:]


def test_times_beyond_the_histogram_and_none() -> None:
    times = Times()
    assert all(math.isnan(ms) for ms in times.percentiles_ms())
    assert times.median_of_last_ms() == 0.0
    for ms in (0.0, -1.0, 1e9, 1e9):
        times.add(ms)
    assert times.percentiles_ms()[0] < 0.02 and times.percentiles_ms()[1] > 1e6
    assert times.median_of_last_ms(2) == 1e9


def test_a_long_show_takes_no_more_memory_than_a_short_one() -> None:
    meters = Meters()

    def show(paintings: int) -> None:
        for n in range(paintings):
            meters.painting_shown(n / 100, n / 100 - 0.04, {"wait": n * 0.001, "network": n * 0.002})

    show(2 * RECENT)
    tracemalloc.start()
    show(20 * RECENT)
    grown_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown_bytes < 3 * RECENT * 60, "all times kept would be ten times that"


def test_the_oldest_of_the_last_frames_is_told() -> None:
    meters = Meters()
    assert stats_state(meters, 0, 0)["latency_max_ms"] is None
    for latency_ms in (400, *[30] * (RECENT - 1)):
        meters.painting_shown(1.0, 1.0 - latency_ms / 1000, {})
    assert stats_state(meters, 0, 0)["latency_max_ms"] == 400.0
    meters.painting_shown(1.0, 0.96, {})
    assert stats_state(meters, 0, 0)["latency_max_ms"] == 40.0


def test_it_is_told_what_made_the_oldest_frame_old() -> None:
    meters = Meters()
    assert stats_state(meters, 0, 0)["latency_max_parts_ms"] == {}
    meters.painting_shown(1.0, 0.5, {"wait": 70.0, "network": 300.0, "show": 60.0}, 100.0)
    for _ in range(RECENT - 1):
        meters.painting_shown(2.0, 1.97, {"wait": 1.0, "network": 20.0, "show": 4.0}, 2.0)
    parts_ms = stats_state(meters, 0, 0)["latency_max_parts_ms"]
    assert parts_ms == {"queue": 100.0, "network": 300.0, "show": 60.0, "handover": 40.0}
    meters.painting_shown(2.0, 1.9, {"wait": 1.0, "network": 20.0}, 2.0)
    assert stats_state(meters, 0, 0)["latency_max_parts_ms"] == {"queue": 2.0, "network": 20.0, "handover": 78.0}


def test_the_oldest_is_that_of_the_last_frames_at_any_time() -> None:
    meters, drawn = Meters(), np.random.default_rng(1)
    latencies_ms = [float(ms) for ms in (drawn.exponential(30, 3 * RECENT) + np.linspace(300, 0, 3 * RECENT)).round()]
    for n, ms in enumerate(latencies_ms, 1):
        meters.painting_shown(0.0, -ms / 1000, {})
        oldest_ms, parts_ms = meters.oldest_ms()
        assert oldest_ms == pytest.approx(max(latencies_ms[max(0, n - RECENT) : n])) == sum(parts_ms.values())
