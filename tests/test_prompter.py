"""A script in a live show."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from livestyle.frame import Frame
from livestyle.live.engine_thread import Finished
from livestyle.live.prompter import Prompter
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painting
from livestyle.script.script import read_script
from livestyle.show.control import command_named
from livestyle.show.state import Show, new_show

ZERO_SECONDS = 700.0
"""When the source began, on the show's clock."""
SCRIPT = """
[[cue]]
at = 1
style = "scream"
fade = 2
[[cue]]
at = 2
alpha = 0
over = 2
[[cue]]
at = 6
edge = 0.5
[[cue]]
at = 7
do = "mirror"
"""


@pytest.fixture
def prompter(tmp_path: Path) -> Prompter:
    (tmp_path / "s.toml").write_text(SCRIPT, encoding="utf-8")
    return Prompter(read_script(tmp_path / "s.toml"))


@pytest.fixture
def show() -> Show:
    return new_show(("wave", "scream"), Look((("wave", 1.0),)))


def painting(prompter: Prompter, pts_seconds: float) -> None:
    """Tell of a painting whose frame came right then."""
    rgb = np.zeros((2, 2, 3), np.uint8)
    frame = Frame(rgb, 0, Fraction(pts_seconds), grabbed_at=ZERO_SECONDS + pts_seconds)
    prompter.painted(Finished(frame, Painting(rgb, {}), Look((("wave", 1.0),))))


def run_to(prompter: Prompter, show: Show, *times: float) -> Show:
    for time in times:
        show = prompter(show, ZERO_SECONDS + time)
    return show


def test_nothing_is_done_before_the_first_painting(prompter: Prompter, show: Show) -> None:
    assert run_to(prompter, show, 5.0) is show


def test_cues_are_done_at_the_sources_times_even_if_it_began_long_before(prompter: Prompter, show: Show) -> None:
    painting(prompter, 1.5)
    show = run_to(prompter, show, 1.5)
    assert dict(show.look_at(ZERO_SECONDS + 2).weights) == pytest.approx({"wave": 0.5, "scream": 0.5})
    assert run_to(prompter, show, 1.7) is show


def test_a_ramp_is_walked_and_ends(prompter: Prompter, show: Show) -> None:
    painting(prompter, 0.0)
    alphas = []
    for time in (1.9, 2.1, 3.0, 3.9, 4.1, 5.0):
        show = run_to(prompter, show, time)
        alphas.append(show.look.alpha)
    assert alphas == pytest.approx([1, 0.95, 0.5, 0.05, 0, 0])
    assert run_to(prompter, show, 5.5) is show


def test_a_person_takes_over_a_ramp(prompter: Prompter, show: Show) -> None:
    painting(prompter, 0.0)
    show = command_named("alpha").run(run_to(prompter, show, 2.5), ZERO_SECONDS + 2.6, 0.9)
    assert run_to(prompter, show, 3.0, 5.0).look.alpha == 0.9


def test_a_cue_that_no_longer_fits_is_a_message_and_the_next_ones_are_done(prompter: Prompter, show: Show) -> None:
    painting(prompter, 5.0)
    show = run_to(prompter, show, 6.1)
    assert "line 12: edge 0.5: there is no split" in show.message
    assert run_to(prompter, show, 7.0).look.mirror
