"""Intervals as a person writes them, and tapped tempos."""

from __future__ import annotations

import pytest

from livestyle.errors import SettingError
from livestyle.show.tempo import BEATS, TAPS_KEPT, beat_seconds, change_interval, next_change, parse_interval, tapped


@pytest.mark.parametrize(("text", "seconds"), [("20", 20), ("20s", 20), (" 1.5 s", 1.5), ("1m", 60), ("0.5m", 30)])
def test_intervals(text: str, seconds: float) -> None:
    assert parse_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "0", "-3", "0.5s", "2h", "61m", "nan", "1e3"])
def test_other_intervals_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match="write 1 second to 1 hour"):
        parse_interval(text)


def taps_at(*times: float) -> tuple[float, ...]:
    taps: tuple[float, ...] = ()
    for time in times:
        taps = tapped(taps, time)
    return taps


def test_three_taps_are_a_tempo() -> None:
    assert beat_seconds(taps_at(10, 10.5)) is None
    assert beat_seconds(taps_at(10, 10.5, 11.1)) == pytest.approx(0.55)
    assert len(taps_at(*range(20))) == TAPS_KEPT


def test_a_pause_begins_a_new_tempo() -> None:
    assert taps_at(1, 2, 3, 10, 10.4) == (10, 10.4)


def test_taps_at_one_moment_are_no_tempo() -> None:
    assert beat_seconds((5.0, 5.0, 5.0)) is None


def test_changes_fall_on_the_beat() -> None:
    taps = taps_at(10, 10.5, 11)
    assert change_interval(taps, 20) == BEATS * 0.5
    for after in (11.5, 14.0, 15.0, 15.1, 40.3):
        due = next_change(taps, 20, after)
        assert due >= after - 1e-6 and due - after < 4 and (due - 11) % 4 == pytest.approx(0, abs=1e-9)
    assert (change_interval((), 20), next_change((), 20, 33.0)) == (20, 33.0)
