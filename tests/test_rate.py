"""Holding a frame rate: a simulated engine on a simulated clock."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from livestyle.errors import SettingError
from livestyle.painting.rate import MIN_SIDE_PX, RateHold, Size, rate_hold, working_sizes

OUTPUT = (1280, 720)
FPS = 30
BUDGET_MS = 1000 / FPS
COMPILE_MS = 300.0


@dataclass
class Simulation:
    """A stream of 30 frames a second, and an engine whose time goes with the area.

    full_ms: the network at full size. noise: of each painting, as a share. hiccups: share of the
    paintings that something else delays, by 80 ms in the mean.
    """

    hold: RateHold
    full_ms: float
    load: Callable[[float], float] = lambda now_seconds: 1.0
    noise: float = 0.0
    hiccups: float = 0.0
    rest_ms: float = 4.0
    seed: int = 0
    now_seconds: float = 0.0
    sizes: list[tuple[float, Size]] = field(default_factory=list)
    """(when in seconds, the size from then on)."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def run(self, seconds: float) -> Simulation:
        """Paint on for so long."""
        end = self.now_seconds + seconds
        while self.now_seconds < end:
            self._paint()
        return self

    @property
    def size(self) -> Size:
        """The newest working size."""
        return self.sizes[-1][1]

    def true_ms(self, size: Size) -> float:
        """What a painting of that size takes now, without noise."""
        share = size[0] * size[1] / (OUTPUT[0] * OUTPUT[1])
        return self.rest_ms + self.full_ms * share * self.load(self.now_seconds)

    def _paint(self) -> None:
        size = self.hold.size_for(*OUTPUT)
        compiles = not self.sizes or size != self.size
        if compiles:
            self.sizes.append((self.now_seconds, size))
        network_ms = (self.true_ms(size) - self.rest_ms) * math.exp(self._random.gauss(0, self.noise))
        network_ms += COMPILE_MS * compiles
        if self._random.random() < self.hiccups:
            network_ms += self._random.expovariate(1 / 80)
        took_ms = network_ms + self.rest_ms
        self.now_seconds += took_ms / 1000
        self.hold.painted(took_ms, network_ms, self.now_seconds)
        self.now_seconds += max(0.0, 1 / 30 - took_ms / 1000)


def simulation(full_ms: float, **options: object) -> Simulation:
    return Simulation(RateHold(FPS), full_ms, **options)  # type: ignore[arg-type]


def largest_fitting(simulated: Simulation, share: float) -> Size:
    """The largest size that takes no more than that share of the budget."""
    return next(size for size in working_sizes(*OUTPUT) if simulated.true_ms(size) <= share * BUDGET_MS)


@pytest.mark.parametrize("output", [(1280, 720), (640, 360), (720, 1280), (640, 480), (190, 251), (3840, 2160)])
def test_working_sizes(output: Size) -> None:
    first, *smaller = sizes = working_sizes(*output)
    assert first == output and smaller
    for width, height in smaller:
        assert width % 8 == height % 8 == 0 and min(width, height) >= MIN_SIDE_PX
        scale = math.sqrt(width * height / (output[0] * output[1]))
        assert abs(width - scale * output[0]) <= 8 and abs(height - scale * output[1]) <= 8
    for (w, h), (w_next, h_next) in zip(sizes, smaller, strict=False):
        assert w_next <= w and h_next <= h and 0.6 < w_next * h_next / (w * h) < 0.9
    assert min(sizes[-1]) < 1.25 * MIN_SIDE_PX


def test_half_of_a_round_size_is_a_step() -> None:
    assert (640, 360) in working_sizes(1280, 720) and (960, 544) in working_sizes(1920, 1080)


@pytest.mark.parametrize("output", [(160, 160), (100, 50), (16, 1000), (165, 165)])
def test_a_small_output_is_never_changed(output: Size) -> None:
    assert working_sizes(*output) == (output,)
    hold = RateHold(FPS)
    for n in range(100):
        assert hold.size_for(*output) == output
        hold.painted(500, 490, n / 2)


@pytest.mark.parametrize("full_ms", [36, 50, 100, 200, 300])
def test_a_slow_engine_gets_the_right_size_in_a_second(full_ms: float) -> None:
    simulated = simulation(full_ms).run(60)
    assert len(simulated.sizes) == 2, "one step, straight to the right size"
    when, size = simulated.sizes[1]
    assert size == largest_fitting(simulated, 0.85)
    assert when <= (2 * COMPILE_MS + 3 * full_ms) / 1000 + 0.5


def test_a_quick_engine_paints_at_full_size() -> None:
    assert simulation(25, noise=0.1).run(60).sizes == [(0, OUTPUT)]


def test_the_smallest_size_is_the_floor() -> None:
    simulated = simulation(3000).run(60)
    assert [size for _, size in simulated.sizes] == [OUTPUT, (288, 160)]


def test_one_painting_says_nothing() -> None:
    hold = RateHold(FPS)
    hold.size_for(*OUTPUT)
    for n, took_ms in enumerate((20, 1000, 20, 20, 1000)):  # the first is not counted
        hold.painted(took_ms, took_ms - 4, n)
        assert hold.size_for(*OUTPUT) == OUTPUT


