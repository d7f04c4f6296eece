"""Newest wins, files play like cameras, lost sources come back, and every wait ends when asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest

from livestyle.errors import SettingError, SourceError, SourceLost
from livestyle.frame import Frame
from livestyle.sources.pacing import CaptureThread, Latest, PacedSource


class Listed:
    """A source out of memory: one frame per pts, then None or an error."""

    def __init__(self, pts: Sequence[Fraction], *, then: Exception | None = None, read_seconds: float = 0.0) -> None:
        self.name = "listed"
        self.closed = 0
        self._pts, self._then, self._read_seconds = list(pts), then, read_seconds
        self._next = 0

    def read(self) -> Frame | None:
        time.sleep(self._read_seconds)
        if self._next == len(self._pts):
            if self._then:
                raise self._then
            return None
        rgb = np.full((2, 2, 3), self._next, np.uint8)
        self._next += 1
        return Frame(rgb, self._next - 1, self._pts[self._next - 1], grabbed_at=0.0)

    def close(self) -> None:
        self.closed += 1


def every(seconds: Fraction, count: int, *, start: Fraction = Fraction(0)) -> list[Fraction]:
    return [start + seconds * i for i in range(count)]


def read_all(source: PacedSource, count: int) -> list[Frame]:
    frames = [source.read() for _ in range(count)]
    assert None not in frames
    return [f for f in frames if f is not None]


def eventually(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up_at, "it never came true"
        time.sleep(0.005)


def test_latest_keeps_the_newest_and_counts_what_it_dropped() -> None:
    slot: Latest[int] = Latest()
    assert slot.peek() is None
    for item in (1, 2, 3):
        slot.put(item)
    assert slot.peek() == 3 and slot.dropped == 2
    assert slot.take(0) == 3
    assert slot.take(0.01) is None
    slot.put(4)
    assert slot.dropped == 2 and slot.take(0) == 4


def test_latest_wakes_a_waiter_for_an_item_and_for_the_close() -> None:
    slot: Latest[str] = Latest()
    got: list[str | None] = []
    reader = threading.Thread(target=lambda: got.extend([slot.take(20), slot.take(20)]))
    started = time.monotonic()
    reader.start()
    slot.put("frame")
    eventually(lambda: slot.peek() is None)
    slot.close()
    reader.join(timeout=10)
    assert got == ["frame", None] and time.monotonic() - started < 10
    slot.put("late")
    assert slot.take(0) is None


def test_paced_frames_come_when_they_are_due_and_are_stamped_then() -> None:
    step = Fraction(1, 20)
    source = PacedSource(lambda: Listed(every(step, 5, start=Fraction(7))), loop=False)
    before = time.monotonic()
    frames = []
    while (frame := source.read()) is not None:
        assert before <= frame.grabbed_at <= time.monotonic()
        assert frame.grabbed_at - before >= float(frame.pts_seconds) - 7
        frames.append(frame)
    # A busy computer may skip frames; what comes is in order, on the file's grid, and ends with its last.
    assert [f.pts_seconds for f in frames] == [7 + step * f.index for f in frames]
    assert frames[0].pts_seconds == 7 and frames[-1].index == 4
    assert sorted({f.index for f in frames}) == [f.index for f in frames]
    assert source.read() is None


def test_speed_divides_the_waiting() -> None:
    pts = every(Fraction(1, 5), 3)
    started = time.monotonic()
    frames = read_all(PacedSource(lambda: Listed(pts), loop=False, speed=0.5), 2)
    assert frames[1].grabbed_at - started >= 0.4
    started = time.monotonic()
    read_all(PacedSource(lambda: Listed(every(Fraction(10), 200)), loop=False, speed=200), 2)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("speed", [0, -1.0])
def test_a_speed_of_nothing_is_refused(speed: float) -> None:
    with pytest.raises(SettingError, match="speed"):
        PacedSource(lambda: Listed([]), speed=speed)


def test_a_slow_reader_gets_the_frame_of_now() -> None:
    source = PacedSource(lambda: Listed(every(Fraction(1, 50), 500)), loop=False)
    (first,) = read_all(source, 1)
    time.sleep(0.2)
    (second,) = read_all(source, 1)
    assert second.index - first.index >= 9
    assert np.all(second.rgb == second.index)


def test_a_source_that_decodes_too_slowly_still_moves() -> None:
    source = PacedSource(lambda: Listed(every(Fraction(1, 1000), 10_000), read_seconds=0.01), loop=False)
    frames = read_all(source, 4)
    indices = [f.index for f in frames]
    assert indices == sorted(set(indices)) and indices[-1] < 1000


def test_a_loop_goes_on_counting_without_a_seam() -> None:
    opened: list[Listed] = []

    def reopen() -> Listed:
        opened.append(Listed(every(Fraction(1, 30), 3, start=Fraction(2))))
        return opened[-1]

    source = PacedSource(reopen)
    frames = read_all(source, 8)
    source.close()
    assert all(f.pts_seconds == 2 + Fraction(f.index, 30) for f in frames)
    assert all(np.all(f.rgb == f.index % 3) for f in frames)
    assert frames[-1].index >= 7 and len(opened) >= 3
    assert all(listed.closed for listed in opened)


def test_one_still_picture_loops_at_a_calm_pace() -> None:
    opened = []

    def reopen() -> Listed:
        opened.append(1)
        return Listed([Fraction(0)])

    frames = read_all(PacedSource(reopen), 4)
    assert all(f.pts_seconds == Fraction(f.index, 25) for f in frames)
    assert len(opened) <= frames[-1].index + 2


def test_an_empty_source_ends_instead_of_looping() -> None:
    assert PacedSource(lambda: Listed([])).read() is None


def test_closing_from_another_thread_ends_the_wait() -> None:
    listed = Listed(every(Fraction(60), 3))
    source = PacedSource(lambda: listed)
    got: list[Frame | None] = []

    def read_twice() -> None:
        for _ in range(2):
            got.append(source.read())

    reader = threading.Thread(target=read_twice)
    reader.start()
    eventually(lambda: len(got) == 1)
    started = time.monotonic()
    source.close()
    reader.join(timeout=10)
    assert time.monotonic() - started < 5
    assert len(got) == 2 and got[0] is not None and got[1] is None
    assert listed.closed and source.read() is None


def test_a_slow_reader_of_the_capture_gets_the_newest_frame() -> None:
    capture = CaptureThread(lambda: Listed(every(Fraction(1), 50)))
    capture.start()
    eventually(lambda: capture.status == "ended")
    frame = capture.latest.take(0)
    assert frame is not None and frame.index == 49
    assert capture.frames_captured == 50 and capture.frames_dropped == 49
    capture.raise_if_failed()
    capture.stop()


def test_a_capture_that_ended_still_lets_its_readers_wait() -> None:
    capture = CaptureThread(lambda: Listed([]))
    capture.start()
    eventually(lambda: capture.status == "ended")
    started = time.monotonic()
    assert capture.latest.take(0.1) is None
    assert time.monotonic() - started >= 0.09  # a loop around take would burn a core otherwise
    capture.stop()


def test_an_error_at_the_first_open_reaches_the_caller() -> None:
    def refuse() -> Listed:
        raise SourceError("no camera '7'")

    capture = CaptureThread(refuse)
    capture.start()
    eventually(lambda: capture.status == "failed: no camera '7'")
    with pytest.raises(SourceError, match="no camera '7'"):
        capture.raise_if_failed()
    capture.stop()


@pytest.mark.parametrize("error", [SourceError("clip is damaged"), ZeroDivisionError("a defect")])
def test_an_error_while_running_ends_the_capture_and_closes_the_source(error: Exception) -> None:
    listed = Listed(every(Fraction(1), 2), then=error)
    capture = CaptureThread(lambda: listed)
    capture.start()
    eventually(lambda: capture.status.startswith("failed: "))
    with pytest.raises(type(error), match=str(error)):
        capture.raise_if_failed()
    capture.stop()
    assert listed.closed and capture.frames_captured == 2


def test_a_lost_source_is_opened_again_until_it_works() -> None:
    lost = Listed(every(Fraction(1, 10), 3), then=SourceLost("cable"))
    again = Listed(every(Fraction(1, 10), 2))
    answers: list[Listed | SourceError] = [lost, SourceError("still away"), SourceError("still away"), again]
    seen: list[str] = []

    def reopen() -> Listed:
        seen.append(capture.status)
        answer = answers.pop(0)
        if isinstance(answer, SourceError):
            raise answer
        return answer

    capture = CaptureThread(reopen, retry_seconds=0.01)
    capture.start()
    eventually(lambda: capture.status == "ended")
    assert seen == ["opening"] + ["lost: cable; reconnecting"] * 3
    frame = capture.latest.take(0)
    assert frame is not None and frame.index == 4 and frame.pts_seconds == Fraction(3, 10)
    assert lost.closed == 1 and again.closed == 1
    capture.raise_if_failed()
    capture.stop()


def test_stop_ends_the_attempts_to_reconnect() -> None:
    capture = CaptureThread(lambda: Listed([], then=SourceLost("cable")), retry_seconds=60)
    capture.start()
    eventually(lambda: capture.status.startswith("lost"))
    started = time.monotonic()
    capture.stop()
    assert time.monotonic() - started < 2 and capture.status == "ended"


def test_stop_while_a_paced_file_waits_for_its_next_frame() -> None:
    listed = Listed(every(Fraction(60), 3))
    capture = CaptureThread(lambda: PacedSource(lambda: listed))
    capture.start()
    assert capture.latest.take(10) is not None
    started = time.monotonic()
    capture.stop()
    assert time.monotonic() - started < 2 and capture.status == "ended" and listed.closed


def test_stop_leaves_a_hanging_camera_behind_which_closes_when_it_wakes() -> None:
    reading, wake = threading.Event(), threading.Event()

    class Hanging(Listed):
        def read(self) -> Frame | None:
            reading.set()
            wake.wait(30)
            return None

    hanging = Hanging([])
    capture = CaptureThread(lambda: hanging)
    capture.start()
    assert reading.wait(10)
    started = time.monotonic()
    capture.stop()
    assert time.monotonic() - started < 3
    assert not hanging.closed
    wake.set()
    eventually(lambda: hanging.closed == 1)


def test_stop_before_start_is_harmless() -> None:
    capture = CaptureThread(lambda: Listed([]))
    capture.stop()
    assert capture.frames_captured == 0
