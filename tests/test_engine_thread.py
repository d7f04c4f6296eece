"""The thread that paints: which frames, when again, and what it says of the time."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from livestyle.frame import Frame, Picture
from livestyle.live.engine_thread import FROZEN_SECONDS, EngineThread
from livestyle.looks.bank import Bank
from livestyle.painting.pipeline import Painter
from livestyle.show.state import pick
from livestyle.sources.pacing import Latest
from tests.conftest import CountingEngine
from tests.running import PATIENCE_SECONDS, SmallHold, make_show, wait_until


def test_the_newest_frame_is_painted_not_the_oldest(bank: Bank, counting_engine: CountingEngine) -> None:
    frames: Latest[Frame] = Latest()
    for i in range(10):
        frames.put(Frame(np.full((32, 32, 3), i, np.uint8), i, Fraction(i)))
    engine_thread = EngineThread(lambda: Painter(counting_engine, bank), frames, make_show(bank))
    engine_thread.start()
    finished = engine_thread.finished.take(PATIENCE_SECONDS)
    engine_thread.stop()
    assert finished is not None and finished.frame.index == 9


class CompilingEngine(CountingEngine):
    """Two more frames come while it sees a size for the first time."""

    def __init__(self, frames: Latest[Frame]) -> None:
        super().__init__()
        self._frames, self._index, self._seen = frames, 0, set[int]()

    def stylize(self, rgb: Picture, code: object, alpha: float) -> Picture:
        if rgb.shape[0] not in self._seen:
            self._seen.add(rgb.shape[0])
            for _ in range(2):
                self._index += 1
                self._frames.put(Frame(rgb, self._index, Fraction(self._index)))
        return super().stylize(rgb, code, alpha)


def test_a_frame_that_waited_for_a_compiler_is_not_shown(bank: Bank) -> None:
    frames: Latest[Frame] = Latest()
    thread = EngineThread(lambda: Painter(CompilingEngine(frames), bank), frames, make_show(bank))
    thread.start()
    shown = []
    for side in (32, 48):
        frames.put(Frame(np.zeros((side, side, 3), np.uint8), 0, Fraction(0)))
        finished = thread.finished.take(PATIENCE_SECONDS)
        assert finished is not None
        shown.append((finished.frame.index, finished.painting.rgb.shape[0]))
    thread.stop()
    assert shown == [(2, 32), (4, 48)]


@pytest.mark.parametrize(("every_seconds", "least", "most"), [(0.0, 10, 10_000), (1000.0, 1, 1)])
def test_memory_goes_back_every_now_and_then(
    bank: Bank,
    counting_engine: CountingEngine,
    monkeypatch: pytest.MonkeyPatch,
    every_seconds: float,
    least: int,
    most: int,
) -> None:
    given: list[None] = []
    monkeypatch.setattr("livestyle.live.engine_thread.give_back", lambda: given.append(None))
    monkeypatch.setattr("livestyle.live.engine_thread.TIDY_SECONDS", every_seconds)
    frames: Latest[Frame] = Latest()
    thread = EngineThread(lambda: Painter(counting_engine, bank), frames, make_show(bank))
    thread.start()
    for _ in range(10):
        frames.put(Frame(np.zeros((32, 32, 3), np.uint8), 0, Fraction(0)))
        assert thread.finished.take(PATIENCE_SECONDS)
    thread.stop()
    assert least <= len(given) <= most


class HeldUpEngine(CountingEngine):
    """Another frame comes while it paints; those named were grabbed long before their painting is done."""

    def __init__(self, frames: Latest[Frame], late: set[int], last: int) -> None:
        super().__init__()
        self._frames, self._late, self._last = frames, late, last
        self._index = 0

    def next_frame(self) -> None:
        age_seconds = 1000.0 if self._index in self._late else -1000.0  # whatever the machine is busy with
        frame = Frame(np.full((32, 32, 3), self._index, np.uint8), self._index, Fraction(self._index))
        self._frames.put(replace(frame, grabbed_at=time.monotonic() - age_seconds))
        self._index += 1

    def stylize(self, rgb: Picture, code: object, alpha: float) -> Picture:
        if self._index <= self._last:
            self.next_frame()
        return super().stylize(rgb, code, alpha)


@pytest.mark.parametrize(
    ("late", "shown"),
    [
        ({3}, [0, 1, 2, 4, 5]),  # held up once
        ({3, 4}, [0, 1, 2, 4, 5]),  # but never nothing for long
        (set(range(6)), [0, 1, 2, 3, 4, 5]),  # this one is as slow as that
        ({5}, [0, 1, 2, 3, 4, 5]),  # nothing newer waits
    ],
)
def test_a_frame_that_was_held_up_gives_way_to_a_newer_one(bank: Bank, late: set[int], shown: list[int]) -> None:
    frames: Latest[Frame] = Latest()
    engine = HeldUpEngine(frames, late, last=5)
    thread = EngineThread(lambda: Painter(engine, bank), frames, make_show(bank))
    seen: list[int] = []
    thread.finished.put = lambda done: seen.append(done.frame.index)  # type: ignore[method-assign]
    engine.next_frame()
    thread.start()
    wait_until(lambda: bool(seen) and seen[-1] == 5)
    thread.stop()
    assert [index for index in seen if index] == shown[1:]  # painter.warm_up paints the first one too


FRESH = Frame(np.zeros((32, 32, 3), np.uint8), 0, Fraction(0))


def after_painting(first: Frame, frames: Latest[Frame], engine: CountingEngine, bank: Bank) -> EngineThread:
    """A thread that runs, and has painted one frame."""
    thread = EngineThread(lambda: Painter(engine, bank), frames, make_show(bank))
    thread.start()
    frames.put(first)
    assert thread.finished.take(PATIENCE_SECONDS)
    return thread


def test_a_frozen_show_gives_way_to_no_frame(
    bank: Bank, counting_engine: CountingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long its new look takes: the frames that wait are not to be shown."""
    frames: Latest[Frame] = Latest()
    thread = after_painting(replace(FRESH, grabbed_at=time.monotonic() + 1000), frames, counting_engine, bank)
    show = thread.show = replace(thread.show, frozen=True, fade_seconds=0.0)
    time.sleep(0.3)  # a frame may be taken just before the freeze
    frames.put(replace(FRESH, index=1))
    monkeypatch.setattr("livestyle.live.engine_thread.LATE_SECONDS", -1.0)  # so every painting is late
    thread.show = pick(show, "scream", time.monotonic())
    repainted = thread.finished.take(PATIENCE_SECONDS)
    thread.stop()
    assert repainted and repainted.frame.index == 0 and repainted.look.weights == (("scream", 1.0),)


