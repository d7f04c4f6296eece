"""Steady paintings: noise, motion, cuts and looks, on scenes made here and a painter with a flicker of its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from livestyle.errors import SettingError
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.style import Palette
from livestyle.looks.style_weights import normalised
from livestyle.painting.pipeline import Painter
from livestyle.painting.stability import CARRIED_SIDE_PX, Stabilizer
from tests.conftest import CountingEngine
from tests.pictures import difference, scene

PERIOD_SECONDS = 1 / 30


def noisy(picture: Picture, index: int, levels: float) -> Picture:
    noise = np.random.default_rng(1000 + index).normal(0, levels, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def steadied(frames: list[Picture], paintings: list[Picture], strength: float = 0.5) -> list[Picture]:
    stabilizer = Stabilizer()
    steady = []
    for i, (frame, painting) in enumerate(zip(frames, paintings, strict=True)):
        stabilizer.calm(frame, strength, i * PERIOD_SECONDS)
        steady.append(stabilizer.steady(painting, stabilizer.step))
    return steady


def edges(picture: Picture) -> float:
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


def test_a_still_scene_does_not_flicker() -> None:
    paintings = [noisy(scene(1), i, 12) for i in range(30)]
    steady = steadied([scene()] * 30, paintings)
    flicker = [difference(a, b) for a, b in zip(steady[20:], steady[21:], strict=False)]
    assert np.mean(flicker) < 0.1 * difference(paintings[20], paintings[21])
    assert difference(steady[-1], scene(1)) < 0.4 * difference(paintings[-1], scene(1))


def test_more_stability_is_steadier() -> None:
    paintings = [noisy(scene(1), i, 12) for i in range(20)]
    flicker = []
    for strength in (0.2, 0.5, 0.8):
        steady = steadied([scene()] * 20, paintings, strength)
        flicker.append(difference(steady[-2], steady[-1]))
    assert flicker[0] > 1.5 * flicker[1] > 2 * flicker[2]


def test_noise_is_taken_off_a_still_scene_before_it_is_painted() -> None:
    stabilizer = Stabilizer()
    frames = [noisy(scene(), i, 5) for i in range(30)]
    calm = [stabilizer.calm(frame, 0.5, i * PERIOD_SECONDS) for i, frame in enumerate(frames)]
    assert difference(calm[-2], calm[-1]) < 0.4 * difference(frames[-2], frames[-1])


def test_what_moves_is_carried_along_and_stays_sharp() -> None:
    wide = scene(3, (180, 600))
    frames = [wide[:, 4 * i : 4 * i + 320] for i in range(20)]
    paintings = [noisy(255 - frame, i, 12) for i, frame in enumerate(frames)]
    steady = steadied(frames, paintings)
    inner = np.s_[16:-16, 16:-16]
    assert difference(steady[-1][inner], 255 - frames[-1][inner]) < 0.75 * difference(
        paintings[-1][inner], 255 - frames[-1][inner]
    )
    clean = steadied(frames, [255 - frame for frame in frames])
    assert edges(clean[-1][inner]) > 0.97 * edges(255 - frames[-1][inner])


def test_a_slow_pan_does_not_smear() -> None:
    wide = cv2.resize(scene(3, (180, 400)), None, fx=8, fy=1, interpolation=cv2.INTER_CUBIC)
    frames = [cv2.resize(wide[:, 2 * i : 2 * i + 2560], (320, 180), interpolation=cv2.INTER_AREA) for i in range(60)]
    paintings = [(255 - frame).astype(np.uint8) for frame in frames]
    steady = steadied([frame.astype(np.uint8) for frame in frames], paintings)
    assert difference(steady[-1], paintings[-1]) < 0.25 * difference(paintings[-13], paintings[-1])


def test_nothing_is_smeared_over_a_cut() -> None:
    frames = [scene(1)] * 10 + [scene(2)]
    paintings = [255 - frame for frame in frames]
    np.testing.assert_array_equal(steadied(frames, paintings)[-1], paintings[-1])


def test_what_comes_into_view_is_new() -> None:
    before, after = scene(1), scene(1)
    after[40:140, 100:200] = scene(2)[40:140, 100:200]
    frames = [before] * 10 + [after]
    paintings = [255 - frame for frame in frames]
    steady = steadied(frames, paintings)[-1]
    inside = np.s_[50:130, 110:190]
    assert difference(steady[inside], paintings[-1][inside]) < 0.2 * difference(
        paintings[0][inside], paintings[-1][inside]
    )


@pytest.mark.parametrize("at_seconds", [-1.0, 0.8])
def test_a_jump_in_time_begins_anew(at_seconds: float) -> None:
    stabilizer = Stabilizer()
    stabilizer.calm(scene(), 0.5, 0.0)
    stabilizer.steady(scene(1), stabilizer.step)
    np.testing.assert_array_equal(stabilizer.calm(noisy(scene(), 0, 4), 0.5, at_seconds), noisy(scene(), 0, 4))
    np.testing.assert_array_equal(stabilizer.steady(noisy(scene(1), 0, 4), stabilizer.step), noisy(scene(1), 0, 4))


def test_another_size_begins_anew() -> None:
    stabilizer = Stabilizer()
    stabilizer.calm(scene(), 0.5, 0.0)
    stabilizer.steady(scene(1), stabilizer.step)
    small = scene(1, (90, 160))
    stabilizer.calm(small, 0.5, PERIOD_SECONDS)
    np.testing.assert_array_equal(stabilizer.steady(small, stabilizer.step), small)


def test_large_paintings_keep_their_own_fine_strokes() -> None:
    side = 2 * CARRIED_SIDE_PX
    frame = scene(0, (side, side))
    strokes = np.indices((side, side)).sum(0) % 2 * 40
    paintings = [
        np.clip(noisy(scene(1, (side, side)), 0, 0) * 0.8 + strokes[..., None] + 20 * (i % 2), 0, 255) for i in range(8)
    ]
    steady = steadied([frame] * 8, [p.astype(np.uint8) for p in paintings])
    assert difference(steady[-2], steady[-1]) < 0.4 * difference(paintings[-2], paintings[-1])
    assert edges(steady[-1]) > 0.98 * edges(paintings[-1])


def test_colours_do_not_pump() -> None:
    stabilizer = Stabilizer()
    shown = []
    for i in range(20):
        stabilizer.calm(scene(), 0.5, i * PERIOD_SECONDS)
        own = Palette(np.full(3, 0.5 + 0.1 * (i % 2), np.float32), np.eye(3, dtype=np.float32))
        shown.append(stabilizer.palettes([own], stabilizer.step)[0].mean[0])
    assert abs(shown[-1] - shown[-2]) < 0.02
    assert shown[-1] == pytest.approx(0.55, abs=0.03)


def test_what_the_frames_do_not_tell_leaves_no_ghost() -> None:
    """A painting that changes by far, as the light around dark things does, where the frame hardly does."""
    painted = scene(1) // 4
    lit = painted.copy()
    lit[60:120, 100:200, 0] += 120
    frames = [scene()] * 20
    steady = steadied(frames, [lit] * 10 + [painted] * 10)
    inside = np.s_[64:116, 104:196]
    assert difference(steady[10][inside], painted[inside]) < 1
    away = np.s_[:40]
    assert difference(steady[10][away], painted[away]) < 1


class FlickeringEngine(CountingEngine):
    """Paints the negative, a tenth darker every other time."""

    def stylize(self, rgb: Picture, code: object, alpha: float) -> Picture:
        painting = super().stylize(rgb, code, alpha)
        return (painting * (0.9 if self.painted % 2 else 1.0)).astype(np.uint8)


def flicker_of(bank: Bank, *looks: Look, stream: bool = True) -> float:
    """Difference of the last two of ten paintings; the looks take turns."""
    painter = Painter(FlickeringEngine(), bank)
    shown = [
        painter.paint(scene(), looks[i % len(looks)], at_seconds=i * PERIOD_SECONDS if stream else None).rgb
        for i in range(10)
    ]
    return difference(shown[-2], shown[-1])


def test_a_stream_is_painted_steadily(bank: Bank) -> None:
    look = Look(((bank.names[0], 1.0),), palette=False)
    off = Look(look.weights, palette=False, stability=0.0)
    assert flicker_of(bank, look) < 0.2 * flicker_of(bank, off)
    assert flicker_of(bank, look, stream=False) == flicker_of(bank, off)


def test_another_style_is_shown_at_once(bank: Bank) -> None:
    one, other = (Look(((name, 1.0),), palette=False) for name in bank.names[:2])
    off = Look(one.weights, palette=False, stability=0.0)
    assert flicker_of(bank, one, other) == flicker_of(bank, off)


class GreyEngine(FlickeringEngine):
    """Paints an even grey, 100 in the first of two styles and 200 in the second, a tenth darker every other time."""

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        self._ends = [float(bank.stats(name).means[3].mean()) for name in bank.names[:2]]

    def stylize(self, rgb: Picture, code: float, alpha: float) -> Picture:  # type: ignore[override]
        grey = np.interp(code, sorted(self._ends), (100, 200) if self._ends[0] < self._ends[1] else (200, 100))
        return super().stylize(np.full_like(rgb, 255 - round(grey)), code, alpha)


@pytest.mark.parametrize("fade_seconds", [0.5, 1.0])
def test_a_crossfade_is_steady_and_hardly_behind(bank: Bank, fade_seconds: float) -> None:
    painter, greys = Painter(GreyEngine(bank), bank), []
    for i in range(60):
        part = min(1.0, max(0.0, (i - 20) * PERIOD_SECONDS / fade_seconds))
        look = Look(normalised([(bank.names[0], 1 - part), (bank.names[1], part)]), palette=False)
        shown = painter.paint(scene(), look, at_seconds=i * PERIOD_SECONDS).rgb
        greys.append((float(shown.mean()), 0.95 * (100 + 100 * part)))
    found, wanted = np.array(greys).T
    assert np.abs(found - wanted)[10:].max() < 15
    assert np.abs(np.diff(found - wanted))[10:].mean() < 0.3 * np.abs(np.diff([100, 90, 100])).mean()
    assert np.abs(found - wanted)[-5:].max() < 8


def test_stability_is_between_0_and_1() -> None:
    with pytest.raises(SettingError, match="stability 1.5 is out of range"):
        Look((("wave", 1.0),), stability=1.5)