def test_the_first_painting_at_a_size_is_not_counted() -> None:
    hold = RateHold(FPS)
    assert hold.size_for(*OUTPUT) == OUTPUT
    for now_seconds in (0.3, 0.6):
        hold.painted(300, 296, now_seconds)
    assert hold.size_for(*OUTPUT) == OUTPUT, "one of the two compiled"
    hold.painted(300, 296, 0.9)
    assert hold.size_for(*OUTPUT) != OUTPUT


def test_less_than_the_time_for_a_change_changes_nothing() -> None:
    """A load of a third of a second."""
    simulated = simulation(20, load=lambda now_seconds: 3.0 if 10 < now_seconds < 10.3 else 1.0).run(60)
    assert simulated.sizes == [(0, OUTPUT)]


def test_what_stays_the_same_is_not_scaled() -> None:
    """20 of the 40 ms have nothing to do with the size."""
    simulated = simulation(20, rest_ms=20).run(10)
    assert simulated.size == largest_fitting(simulated, 0.85) == (800, 448)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("full_ms", [24, 30, 36, 45, 100])
def test_noise_does_not_make_it_pump(full_ms: float, seed: int) -> None:
    simulated = simulation(full_ms, noise=0.15, hiccups=0.02, seed=seed).run(600)
    assert len(simulated.sizes) <= 5
    assert simulated.true_ms(simulated.size) <= 1.05 * BUDGET_MS


@pytest.mark.parametrize("seed", range(8))
def test_a_load_that_comes_and_goes_does_not_make_it_pump(seed: int) -> None:
    """Each change of size shows: this load changes 171 times, and is followed but now and then."""
    simulated = simulation(30, load=lambda now: 1.6 if now % 7 < 3 else 1.0, noise=0.1, hiccups=0.02, seed=seed)
    assert len(simulated.run(600).sizes) <= 24


def test_it_goes_up_again_one_step_at_a_time() -> None:
    simulated = simulation(20, load=lambda now_seconds: 5.0 if now_seconds < 20 else 1.0).run(60)
    before = [size for when, size in simulated.sizes if when < 20]
    after = [(when, size) for when, size in simulated.sizes if when >= 20]
    sizes = working_sizes(*OUTPUT)
    assert [size for _, size in after] == list(reversed(sizes[: sizes.index(before[-1])]))
    times = [20, *(when for when, _ in after)]
    assert all(2.5 <= later - earlier < 4 for earlier, later in zip(times, times[1:], strict=False))


def mistakes(hold: RateHold, seconds: float) -> list[float]:
    """When, in seconds, steps up were taken that failed: every size above 640x360 is six times as slow."""
    now_seconds, size = 0.0, OUTPUT
    ups = []
    while now_seconds < seconds:
        before, size = size, hold.size_for(*OUTPUT)
        if size[0] > max(before[0], 640):
            ups.append(now_seconds)
        took_ms = 60.0 if size[0] > 640 else 10.0
        now_seconds += max(took_ms / 1000, 1 / 30)
        hold.painted(took_ms, took_ms, now_seconds)
    return ups


def test_a_step_up_that_was_a_mistake_is_tried_ever_later() -> None:
    ups = mistakes(RateHold(FPS), 900)
    pauses = [later - earlier for earlier, later in zip(ups, ups[1:], strict=False)]
    assert len(pauses) >= 7
    for pause, expected in zip(pauses, [10, 20, 40, 80, 120, 120, 120], strict=False):
        assert expected <= pause < expected + 7


def test_a_step_up_that_lasts_ends_the_pauses() -> None:
    """A load every three minutes is followed each time: what it took back was no mistake."""
    simulated = simulation(20, load=lambda now_seconds: 1.5 if now_seconds % 180 < 60 else 1.0).run(1800)
    ups = [
        when
        for (_, before), (when, size) in zip(simulated.sizes, simulated.sizes[1:], strict=False)
        if size[0] > before[0]
    ]
    assert len(ups) == 10 and all(60 < when % 180 < 65 for when in ups)


def test_another_output_starts_anew() -> None:
    hold = simulation(200).run(10).hold
    assert hold.size_for(*OUTPUT) != OUTPUT
    for now_seconds in (20.0, 20.4):
        assert hold.size_for(640, 360) == (640, 360)
        hold.painted(390, 390, now_seconds)
    assert hold.size_for(640, 360) == (640, 360), "the first of the two compiled"
    hold.painted(390, 390, 20.8)
    assert hold.size_for(640, 360) != (640, 360), "nothing is left of the other output's paintings"
    assert hold.size_for(*OUTPUT) == OUTPUT


def test_another_output_ends_a_pause() -> None:
    hold = RateHold(FPS)
    last_up = mistakes(hold, 200)[-1]
    sizes = [hold.size_for(640, 360)]
    for n in range(30 * 5):
        took_ms = 60 if n < 30 else 5
        hold.painted(took_ms, took_ms, 200 + n / 30)
        sizes.append(hold.size_for(640, 360))
    assert last_up > 150, "a pause of 80 seconds lasts"
    assert min(sizes) < (640, 360) and sizes[-1] > min(sizes)


@pytest.mark.parametrize("fps", [-1, 0.5, 241, math.nan, math.inf])
def test_a_rate_that_cannot_be_held(fps: float) -> None:
    with pytest.raises(SettingError, match=f"frame rate {fps:g}: choose 1 to 240"):
        rate_hold(fps)


def test_zero_holds_nothing() -> None:
    assert rate_hold(0) is None
    assert rate_hold(1) and rate_hold(240)
