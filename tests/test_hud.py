"""The overlay draws on a copy."""

from __future__ import annotations

import numpy as np
import pytest

from livestyle.control import help_lines, new_show
from livestyle.frame import Picture
from livestyle.hud import Overlay, draw
from livestyle.settings import Look


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
