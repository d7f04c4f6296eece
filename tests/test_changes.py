"""What a live show's look changes to, on the clock of its source."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from livestyle.frame import Frame
from livestyle.looks.look import Look
from livestyle.show.changes import Change, Follower
from livestyle.show.state import Show, move_blend, new_show, pick

LATE_SECONDS = 1000.0
"""How far the computer's clock is ahead of the source's."""


@pytest.fixture
def show() -> Show:
    return new_show(("wave", "scream", "mosaic"), Look((("wave", 1.0),)), fade_seconds=1.0)


def frame(pts_seconds: float, late_seconds: float = LATE_SECONDS) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), 0, Fraction(pts_seconds), grabbed_at=pts_seconds + late_seconds)


class Watched:
    """A Follower, and what it told."""

    def __init__(self, show: Show) -> None:
        self.told: list[Change] = []
        self.follower = Follower(show, self.told.append)

    def paint(self, show: Show, frame: Frame) -> Look:
        look = self.follower.look(show, frame)
        self.follower.painted(frame)
        return look


def test_a_crossfade_runs_on_the_sources_clock_however_late_frames_come(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(0.0))
    picked = pick(show, "scream", LATE_SECONDS + 0.25)
    parts = [
        dict(watched.paint(picked, frame(pts, LATE_SECONDS + late)).weights).get("scream", 0.0)
        for pts, late in ((0.5, 0.0), (0.75, 0.07), (1.0, 0.2), (1.25, 0.0))
    ]
    assert parts == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert watched.told == [Change(0.25, show.look, picked.look, 1.0)]


def test_a_change_is_told_once_and_takes_place_between_the_paintings_before_and_after(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(3.0))
    asked_before_that_painting = pick(show, "scream", LATE_SECONDS + 2.0)
    watched.paint(asked_before_that_painting, frame(3.04))
    louder = replace(asked_before_that_painting, look=replace(asked_before_that_painting.look, alpha=0.5))
    for pts in (3.08, 3.12):
        watched.paint(louder, frame(pts))
    first, second = watched.told
    assert 3.0 < first.at_seconds <= 3.04 < second.at_seconds <= 3.08
    assert (first.fade_seconds, second.fade_seconds) == (1.0, None)


def test_what_is_no_change_of_the_look_is_not_told(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(0.0))
    watched.paint(replace(show, message="hello", hud=False, frozen=True), frame(0.1))
    assert watched.told == []


def test_another_crossfade_time_leaves_the_crossfade_that_runs_alone(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(0.0))
    picked = pick(show, "scream", LATE_SECONDS + 0.0)
    watched.paint(picked, frame(0.25))
    look = watched.paint(replace(picked, fade_seconds=4.0), frame(0.5))
    assert dict(look.weights) == pytest.approx({"wave": 0.5, "scream": 0.5}, abs=1e-3)


def test_what_is_blended_by_hand_happens_at_once(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(0.0))
    picked = pick(show, "scream", LATE_SECONDS)
    watched.paint(picked, frame(0.5))
    blended = move_blend(picked, -0.2, LATE_SECONDS)
    assert watched.paint(blended, frame(0.75)) == blended.look
    assert watched.told[-1].fade_seconds == 0.0
    assert watched.paint(move_blend(blended, -0.2, LATE_SECONDS), frame(0.8)).weights != blended.look.weights
    assert watched.told[-1].fade_seconds == 0.0


def test_time_never_goes_back(show: Show) -> None:
    watched = Watched(show)
    picked = pick(show, "scream", LATE_SECONDS + 2.0)
    watched.paint(show, frame(2.0))
    looks = [watched.paint(picked, frame(pts)) for pts in (2.5, 2.4)]
    assert looks[0] == looks[1]


def test_a_change_at_a_frame_that_went_back_comes_after_all_that_was_painted(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(2.0))
    watched.paint(replace(show, look=replace(show.look, alpha=0.5)), frame(1.9))
    watched.paint(replace(show, look=replace(show.look, alpha=0.6)), frame(1.95))
    first, second = watched.told
    assert 2.0 < first.at_seconds < second.at_seconds < 2.001


def test_a_frame_that_is_looked_at_and_not_painted_changes_nothing(show: Show) -> None:
    watched = Watched(show)
    watched.paint(show, frame(1.0))
    watched.follower.look(show, frame(1.5))
    watched.paint(pick(show, "scream", LATE_SECONDS + 1.2), frame(1.3))
    assert watched.told[0].at_seconds == pytest.approx(1.2)
