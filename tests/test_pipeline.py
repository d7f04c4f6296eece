"""The per-frame path: sizes, looks, and what it must never do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from livestyle.bank import Bank
from livestyle.color import keep_frame_color, match_palette
from livestyle.control import new_show, pick
from livestyle.frame import Picture
from livestyle.pipeline import Painter, resized
from livestyle.settings import Look
from livestyle.style import palette_of
from tests.conftest import CountingEngine

WAVE = Look((("wave", 1.0),), palette=False)


def test_a_style_change_runs_no_encoder_and_one_code_a_change(
    bank: Bank, counting_engine: CountingEngine, photograph: Picture
) -> None:
    """The mechanism behind 'a style change never stalls the loop'."""
    painter = Painter(counting_engine, bank)
    show = new_show(bank.names, WAVE, fade_seconds=1.0)
    for frame in range(30):
        painter.paint(photograph, show.look_at(frame / 30))
    assert (counting_engine.encoded, counting_engine.codes) == (0, 1)
    show = pick(show, bank.names[4], 1.0)
    for frame in range(60):
        painter.paint(photograph, show.look_at(1.0 + frame / 30))
    assert counting_engine.encoded == 0
    assert 25 <= counting_engine.codes <= 35
    assert counting_engine.painted == 90


def test_statistics_are_read_from_disk_once(bank: Bank, counting_engine: CountingEngine, photograph: Picture) -> None:
    painter = Painter(counting_engine, bank)
    painter.paint(photograph, WAVE)
    first = bank.stats("wave")
    painter.paint(photograph, replace(WAVE, weights=(("scream", 1.0),)))
    painter.paint(photograph, WAVE)
    assert bank.stats("wave") is first


def test_bypass_gives_the_frame(bank: Bank, counting_engine: CountingEngine, photograph: Picture) -> None:
    painting = Painter(counting_engine, bank).paint(photograph, replace(WAVE, bypass=True))
    np.testing.assert_array_equal(painting.rgb, photograph)
    assert counting_engine.painted == 0


def test_mirror_flips_before_painting(bank: Bank, counting_engine: CountingEngine, photograph: Picture) -> None:
    painting = Painter(counting_engine, bank).paint(photograph, replace(WAVE, mirror=True))
    np.testing.assert_array_equal(painting.rgb, 255 - photograph[:, ::-1])


@pytest.mark.parametrize(("size", "shape"), [(None, (96, 128, 3)), (48, (48, 64, 3)), ((50, 40), (40, 50, 3))])
def test_size(bank: Bank, counting_engine: CountingEngine, photograph: Picture, size: object, shape: object) -> None:
    painting = Painter(counting_engine, bank, size=size).paint(photograph, WAVE)  # type: ignore[arg-type]
    assert painting.rgb.shape == shape


def test_colour_preservation_keeps_chroma_and_takes_luma(photograph: Picture) -> None:
    rng = np.random.default_rng(0)
    painting = rng.integers(60, 190, photograph.shape, dtype=np.uint8)
    grey_frame = np.full_like(photograph, 128)
    mixed = keep_frame_color(painting, grey_frame)
    assert np.ptp(mixed.astype(int), axis=2).max() <= 2
    luma = painting @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(mixed[..., 0], luma, atol=2)


def test_colour_preservation_in_the_pipeline(bank: Bank, counting_engine: CountingEngine) -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    painting = Painter(counting_engine, bank).paint(red, replace(WAVE, preserve_color=True)).rgb.astype(int)
    assert (painting[..., 0] > painting[..., 1] + 60).all()


def test_resized_does_not_copy_what_fits(photograph: Picture) -> None:
    assert resized(photograph, 128, 96) is photograph


def test_palette_gives_the_styles_colours(photograph: Picture) -> None:
    rng = np.random.default_rng(0)
    artwork = np.clip(rng.normal((40, 90, 160), (15, 25, 40), (64, 64, 3)), 0, 255).astype(np.uint8)
    target = palette_of(artwork)
    matched = palette_of(match_palette(photograph, target))
    np.testing.assert_allclose(matched.mean, target.mean, atol=0.03)
    before = np.abs(palette_of(photograph).covariance - target.covariance).max()
    assert np.abs(matched.covariance - target.covariance).max() < 0.35 * before
    np.testing.assert_array_equal(match_palette(photograph, target, 0.0), photograph)
    np.testing.assert_allclose(match_palette(photograph, palette_of(photograph[::2, ::2])), photograph, atol=2)


def test_palette_invents_no_colours_in_a_flat_picture() -> None:
    rng = np.random.default_rng(0)
    flat = np.clip(128 + rng.normal(0, 1.5, (48, 48, 3)), 0, 255).astype(np.uint8)
    vivid = palette_of(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    assert match_palette(flat, vivid).std(axis=(0, 1)).max() < 5


def test_palette_in_the_pipeline(bank: Bank, counting_engine: CountingEngine, photograph: Picture) -> None:
    painting = Painter(counting_engine, bank).paint(photograph, replace(WAVE, palette=True)).rgb
    np.testing.assert_allclose(palette_of(painting).mean, bank.stats("wave").palette.mean, atol=0.06)
