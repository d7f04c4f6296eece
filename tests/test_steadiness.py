"""The measure of steadiness: on a clip that pans over a still picture, painted with and without flicker."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from livestyle.bench.steadiness import Steadiness, measure
from livestyle.bench.table import as_json, steadiness_table
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painter
from livestyle.sinks.video import VideoOptions, VideoSink
from tests.conftest import CountingEngine
from tests.pictures import scene

SIDE_PX = 96


class Flickering(CountingEngine):
    """Paints the frame itself, darker every other time."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def stylize(self, rgb: Picture, code: object, alpha: float) -> Picture:
        self.painted += 1
        return (rgb * (1 - self._share * (self.painted % 2))).astype(np.uint8)


def clip(path: Path, step_px: int) -> Path:
    wide = scene(0, (SIDE_PX, 400))
    options = VideoOptions(size=(160, SIDE_PX), rate=Fraction(30), time_base=Fraction(1, 30), crf=4)
    with VideoSink(path, options) as sink:
        for i in range(14):
            sink.write(np.ascontiguousarray(wide[:, step_px * i : step_px * i + 160]), Fraction(i, 30))
    return path


def steadiness(bank: Bank, path: Path, share: float) -> Steadiness:
    look = Look(((bank.names[0], 1.0),), palette=False)
    return measure(path, lambda: Painter(Flickering(share), bank), look, side_px=SIDE_PX)


def test_flicker_is_measured_and_taken_off(bank: Bank, tmp_path: Path) -> None:
    found = steadiness(bank, clip(tmp_path / "still.mp4", 0), 0.1)
    assert found.flicker_off == pytest.approx(0.05, abs=0.01)  # a tenth of medium grey
    assert found.flicker_on < 0.2 * found.flicker_off
    assert found.warp_on < 0.2 * found.warp_off
    assert np.isnan(found.edges) and np.isnan(found.strokes)  # nothing moves


def test_motion_is_no_flicker(bank: Bank, tmp_path: Path) -> None:
    path = clip(tmp_path / "pan.mp4", 3)
    calm, flickering = steadiness(bank, path, 0.0), steadiness(bank, path, 0.1)
    assert calm.warp_off < 0.4 * flickering.warp_off
    assert flickering.warp_on < 0.6 * flickering.warp_off
    assert calm.ghosts < 0.01
    assert calm.edges > 0.95 and calm.strokes > 0.95
    assert (calm.width, calm.height, calm.frames) == (160, SIDE_PX, 14)


class Grainy(Flickering):
    """Paints the frame itself with other noise every time."""

    def stylize(self, rgb: Picture, code: object, alpha: float) -> Picture:
        noise = np.random.default_rng(self.painted).normal(0, 12, rgb.shape)
        return np.clip(super().stylize(rgb, code, alpha) + noise, 0, 255).astype(np.uint8)


def test_edges_are_those_of_the_scene(bank: Bank, tmp_path: Path) -> None:
    look = Look(((bank.names[0], 1.0),), palette=False)
    path = clip(tmp_path / "pan.mp4", 3)
    found = measure(path, lambda: Painter(Grainy(0.0), bank), look, side_px=SIDE_PX)
    assert found.edges > 0.95
    assert found.strokes < 0.8


def test_the_table_has_both_sides(bank: Bank, tmp_path: Path) -> None:
    row = Steadiness("kitchen", 640, 360, 120, 0.02, 0.01, 0.03, 0.006, 0.004, 0.97, 0.91, 2.5, 3.5)
    for markdown in (False, True):
        table = steadiness_table([row], markdown=markdown)
        assert "0.0200 to 0.0100 (0.50 x)" in table
        assert "0.0300 to 0.0060 (0.20 x)" in table
    assert json.loads(as_json([row]))["rows"][0]["edges"] == 0.97
