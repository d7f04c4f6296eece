"""The overlay draws on a copy."""

from __future__ import annotations

import numpy as np
import pytest

from livestyle.frame import Picture
from livestyle.live.hud import Overlay, draw, size_text, stages_text
from livestyle.looks.look import Look
from livestyle.show.control import help_lines
from livestyle.show.state import new_show


def test_nothing_to_draw_changes_nothing(photograph: Picture) -> None:
    np.testing.assert_array_equal(draw(photograph, Overlay()), photograph)


def test_the_clean_picture_stays_clean(photograph: Picture) -> None:
    before = photograph.copy()
    drawn = draw(photograph, Overlay(lines=("12.3 fps",), message="hello"))
    np.testing.assert_array_equal(photograph, before)
    assert (drawn != photograph).any()


def test_panels_are_where_they_belong() -> None:
    grey = np.full((400, 600, 3), 128, np.uint8)
    lines = draw(grey, Overlay(lines=("fps",)))
    assert (lines[:40, :60] != 128).any() and (lines[60:] == 128).all() and (lines[:, 200:] == 128).all()
    message = draw(grey, Overlay(message="saved"))
    assert (message[:340] == 128).all() and (message[350:] != 128).any()


@pytest.mark.parametrize("size", [(16, 16), (90, 160), (540, 960)])
def test_help_fits_every_window(size: tuple[int, int]) -> None:
    show = new_show(tuple(f"style_{n}" for n in range(12)), Look((("style_1", 1.0),)))
    picture = np.full((*size, 3), 200, np.uint8)
    drawn = draw(picture, Overlay(lines=("a long line of numbers " * 4,), help=tuple(help_lines(show)), message="hm"))
    assert drawn.shape == picture.shape
    assert (drawn != picture).any()


def test_lines_too_long_for_the_window_are_written_smaller() -> None:
    """The panel ends before the picture does."""
    line = "wait 12  prepare 2  network 20  colour 1  enlarge 2  show 6 ms   openvino float32"
    narrow = draw(np.full((540, 500, 3), 128, np.uint8), Overlay(lines=(line,)))
    assert (narrow[:, -8:] == 128).all() and (narrow[:40, 420:] != 128).any()
    wide = draw(np.full((540, 1400, 3), 128, np.uint8), Overlay(lines=(line,)))
    assert (wide[:, 900:] == 128).all() and (wide[:40, 600:] != 128).any()


def test_the_size_of_the_work_is_named_where_it_is_another() -> None:
    assert size_text(1280, 720, (640, 360)) == "1280x720 painted at 640x360"
    assert size_text(1280, 720, (1280, 720)) == size_text(1280, 720, None) == "1280x720"


def test_stages_are_named_in_their_order_and_next_to_nothing_is_left_out() -> None:
    assert stages_text({"wait": 11.6, "style": 0.1, "network": 20.2, "show": 0.6}) == "wait 12  network 20  show 1 ms"
    assert stages_text({}) == ""
