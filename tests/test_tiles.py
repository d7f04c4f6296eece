"""How a large picture is cut: tiles cover it once, and their windows see what they must."""

from __future__ import annotations

import numpy as np
import pytest

from livestyle.engine.coarse_masks import CoarseMasks, coarse_size
from livestyle.engine.tiles import GRID_PX, PADDED_PX, tiles_of
from livestyle.looks.masks import Split, masks_of


@pytest.mark.parametrize(("height", "width"), [(9, 9), (64, 64), (65, 200), (437, 901), (1000, 17), (257, 256)])
def test_tiles_cover_a_picture_once(height: int, width: int) -> None:
    times = np.zeros((height, width), int)
    for tile in tiles_of(height, width, tile_px=64, halo_px=16):
        times[tile.own] += 1
        assert times[tile.window][tile.own_in_window()].shape == times[tile.own].shape
    assert (times == 1).all()


@pytest.mark.parametrize("length", [65, 200, 437])
def test_windows_reach_as_far_as_is_asked_or_to_the_border(length: int) -> None:
    for tile in tiles_of(length, 40, tile_px=64, halo_px=16):
        span = tile.rows
        assert span.start % GRID_PX == 0 and span.window_start % GRID_PX == 0 and span.stop - span.start <= 64
        assert span.window_start == max(0, span.start - 16) and span.window_stop == min(length, span.stop + 16)


def test_features_of_tiles_cover_those_of_the_picture_once() -> None:
    """Also at the border, where features of the last, padded pixels reach over the picture."""
    height, width = 173, 205
    for scale in (1, 2, 4, 8):
        lines, columns = (-(-n // PADDED_PX) * PADDED_PX // scale for n in (height, width))
        times = np.zeros((lines, columns), int)
        for tile in tiles_of(height, width, tile_px=64, halo_px=16):
            top, left = tile.rows.window_start // scale, tile.columns.window_start // scale
            down, across = (
                -(-(span.window_stop - span.window_start) // PADDED_PX) * PADDED_PX // scale
                for span in (tile.rows, tile.columns)
            )
            assert tile.scale_of(down) == scale
            times[top : top + down, left : left + across][tile.own_in_window(scale)] += 1
        assert (times == 1).all()


def test_coarse_masks_are_those_of_the_picture() -> None:
    whole = masks_of(Split("x", 0.4), 900, 600)
    coarse = CoarseMasks(masks_of(Split("x", 0.4), 150, 100), 900, 600)
    window = coarse.window(slice(100, 200), slice(300, 500))
    assert window.shape == (2, 100, 200) and window.dtype == np.float32
    np.testing.assert_allclose(window.sum(0), 1, atol=1e-6)
    np.testing.assert_allclose(window, whole[:, 100:200, 300:500], atol=0.02)
    np.testing.assert_array_equal(CoarseMasks(whole, 900, 600).window(slice(3, 90)), whole[:, 3:90])


@pytest.mark.parametrize(("size", "expected"), [((640, 480), (640, 480)), ((12_000, 8_000), (1225, 816))])
def test_masks_of_large_pictures_are_smaller(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert coarse_size(*size) == expected