def test_a_frozen_show_repaints_only_when_the_look_changes(bank: Bank, counting_engine: CountingEngine) -> None:
    frames: Latest[Frame] = Latest()
    engine_thread = after_painting(FRESH, frames, counting_engine, bank)
    first = counting_engine.painted
    show = engine_thread.show = replace(engine_thread.show, frozen=True)
    frames.put(Frame(np.ones((32, 32, 3), np.uint8), 1, Fraction(1)))
    time.sleep(0.3)  # a frame may have been taken just before the freeze
    painted = counting_engine.painted
    time.sleep(0.3)
    assert counting_engine.painted == painted <= first + 1
    engine_thread.show = pick(show, "scream", time.monotonic())
    wait_until(lambda: counting_engine.painted == painted + 1)
    engine_thread.stop()


def test_a_frozen_crossfade_leaves_the_other_threads_their_turn(bank: Bank, counting_engine: CountingEngine) -> None:
    """Without a network to wait for, too: an endless loop held Python's lock, and the window took 0.2 s a picture."""
    thread = after_painting(FRESH, Latest(), counting_engine, bank)
    show = thread.show
    bypassed = replace(show, frozen=True, look=replace(show.look, bypass=True), fade_seconds=600.0)
    thread.show = pick(bypassed, "scream", time.monotonic())
    assert thread.finished.take(PATIENCE_SECONDS)
    start, dropped = time.perf_counter(), thread.finished.dropped
    time.sleep(0.5)
    paintings = thread.finished.dropped - dropped
    most = (time.perf_counter() - start) / FROZEN_SECONDS + 2
    thread.stop()
    assert 1 <= paintings <= most


def test_a_frozen_picture_says_nothing_about_the_rate(bank: Bank, counting_engine: CountingEngine) -> None:
    frames: Latest[Frame] = Latest()
    hold = SmallHold()
    thread = EngineThread(lambda: Painter(counting_engine, bank, hold=hold), frames, make_show(bank))
    thread.start()
    frames.put(Frame(np.zeros((32, 32, 3), np.uint8), 0, Fraction(0)))
    wait_until(lambda: hold.told == 1)
    painted = counting_engine.painted
    thread.show = pick(replace(thread.show, frozen=True), "scream", time.monotonic())
    wait_until(lambda: counting_engine.painted > painted)
    thread.stop()
    assert hold.told == 1


def test_the_wait_for_each_frame_is_measured(bank: Bank, counting_engine: CountingEngine) -> None:
    frames: Latest[Frame] = Latest()
    thread = EngineThread(lambda: Painter(counting_engine, bank), frames, make_show(bank))
    waits_ms = []
    start = time.perf_counter()
    thread.start()
    for n in range(6):
        frames.put(Frame(np.zeros((32, 32, 3), np.uint8), n, Fraction(n)))
        finished = thread.finished.take(PATIENCE_SECONDS)
        assert finished is not None
        waits_ms.append(finished.wait_ms)
        time.sleep(0.1)
    thread.stop()
    assert min(waits_ms[1:]) > 50
    assert sum(waits_ms) <= (time.perf_counter() - start) * 1000, "no moment is counted twice"
