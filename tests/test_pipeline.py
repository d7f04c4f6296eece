"""The per-frame path: sizes, looks, and what it must never do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from livestyle.assets import asset_dir
from livestyle.engine import Engine
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_split
from livestyle.looks.style import palette_of
from livestyle.painting.color import PALETTE_PIXELS, keep_frame_color, match_palette
from livestyle.painting.pipeline import Painter
from livestyle.painting.rate import RateHold, Size
from livestyle.resize import resized
from livestyle.show.state import new_show, pick
from livestyle.sources.images import load_image
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


def test_a_few_pixels_tell_a_large_pictures_colours() -> None:
    """A photograph matched to its own palette stays as it is, in sizes of which a part is looked at."""
    photograph = load_image(asset_dir("media") / "astronaut.jpg")
    for picture in (photograph, photograph[:301, :407]):
        assert picture.shape[0] * picture.shape[1] > 8 * PALETTE_PIXELS
        np.testing.assert_allclose(match_palette(picture, palette_of(picture)), picture, atol=3)


def test_palette_invents_no_colours_in_a_flat_picture() -> None:
    rng = np.random.default_rng(0)
    flat = np.clip(128 + rng.normal(0, 1.5, (48, 48, 3)), 0, 255).astype(np.uint8)
    vivid = palette_of(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    assert match_palette(flat, vivid).std(axis=(0, 1)).max() < 5


def test_palette_in_the_pipeline(bank: Bank, counting_engine: CountingEngine, photograph: Picture) -> None:
    painting = Painter(counting_engine, bank).paint(photograph, replace(WAVE, palette=True)).rgb
    np.testing.assert_allclose(palette_of(painting).mean, bank.stats("wave").palette.mean, atol=0.06)


class SmallHold(RateHold):
    """Answers one size always, and keeps what it is told."""

    def __init__(self, size: Size) -> None:
        super().__init__(30)
        self.size = size
        self.asked: list[Size] = []
        self.told: list[tuple[float, float, float]] = []

    def size_for(self, width: int, height: int) -> Size:
        self.asked.append((width, height))
        return self.size

    def painted(self, took_ms: float, network_ms: float, now_seconds: float) -> None:
        self.told.append((took_ms, network_ms, now_seconds))


class SizesEngine(CountingEngine):
    """Keeps the shapes of the frames it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def stylize(self, rgb: Picture, code: object, alpha: float) -> Picture:
        self.shapes.append(rgb.shape)
        return super().stylize(rgb, code, alpha)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_small_working_size_is_enlarged_to_the_output(bank: Bank, photograph: Picture, mirror: bool) -> None:
    engine, hold = SizesEngine(), SmallHold((64, 48))
    painting = Painter(engine, bank, hold=hold).paint(photograph, replace(WAVE, mirror=mirror))
    assert (engine.shapes, hold.asked, painting.working_size) == ([(48, 64, 3)], [(128, 96)], (64, 48))
    expected = 255 - (photograph[:, ::-1] if mirror else photograph).astype(int)
    assert painting.rgb.shape == expected.shape and painting.rgb.dtype == np.uint8
    assert np.abs(painting.rgb - expected).mean() < 4


def test_the_hold_is_told_the_whole_time_and_the_networks(bank: Bank, photograph: Picture) -> None:
    hold = SmallHold((64, 48))
    painting = Painter(CountingEngine(), bank, hold=hold).paint(photograph, replace(WAVE, palette=True))
    assert list(painting.stage_ms) == ["prepare", "style", "network", "colour", "enlarge"]
    ((took_ms, network_ms, _),) = hold.told
    assert took_ms == pytest.approx(sum(painting.stage_ms.values()))
    assert network_ms == painting.stage_ms["network"]


def test_the_hold_is_not_told_of_what_says_nothing(bank: Bank, photograph: Picture) -> None:
    hold = SmallHold((64, 48))
    painter = Painter(CountingEngine(), bank, hold=hold)
    bypassed = painter.paint(photograph, replace(WAVE, bypass=True))
    assert bypassed.working_size is None and bypassed.rgb.shape == photograph.shape
    held = painter.paint(photograph, WAVE, counts=False)
    assert held.working_size == (64, 48) and hold.told == []


def test_without_a_hold_nothing_is_enlarged(bank: Bank, counting_engine: CountingEngine, photograph: Picture) -> None:
    painting = Painter(counting_engine, bank).paint(photograph, WAVE)
    assert painting.working_size == (128, 96) and "enlarge" not in painting.stage_ms


