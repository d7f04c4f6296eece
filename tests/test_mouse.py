"""Views, the pad, and what the mouse does."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from livestyle.frame import Picture
from livestyle.live import hud
from livestyle.live.mouse import pointed
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_split
from livestyle.pointer import Box, Pointer, fitted
from livestyle.show.control import command_for_key
from livestyle.show.pad import Pad, pad_of
from livestyle.show.state import Show, new_show, pick
from livestyle.show.view import View

STYLES = ("wave", "scream", "mosaic", "dragon", "pails")


@pytest.fixture
def show() -> Show:
    return new_show(STYLES, Look((("wave", 1.0),)))


@pytest.fixture
def split() -> Show:
    layout = parse_split("left:wave,right:scream")
    return new_show(STYLES, Look(layout.focused_styles, layout=layout))


def press(show: Show, key: str, now: float = 100.0) -> Show:
    command = command_for_key(key)
    assert command is not None
    return command.apply(show, now)


def mouse(show: Show, *events: tuple[Literal["down", "move", "up"], float, float]) -> Show:
    for event in events:
        show = pointed(show, Pointer(*event))
    return show


def edge_of(show: Show) -> float:
    assert show.look.layout is not None
    return show.look.layout.area.edge  # type: ignore[union-attr]


def test_places_in_a_letterboxed_picture() -> None:
    assert fitted((100, 50), (200, 200)) == Box(0, 50, 200, 100)
    box = Box(0, 50, 200, 100)
    assert box.place(99, 99) == pytest.approx((0.4975, 0.495))
    assert box.place(-5, 10) == (0.0, 0.0) and box.place(500, 199) == (1.0, 1.0)


def test_the_mouse_drags_the_edge_of_a_split(split: Show) -> None:
    held = mouse(split, ("down", 0.51, 0.5), ("move", 0.7, 0.5))
    assert edge_of(held) == pytest.approx(0.7)
    dropped = mouse(held, ("up", 0.7, 0.5), ("move", 0.2, 0.5))
    assert edge_of(dropped) == pytest.approx(0.7) and dropped.held == ""
    assert edge_of(mouse(held, ("move", 1.0, 0.5))) == 1.0


def test_a_press_away_from_the_edge_picks_the_side_that_keys_change(split: Show) -> None:
    right = mouse(split, ("down", 0.9, 0.5), ("up", 0.9, 0.5))
    assert edge_of(right) == 0.5
    right = pick(right, "dragon", 10.0)
    assert right.look_at(20.0).region_styles == ((("wave", 1.0),), (("dragon", 1.0),))
    back = press(press(right, "tab"), "5", 30.0)
    assert back.look_at(40.0).region_styles == ((("pails", 1.0),), (("dragon", 1.0),))
    assert len(back.look_at(30.5).region_styles[0] or ()) == 2  # crossfades


def test_a_photograph_is_never_in_focus() -> None:
    layout = parse_split("left:original,right:scream")
    show = new_show(STYLES, Look(layout.focused_styles, layout=layout))
    assert press(show, "tab").look == show.look
    after = mouse(show, ("down", 0.1, 0.5))
    assert after.look == show.look and "photograph" in after.message


def test_without_regions_the_mouse_changes_nothing(show: Show) -> None:
    assert mouse(show, ("down", 0.5, 0.5), ("move", 0.7, 0.5), ("up", 0.7, 0.5)) == show
    assert "--split" in press(show, "tab").message


def test_views_go_round_and_leave_the_painting_alone(show: Show) -> None:
    painting, photograph = (np.full((20, 30, 3), value, np.uint8) for value in (200, 50))
    assert show.view.compose(painting, photograph) is painting
    beside = press(show, "x").view.compose(painting, photograph)
    assert beside.shape == (20, 60, 3) and (beside[:, :30] == 50).all() and (beside[:, 30:] == 200).all()
    wipe = press(press(show, "x"), "x")
    shown = wipe.view.compose(painting, photograph)
    assert (shown[:, :13] == 50).all() and (shown[:, 17:] == 200).all() and (shown[:, 14:16] == 255).all()
    assert (painting == 200).all() and press(press(press(show, "x"), "x"), "x").view == show.view


def test_the_mouse_drags_a_wipe(show: Show) -> None:
    wipe = replace(show, view=View("wipe"))
    assert mouse(wipe, ("move", 0.2, 0.5)).view.edge == 0.5
    held = mouse(wipe, ("down", 0.3, 0.5), ("move", 0.2, 0.5))
    assert held.view.edge == pytest.approx(0.2)
    assert mouse(held, ("up", 0.2, 0.5), ("move", 0.9, 0.5)).view.edge == pytest.approx(0.2)


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_a_wipe_at_the_border_shows_one_picture(edge: float) -> None:
    painting, photograph = (np.full((20, 30, 3), value, np.uint8) for value in (200, 50))
    shown = View("wipe", edge).compose(painting, photograph)
    assert (shown[:, 2:-2] == (50 if edge else 200)).all()


def test_beside_the_original_places_are_those_of_the_painting(split: Show) -> None:
    beside = replace(split, view=View("beside"))
    assert edge_of(mouse(beside, ("down", 0.75, 0.5), ("move", 0.9, 0.5))) == pytest.approx(0.8)
    assert View("beside").place(0.25, 0.1) == (0.5, 0.1)


def test_the_pads_corners_are_the_last_picks_and_the_first_styles(show: Show) -> None:
    assert press(show, "d").pad == Pad(STYLES[:4])  # type: ignore[arg-type]
    picked = pick(pick(show, "pails", 1.0), "mosaic", 2.0)
    pad = press(picked, "d").pad
    assert pad is not None and pad.corners == ("mosaic", "pails", "wave", "scream")
    assert press(press(show, "d"), "d").pad is None
    assert pad_of((), ("a", "b", "c")) is None
    assert "four styles" in press(new_show(("wave",), show.look), "d").message


def test_the_mouse_blends_on_the_pad(show: Show) -> None:
    on = press(show, "d")
    assert dict(mouse(on, ("move", 0.0, 0.0)).look.weights) == {"wave": 1.0}
    assert dict(mouse(on, ("move", 1.0, 1.0)).look.weights) == {"dragon": 1.0}
    blend = dict(mouse(on, ("move", 0.25, 0.5)).look.weights)
    assert blend == pytest.approx({"wave": 0.375, "scream": 0.125, "mosaic": 0.375, "dragon": 0.125})


def test_the_pads_labels_are_in_the_corners_of_the_overlay() -> None:
    picture: Picture = np.full((200, 300, 3), 200, np.uint8)
    drawn = hud.draw(picture, hud.Overlay(corners=Pad(STYLES[:4]).labels))  # type: ignore[arg-type]
    assert (picture == 200).all()
    for corner in (drawn[:40, :60], drawn[:40, -60:], drawn[-40:, :60], drawn[-40:, -60:]):
        assert (corner < 120).any()
    assert (drawn[80:120] == 200).all()
