"""Autoplay on a clock that the test turns."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from livestyle.looks.look import Look
from livestyle.show.control import command_for_key
from livestyle.show.shuffle import Shuffle
from livestyle.show.state import Show, new_show, pick

STYLES = tuple("abcde")


def start(seconds: float | None = 20.0) -> Show:
    return new_show(STYLES, Look((("a", 1.0),)), shuffle_seconds=seconds)


def press(show: Show, key: str, now: float) -> Show:
    command = command_for_key(key)
    assert command is not None
    return command.apply(show, now)


def changes(shuffle: Shuffle, show: Show, start_seconds: float, seconds: float) -> tuple[Show, list[tuple[float, str]]]:
    """Call it ten times a second; the state, and when which style was picked."""
    found = []
    for tenth in range(round(seconds * 10)):
        now = start_seconds + tenth / 10
        after = shuffle(show, now)
        if after.picks != show.picks:
            found.append((now, after.picks[1]))
        show = after
    return show, found


@pytest.mark.parametrize("seed", range(5))
def test_all_styles_come_before_one_comes_again(seed: int) -> None:
    _, found = changes(Shuffle(random.Random(seed)), start(), 0.0, 20 * 41)
    assert [at for at, _ in found] == pytest.approx([20.0 * n for n in range(1, 41)])
    names = [name for _, name in found]
    assert all(a != b for a, b in zip(["a", *names], names, strict=False))
    assert all(names.count(name) >= 6 for name in STYLES)
    for name in STYLES:
        places = [n for n, other in enumerate(names) if other == name]
        assert max(b - a for a, b in zip(places, places[1:], strict=False)) <= 2 * len(STYLES)


def test_it_crossfades() -> None:
    show, _ = changes(Shuffle(random.Random(0)), start(), 0.0, 20.1)
    assert len(show.look_at(20.5).weights) == 2


def test_a_manual_pick_pauses_for_one_interval() -> None:
    shuffle = Shuffle(random.Random(0))
    show, found = changes(shuffle, start(), 0.0, 15)
    assert not found
    show, found = changes(shuffle, pick(show, "b", 15.0), 15.0, 25)
    assert [at for at, _ in found] == pytest.approx([35.0])


def test_the_key_turns_it_on_and_off() -> None:
    shuffle = Shuffle(random.Random(0))
    show, found = changes(shuffle, start(None), 0.0, 100)
    assert not found
    show, found = changes(shuffle, press(show, "a", 100.0), 100.0, 20.5)
    assert [at for at, _ in found] == pytest.approx([120.0])
    show, found = changes(shuffle, press(show, "a", 121.0), 121.0, 100)
    assert not found and "off" in show.message


def test_it_follows_the_beat_that_is_tapped() -> None:
    shuffle = Shuffle(random.Random(0))
    show, _ = changes(shuffle, start(), 0.0, 5)
    for tap in (5.0, 5.5, 6.0, 6.5):
        show = press(show, "o", tap)
    assert show.message == "120 beats a minute"
    show, found = changes(shuffle, show, 6.6, 20)
    assert [at for at, _ in found] == pytest.approx([10.5, 14.5, 18.5, 22.5, 26.5], abs=0.101)


def test_one_style_stays() -> None:
    show = replace(start(), styles=("a",))
    assert changes(Shuffle(), show, 0.0, 100)[1] == []


def test_styles_pause_after_sleep_is_one_change_not_many() -> None:
    shuffle = Shuffle(random.Random(0))
    show, _ = changes(shuffle, start(), 0.0, 1)
    show, found = changes(shuffle, show, 1000.0, 19)
    assert len(found) == 1
