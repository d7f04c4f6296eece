"""Large pictures in every Look are painted as small ones are, and in bounded memory."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from livestyle.bench.peak_memory import peak_memory
from livestyle.engine import coarse_masks
from livestyle.engine.eager import EagerEngine
from livestyle.engine.tiled import TiledEngine
from livestyle.files import stills
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_mask, parse_split
from livestyle.model import build
from livestyle.model.fast import FastConfig, FastNet, StyleProjection
from livestyle.painting.large import LargePainter
from livestyle.painting.pipeline import Painter
from livestyle.sinks.images import save_image
from livestyle.sources.still import read_still
from tests.conftest import Run
from tests.pictures import scene

SIZE = (205, 333)
WAVE = Look((("wave", 1.0),))


@pytest.fixture(scope="module")
def whole() -> EagerEngine:
    return EagerEngine("cpu", model="fast", half=False, reason="a test")


@pytest.fixture(scope="module")
def tiled() -> TiledEngine:
    return TiledEngine("cpu", model="fast", half=False, reason="a test", tile_px=112)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of tests are large then: several strips, masks of less than their size."""
    monkeypatch.setattr(coarse_masks, "STRIP_PIXELS", 10_000)
    monkeypatch.setattr(coarse_masks, "COARSE_PIXELS", 40_000)


def mask_file(folder: Path) -> Path:
    labels = np.zeros((60, 90, 3), np.uint8)
    labels[:, 30:60], labels[:, 60:] = (255, 0, 0), (255, 255, 255)
    Image.fromarray(labels).save(folder / "mask.png")
    return folder / "mask.png"


LOOKS = ["palette", "no palette", "own colours", "half", "mirrored", "split", "original below", "mask"]


def look_of(name: str, folder: Path) -> Look:
    split, below = parse_split("left:wave,right:scream"), parse_split("top:original,bottom:wave")
    three = parse_mask(mask_file(folder), "black:wave,red:original,white:scream")
    return {
        "palette": WAVE,
        "no palette": replace(WAVE, palette=False),
        "own colours": replace(WAVE, preserve_color=True),
        "half": replace(WAVE, alpha=0.5),
        "mirrored": replace(WAVE, mirror=True),
        "split": Look(split.focused_styles, layout=split),
        "original below": Look(below.focused_styles, layout=below, preserve_color=True),
        "mask": Look(three.focused_styles, layout=three, alpha=0.7),
    }[name]


@pytest.mark.parametrize("name", LOOKS)
def test_large_is_as_whole(
    bank: Bank, whole: EagerEngine, tiled: TiledEngine, small_limits: None, tmp_path: Path, name: str
) -> None:
    picture, look = scene(3, SIZE), look_of(name, tmp_path)
    expected = Painter(whole, bank).paint(picture, look).rgb
    painting = LargePainter(tiled, bank).paint(picture, look)
    off = np.abs(painting.astype(int) - expected)
    if name != "split":
        assert off.max() <= 2
    else:  # where styles meet the small masks are a level off, and the palette step makes more of it
        assert off.max() <= 3 and (off > 2).mean() < 1e-4


def test_large_pictures_have_a_size_too(bank: Bank, tiled: TiledEngine) -> None:
    assert LargePainter(tiled, bank, size=(160, 120)).paint(scene(3, SIZE), WAVE).shape == (120, 160, 3)


def test_the_command_takes_tiles_by_itself(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(scene(3, SIZE)).save(tmp_path / "a.png")
    command = ("image", "a.png", "-s", "wave", "--device", "cpu", "--model", "fast", "-o")
    assert "tiles" not in run(*command, "whole.png").err
    monkeypatch.setattr(stills, "WHOLE_PIXELS", {"fast": 40_000})
    result = run(*command, "tiled.png")
    assert result.code == 0 and "a.png: 333x205 pixels are painted in tiles" in result.err
    assert "tiles" not in run(*command, "small.png", "--size", "100").err
    assert run(*command, "quiet.png", "-q").err == ""
    pictures = [np.asarray(Image.open(tmp_path / name)).astype(int) for name in ("whole.png", "tiled.png")]
    assert np.abs(pictures[0] - pictures[1]).max() <= 2


def small_network() -> TiledEngine:
    """An engine whose network has next to no channels: quick, and small beside its pictures."""
    engine = TiledEngine("cpu", model="fast", half=False, reason="a test", tile_px=512)
    config = FastConfig(half=2, quarter=2, eighth=2, blocks=1)
    engine._painter = build.Painter(FastNet(config).eval())
    engine._projection = StyleProjection(config)
    engine._network_id = "small"  # no style is refined for it
    return engine


def paint_file(path: Path, look: Look) -> None:
    """Read, paint and write a file, in a process of its own."""
    torch.set_num_threads(1)
    painting = LargePainter(small_network(), Bank()).paint(read_still(path).rgb, look)
    save_image(path.with_suffix(".bmp"), painting)


def test_memory_grows_by_the_pictures_themselves(tmp_path: Path) -> None:
    """Three bytes a pixel for the photograph, three for the painting, four for PIL's copy; floats would be twelve."""
    peaks = []
    for width, height in ((2000, 1500), (4000, 3000)):
        noise = Image.effect_noise((width // 8, height // 8), 80).convert("RGB")
        noise.resize((width, height)).save(tmp_path / "a.jpg")
        memory = peak_memory(partial(paint_file, tmp_path / "a.jpg", WAVE))
        if memory is None:
            pytest.skip("the system does not tell")
        peaks.append(memory.mib * 2**20)
    assert (peaks[1] - peaks[0]) / (4000 * 3000 - 2000 * 1500) < 11
