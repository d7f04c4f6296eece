"""Strokes: they go along edges, lie still where the picture does, and leave the picture alone without a style."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.model.strokes import DIRECTIONS, Strokes


@pytest.fixture(scope="module")
def strokes() -> Strokes:
    return Strokes(192)


def stripes(degrees: float, side: int = 128, period: float = 24.0) -> Tensor:
    """Soft stripes that run this many degrees clockwise from the rows, (1, 3, side, side)."""
    down, across = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
    way = math.radians(degrees)
    aside = down * math.cos(way) - across * math.sin(way)
    return (0.5 + 0.3 * torch.sin(2 * math.pi * aside / period)).expand(1, 3, side, side)


def angle(ways: Tensor) -> Tensor:
    """Mean direction in degrees, 0 to 180, at each place of (N, DIRECTIONS, h, w)."""
    turns = 2 * math.pi * torch.arange(DIRECTIONS) / DIRECTIONS
    cos, sin = ((ways * f[:, None, None]).sum(1) for f in (turns.cos(), turns.sin()))
    return torch.rad2deg(torch.atan2(sin, cos) / 2) % 180


@pytest.mark.parametrize("degrees", [0, 20, 45, 75, 90, 130, 165])
def test_strokes_run_along_edges(strokes: Strokes, degrees: int) -> None:
    ways = strokes.ways(F.avg_pool2d(stripes(degrees)[:, :1], 2))
    assert ways.shape == (1, DIRECTIONS, 32, 32) and ways.min() >= 0
    torch.testing.assert_close(ways.sum(1), torch.ones(1, 32, 32))
    off = (angle(ways)[:, 4:-4, 4:-4] - degrees + 90) % 180 - 90
    assert off.abs().max() < 8


def test_no_direction_is_all_of_them(strokes: Strokes) -> None:
    """Edges may cancel out the drift."""
    without = copy.deepcopy(strokes)
    without.drift.zero_()
    for still in (without, without.half()):
        ways = still.ways(torch.full((1, 1, 32, 32), 0.5))
        torch.testing.assert_close(ways, torch.full((1, DIRECTIONS, 16, 16), 1 / DIRECTIONS))


def planes(picture: Tensor) -> Tensor:
    return F.pixel_unshuffle(picture, 2)


def test_the_texture_runs_the_same_way(strokes: Strokes) -> None:
    """Along the stripes it changes less than across them."""
    for degrees, along, across in ((0, -1, -2), (90, -2, -1)):
        texture = strokes(planes(stripes(degrees, 192)), 1.0)[:, 1]
        assert texture.diff(dim=along).abs().mean() < 0.4 * texture.diff(dim=across).abs().mean()


def test_a_line_survives_and_specks_do_not(strokes: Strokes) -> None:
    line = torch.zeros(1, 3, 64, 64)
    line[..., 30:34, :] = 1
    assert strokes(planes(line), 1.0)[:, 0, 15:17, :].min() > 0.8
    specks = stripes(0, 64).clone()
    specks[..., 32:34, 32:34] += 0.4
    rise = (strokes(planes(specks), 1.0) - strokes(planes(stripes(0, 64)), 1.0))[:, 0].max()
    assert 0 < rise < 0.2


def test_without_a_style_the_light_is_itself(strokes: Strokes) -> None:
    picture = planes(torch.rand(2, 3, 40, 48))
    light, texture = strokes(picture, 0.0).split(1, dim=1)
    torch.testing.assert_close(light, picture.mean(1, keepdim=True))
    assert (texture == 0).all()


def test_the_share_may_differ_from_picture_to_picture(strokes: Strokes) -> None:
    picture = planes(torch.rand(1, 3, 40, 48)).repeat(2, 1, 1, 1)
    both = strokes(picture, torch.tensor([1.0, 0.0])[:, None, None, None])
    torch.testing.assert_close(both[:1], strokes(picture[:1], 1.0))
    torch.testing.assert_close(both[1:], strokes(picture[1:], 0.0))


def test_noise_on_flat_ground_does_not_turn_them(strokes: Strokes) -> None:
    """A camera's noise of half a level in 255 beside light that is even: the drift says where strokes go."""
    generator = torch.Generator().manual_seed(0)
    grey = torch.full((1, 1, 96, 96), 0.5)
    still = strokes.ways(grey)
    noisy = strokes.ways(grey + torch.randn(grey.shape, generator=generator) * 0.3 / 255)  # of three colours' mean
    turned = (angle(noisy) - angle(still) + 90) % 180 - 90
    assert turned.abs().mean() < 3


def test_half_precision_goes_the_same_way(strokes: Strokes) -> None:
    """Squared slopes are far under the smallest number of half precision."""
    picture = planes(stripes(30, 64) + 0.002 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    found, half = strokes(picture, 1.0), copy.deepcopy(strokes).half()(picture.half(), 1.0)
    torch.testing.assert_close(half.float()[:, 0], found[:, 0], atol=2e-3, rtol=0)
    torch.testing.assert_close(half.float()[:, 1], found[:, 1], atol=2e-2, rtol=0)


def test_all_networks_begin_with_the_same_strokes() -> None:
    first, second = (Strokes(192).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (24, 40), (88, 16)])
def test_small_pictures_have_strokes_too(strokes: Strokes, height: int, width: int) -> None:
    found = strokes(planes(torch.rand(1, 3, height, width)), 1.0)
    assert found.shape == (1, 2, height // 2, width // 2) and torch.isfinite(found).all()
