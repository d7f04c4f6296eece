"""Regions with styles of their own: where they are, what is painted in them, and bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.assets import asset_dir
from livestyle.frame import Masks, Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.masks import (
    FEATHER,
    Layout,
    Split,
    composed,
    masks_of,
    parse_mask,
    parse_split,
    shares_of,
)
from livestyle.looks.style import palette_of
from livestyle.painting.color import match_palettes, sampled_palette
from livestyle.painting.pipeline import Painter
from livestyle.sources.images import load_image
from tests.conftest import CountingEngine, Run

WAVE, SCREAM, DRAGON = ((("wave", 1.0),), (("scream", 1.0),), (("dragon", 1.0),))


@pytest.fixture
def mask_file(tmp_path: Path) -> Path:
    """Red at the left, green at the right, blue below; as a JPEG, so the colours are not exact."""
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[:, :40, 0], rgb[:, 40:, 1] = 255, 255
    rgb[40:] = (0, 0, 255)
    path = tmp_path / "mask.jpg"
    Image.fromarray(rgb).save(path, quality=90)
    return path


def look_of(layout: Layout, **options: object) -> Look:
    return Look(layout.focused_styles, layout=layout, palette=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_split_is_soft_at_its_edge_and_sums_to_one(axis: str) -> None:
    masks = masks_of(Split(axis, 0.25), 200, 200)  # type: ignore[arg-type]
    assert masks.shape == (2, 200, 200) and masks.dtype == np.float32
    np.testing.assert_allclose(masks.sum(0), 1, atol=1e-6)
    second = masks[1][100] if axis == "x" else masks[1][:, 100]
    soft = np.flatnonzero((second > 0) & (second < 1))
    assert abs(soft.mean() - 49.5) < 1 and abs(len(soft) - FEATHER * 200) <= 1
    assert second[0] == 0 and second[-1] == 1 and (np.diff(second) >= 0).all()


@pytest.mark.parametrize("size", [(80, 60), (333, 201), (20, 17)])
def test_a_mask_of_any_size_fits_the_picture(mask_file: Path, size: tuple[int, int]) -> None:
    layout = parse_mask(mask_file, "#ff0000:wave,#00ff00:original,blue:scream")
    masks = masks_of(layout.area, *size)
    width, height = size
    assert masks.shape == (3, height, width)
    np.testing.assert_allclose(masks.sum(0), 1, atol=1e-5)
    for n, (x, y) in enumerate([(0.2, 0.3), (0.8, 0.3), (0.5, 0.9)]):
        assert masks[n, int(y * height), int(x * width)] > 0.95
        assert layout.region_at(x, y) == n


def test_pictures_are_mixed_by_their_masks() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (20, 30, 3), dtype=np.uint8) for _ in range(3)]
    masks: Masks = rng.uniform(0, 1, (3, 20, 30)).astype(np.float32)
    masks[1, :5] = 0
    masks /= masks.sum(0)
    expected = sum(p * m[..., None] for p, m in zip(pictures, masks, strict=True))
    assert np.abs(composed(pictures, masks) - expected).max() < 1.6
    whole = np.stack([np.ones((20, 30)), np.zeros((20, 30)), np.zeros((20, 30))]).astype(np.float32)
    np.testing.assert_array_equal(composed(pictures, whole), pictures[0])


def test_the_regions_that_are_painted_share_what_the_photograph_has() -> None:
    area = Split("x", 0.5)
    np.testing.assert_allclose(shares_of(area, (1,), 40, 20), 1)
    np.testing.assert_allclose(shares_of(area, (0, 1), 40, 20), masks_of(area, 40, 20), atol=1e-5)


def test_the_painter_paints_regions_in_one_run(
    bank: Bank, counting_engine: CountingEngine, photograph: Picture
) -> None:
    painter = Painter(counting_engine, bank)
    look = look_of(parse_split("left:wave,right:scream"))
    for _ in range(5):
        painting = painter.paint(photograph, look).rgb
    assert (counting_engine.painted, counting_engine.codes) == (5, 2)
    assert (painting[:, :50] == 60).all() and (painting[:, -50:] == 120).all()
    moved = replace(look, layout=parse_split("left:wave,right:scream").with_edge(0.9, 0.1))
    assert (painter.paint(photograph, moved).rgb[:, :100] == 60).all() and counting_engine.codes == 2
    painter.paint(photograph, replace(look, weights=DRAGON))
    assert counting_engine.codes == 3  # only the region in focus has changed


@pytest.mark.parametrize("options", [{}, {"mirror": True}, {"preserve_color": True}])
def test_the_photograph_stays_where_it_is_asked_for(
    bank: Bank, counting_engine: CountingEngine, photograph: Picture, options: dict[str, bool]
) -> None:
    look = look_of(parse_split("left:original,right:wave"), **options)
    painting = Painter(counting_engine, bank, size=(200, 150)).paint(photograph, look).rgb
    frame = photograph[:, ::-1] if options.get("mirror") else photograph
    expected = Painter(counting_engine, bank, size=(200, 150)).paint(
        frame.copy(), replace(look, bypass=True, mirror=False)
    )
    np.testing.assert_array_equal(painting[:, :90], expected.rgb[:, :90])
    assert np.abs(painting[:, 110:].astype(int) - expected.rgb[:, 110:]).mean() > 10
    assert counting_engine.painted == 1  # one style: no regions for the engine


def test_the_photograph_of_a_stream_is_the_frame_and_not_the_calmed_one(
    bank: Bank, counting_engine: CountingEngine, photograph: Picture
) -> None:
    painter, rng = Painter(counting_engine, bank), np.random.default_rng(0)
    look = replace(look_of(parse_split("left:original,right:wave")), palette=True)
    for n in range(4):
        frame = np.clip(photograph + rng.normal(0, 6, photograph.shape), 0, 255).astype(np.uint8)
        painting = painter.paint(frame, look, at_seconds=n / 30).rgb
        np.testing.assert_array_equal(painting[:, :55], frame[:, :55])


def test_regions_of_a_stream_are_held_steady_too(
    bank: Bank, counting_engine: CountingEngine, photograph: Picture
) -> None:
    """Their number may change in it."""
    painter = Painter(counting_engine, bank)
    split = replace(look_of(parse_split("left:dragon,right:wave")), palette=True)
    for n, look in enumerate([split, split, Look(WAVE), split, split]):
        painting = painter.paint(photograph, look, at_seconds=n / 30)
        assert painting.rgb.shape == photograph.shape and painting.stage_ms["steady"] > 0


def test_each_region_gets_its_own_palette(bank: Bank) -> None:
    photograph = load_image(asset_dir("media") / "astronaut.jpg")[::2, ::2].copy()
    palettes = [bank.stats(name).palette for name in ("starry_night", "scream")]
    masks = masks_of(Split("x", 0.5), photograph.shape[1], photograph.shape[0])
    owns = [sampled_palette(photograph, mask) for mask in masks]
    matched = match_palettes(photograph, palettes, owns, masks)
    for side, palette in zip((matched[:, :120], matched[:, -120:]), palettes, strict=True):
        np.testing.assert_allclose(palette_of(side).mean, palette.mean, atol=0.05)


def test_focus_goes_round_the_regions_that_have_styles(mask_file: Path) -> None:
    layout = parse_mask(mask_file, "red:wave,green:original,blue:scream")
    assert layout.focus == 0
    second, weights = layout.focused(layout.next_focus(), DRAGON)
    assert (second.focus, weights) == (2, SCREAM)
    assert second.styles_with(weights) == (DRAGON, None, SCREAM)
    assert second.next_focus() == 0
    assert layout.focused(1, WAVE) == (layout, WAVE)  # a photograph has no styles to change


BAD = {
    "one side": (["--split", "left:wave"], "regions 'left:wave': write two or more names"),
    "other sides": (["--split", "left:wave,top:scream"], "split 'left:wave,top:scream': name left and right"),
    "side without a style": (["--split", "left:wave,right"], "each with a style"),
    "all original": (["--split", "left:original,right:original"], "are all original: give one of them a style"),
    "unknown style": (["--split", "left:wave,right:scraem"], "style 'scraem': not in the bank; nearest: scream"),
    "mask and split": (["--split", "left:wave,right:wave", "--mask", "mask.jpg"], "--split and --mask exclude"),
    "style and split": (["--split", "left:wave,right:wave", "-s", "wave"], "--split and --style exclude"),
    "mask alone": (["--mask", "mask.jpg"], "mask mask.jpg: say what its colours mean"),
    "regions alone": (["--regions", "red:wave,blue:scream"], "needs --mask"),
    "no colour": (["--mask", "mask.jpg", "--regions", "red:wave,blau:scream"], "colour 'blau': write #rrggbb or black"),
    "bad colour": (["--mask", "mask.jpg", "--regions", "red:wave,#00ff:scream"], "colour '#00ff': write #rrggbb"),
    "absent": (["--mask", "mask.jpg", "--regions", "red:wave,green:dragon,blue:wave,white:scream"], "has no white"),
    "no file": (["--mask", "nothing.png", "--regions", "red:wave,blue:scream"], "nothing.png"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_regions_are_one_line(run: Run, photo: Path, mask_file: Path, tmp_path: Path, case: str) -> None:
    arguments, said = BAD[case]
    result = run("image", "photo.png", "-o", "out.png", *arguments)
    assert result.code == 2 and not (tmp_path / "out.png").exists()
    assert result.err.startswith("livestyle: ") and result.err.count("\n") == 1 and said in result.err, result.err


def test_a_mask_from_the_command_line(
    run: Run, photo: Path, photograph: Picture, mask_file: Path, tmp_path: Path
) -> None:
    arguments = ("--mask", "mask.jpg", "--regions", "red:original,green:wave,blue:photo.png")
    result = run("image", "photo.png", "-o", "out.png", "--device", "cpu", "--model", "fast", *arguments)
    assert result.code == 0, result.err
    painting = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    off = np.abs(painting - photograph).mean(2)
    assert off[:55, :55].max() == 0 and off[:55, 72:].mean() > 8 and off[72:].mean() > 3
