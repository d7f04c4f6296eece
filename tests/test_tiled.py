"""Painted in tiles is painted whole: both models, every border, blends with the photograph, regions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from livestyle.engine.eager import EagerEngine
from livestyle.engine.tiled import TiledEngine
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.masks import Split, shares_of
from livestyle.model.adain import Statistics, StatisticsOf, mean_std
from livestyle.model.part import Moments, Part
from livestyle.model.weights import ModelName
from tests.conftest import unrefined
from tests.pictures import scene

CLOSE = 2
"""Levels of 255."""


@cache
def whole(model: ModelName) -> EagerEngine:
    return EagerEngine("cpu", model=model, half=False, reason="a test")


@cache
def tiled(model: ModelName, tile_px: int) -> TiledEngine:
    return TiledEngine("cpu", model=model, half=False, reason="a test", tile_px=tile_px)


def busy(height: int, width: int) -> Picture:
    """Blobs, a quarter in shadow, so that tiles have statistics of their own, and noise at all borders."""
    picture = scene(1, (height, width))
    picture[: height // 2, : width // 2] //= 4
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, np.uint8)
    picture[:9], picture[-9:], picture[:, :9], picture[:, -9:] = noise[:9], noise[-9:], noise[:, :9], noise[:, -9:]
    return picture


def off(a: Picture, b: Picture) -> int:
    return int(np.abs(a.astype(int) - b).max())


@pytest.mark.parametrize("alpha", [1.0, 0.4])
@pytest.mark.parametrize(
    ("model", "size", "tile_px"),
    [("fast", (301, 419), 128), ("fast", (264, 200), 96), ("fast", (40, 500), 200), ("paper", (150, 221), 112)],
)
def test_tiles_have_no_seams(bank: Bank, model: ModelName, size: tuple[int, int], tile_px: int, alpha: float) -> None:
    picture, code = busy(*size), whole(model).style_code(bank.stats("wave"))
    painting = tiled(model, tile_px).stylize(picture, code, alpha)
    assert painting.shape == picture.shape and painting.dtype == np.uint8
    assert off(painting, whole(model).stylize(picture, code, alpha)) <= CLOSE


@pytest.mark.parametrize(("model", "size", "alpha"), [("fast", (301, 419), 1.0), ("paper", (150, 221), 0.6)])
def test_regions_have_no_seams(bank: Bank, model: ModelName, size: tuple[int, int], alpha: float) -> None:
    picture = busy(*size)
    codes = [whole(model).style_code(bank.stats(name)) for name in ("wave", "scream")]
    masks = shares_of(Split("y", 0.3), (0, 1), size[1], size[0])
    painting = tiled(model, 112).stylize_regions(picture, codes, masks, alpha)
    assert off(painting, whole(model).stylize_regions(picture, codes, masks, alpha)) <= CLOSE


def test_tiles_by_themselves_would_show(bank: Bank) -> None:
    """The test above is worth something: without the picture's statistics a tile looks otherwise."""
    picture, code = busy(301, 419), whole("fast").style_code(bank.stats("wave"))
    corner = whole("fast").stylize(picture[:192, :192].copy(), code, 1.0)
    assert off(corner[:128, :128], whole("fast").stylize(picture, code, 1.0)[:128, :128]) > 20 * CLOSE


@pytest.mark.parametrize(("model", "less_px"), [("fast", 48), ("paper", 16)])
def test_the_halo_is_what_a_painting_depends_on(bank: Bank, model: ModelName, less_px: int) -> None:
    """With the halo around it a part is the same whatever is further out; with less of it it is not."""
    painter = whole(model)._painter
    full_px: int = painter.network.halo_px
    code = whole(model).style_code(unrefined(bank.stats("apocalypse")))
    picture = torch.rand(1, 3, 24, 200 + 2 * full_px, generator=torch.Generator().manual_seed(0))
    start, stop = full_px + 64, full_px + 136

    def painted(halo_px: int, statistics: StatisticsOf) -> Tensor:
        """The columns from start to stop, with so many around them."""
        left, right = start - halo_px, stop + halo_px
        with torch.inference_mode():
            part = Part(0, left, statistics)
            painting = painter.paint(picture[..., left:right], code.mean, code.std, code.kernels, 1.0, None, part)
        return painting[..., halo_px:-halo_px]

    found: list[Statistics] = []

    def noted(features: Tensor) -> Statistics:
        found.append(mean_std(features))
        return found[-1]

    wide = painted(full_px + 64, noted)
    exact, narrow = (painted(px, _in_turn(found)) for px in (full_px, full_px - less_px))
    torch.testing.assert_close(exact, wide, atol=2e-5, rtol=0)
    assert (narrow - wide).abs().max() > 1e-4


def _in_turn(found: list[Statistics]) -> StatisticsOf:
    rest = iter(found)
    return lambda features: next(rest)


def test_moments_of_parts_are_those_of_the_whole() -> None:
    features = torch.randn(1, 5, 12, 20, generator=torch.Generator().manual_seed(0)) * 3 + 40
    moments = Moments()
    for columns in (slice(0, 3), slice(3, 16), slice(16, 20)):
        moments.add(features[..., columns])
    for found, expected in zip(moments.statistics(), mean_std(features), strict=True):
        torch.testing.assert_close(found, expected)


def test_progress_counts_all_runs(bank: Bank) -> None:
    told: list[tuple[int, int]] = []
    engine = tiled("fast", 96)
    engine.progress = lambda done, total: told.append((done, total))
    engine.stylize(busy(100, 180), engine.style_code(bank.stats("wave")), 1.0)
    engine.progress = lambda done, total: None
    runs = 4 * 6  # tiles; layers that see the photograph, four later ones, and the painting
    assert told == [(n, runs) for n in range(1, runs + 1)]


def test_progress_counts_the_runs_of_all_regions(bank: Bank) -> None:
    told: list[tuple[int, int]] = []
    engine = tiled("fast", 96)
    engine.progress = lambda done, total: told.append((done, total))
    codes = [engine.style_code(bank.stats(name)) for name in ("wave", "scream")]
    engine.stylize_regions(busy(60, 90), codes, shares_of(Split(), (0, 1), 90, 60), 1.0)
    engine.progress = lambda done, total: None
    assert told == [(n, 12) for n in range(1, 13)]