def test_own_colours_are_those_of_the_full_frame(bank: Bank, counting_engine: CountingEngine) -> None:
    """Stripes of one pixel would be gone in the small frame."""
    stripes = np.full((96, 128, 3), 120, np.uint8)
    stripes[:, ::2] = (160, 110, 90)
    painter = Painter(counting_engine, bank, hold=SmallHold((64, 48)))
    painting = painter.paint(stripes, replace(WAVE, preserve_color=True)).rgb.astype(int)
    redness = painting[..., 0] - painting[..., 2]
    np.testing.assert_allclose(redness[:, ::2], 70, atol=4)
    np.testing.assert_allclose(redness[:, 1::2], 0, atol=4)
    np.testing.assert_allclose(painting @ (0.299, 0.587, 0.114), 255 - 121, atol=6)


def test_a_slow_painter_becomes_smaller_by_itself(bank: Bank, photograph: Picture) -> None:
    """With the real hold: a rate that no machine has."""
    hold = RateHold(240)
    for n in range(4):
        hold.size_for(640, 480)
        hold.painted(400, 390, n)
    painting = Painter(CountingEngine(), bank, size=(640, 480), hold=hold).paint(photograph, WAVE)
    assert painting.working_size == (216, 160) and painting.rgb.shape == (480, 640, 3)


def look_of_frame(n: int) -> Look:
    """A crossfade, the frame itself, two sides, no steadiness."""
    look = replace(WAVE, palette=True)
    if n < 4:
        return look
    if n < 7:
        return replace(look, weights=(("wave", 1 - (n - 3) / 4), ("scream", (n - 3) / 4)))
    if n < 9:
        return replace(look, bypass=True)
    if n < 11:
        return replace(look, layout=parse_split("left:wave,right:original"), preserve_color=True)
    return replace(look, stability=0.0 if n < 13 else 0.5)


def test_warming_up_readies_each_size_and_at_first_the_next_smaller_one(bank: Bank) -> None:
    engine, hold = SizesEngine(), RateHold(30)
    painter = Painter(engine, bank, hold=hold)
    frame, other = np.zeros((360, 640, 3), np.uint8), np.zeros((240, 320, 3), np.uint8)
    assert [painter.warm_up(frame, WAVE) for _ in range(4)] == [True, True, False, False]
    assert engine.shapes == [(360, 640, 3), (312, 560, 3)] and hold.smaller == (560, 312)
    hold._go(2)
    assert [painter.warm_up(frame, WAVE) for _ in range(2)] == [True, False]
    assert engine.shapes[2:] == [(*hold.size_for(640, 360)[::-1], 3)]
    assert [painter.warm_up(other, WAVE) for _ in range(3)] == [True, True, False]
    assert engine.shapes[3:] == [(240, 320, 3), (208, 280, 3)] and hold.smaller == (280, 208)


@pytest.mark.parametrize(("side", "hold"), [(160, RateHold(30)), (160, None), (360, None)])
def test_no_other_size_is_readied_where_there_is_none(bank: Bank, side: int, hold: RateHold | None) -> None:
    engine, frame = SizesEngine(), np.zeros((side, side, 3), np.uint8)
    painter = Painter(engine, bank, hold=hold)
    looks = replace(WAVE, bypass=True), WAVE, WAVE
    assert [painter.warm_up(frame, look) for look in looks] == [False, True, False]
    assert engine.shapes == [(side, side, 3)]


def test_several_under_way_are_painted_as_one_by_one(engine: Engine, bank: Bank, photograph: Picture) -> None:
    frames = [np.roll(photograph, n, axis=1) for n in range(14)] + [255 - np.roll(photograph, n) for n in range(3)]
    one_by_one, painter = Painter(engine, bank), Painter(engine, bank)
    expected = [one_by_one.paint(rgb, look_of_frame(n), at_seconds=n / 30).rgb for n, rgb in enumerate(frames)]
    under_way, paintings = [], []
    for n, rgb in enumerate(frames):
        if len(under_way) == 3:
            paintings.append(painter.finish(under_way.pop(0)).rgb)
        under_way.append(painter.start(rgb, look_of_frame(n), at_seconds=n / 30))
    paintings += [painter.finish(started).rgb for started in under_way]
    for n, pair in enumerate(zip(paintings, expected, strict=True)):
        np.testing.assert_array_equal(*pair, err_msg=f"frame {n}")


def test_after_a_reset_a_stream_begins_anew(engine: Engine, bank: Bank, photograph: Picture) -> None:
    painter = Painter(engine, bank)
    first = painter.paint(photograph, WAVE, at_seconds=0.0).rgb
    carried = painter.paint(photograph // 2 + 60, WAVE, at_seconds=0.03).rgb
    painter.reset()
    np.testing.assert_array_equal(painter.paint(photograph, WAVE, at_seconds=0.06).rgb, first)
    assert not np.array_equal(carried, first)
