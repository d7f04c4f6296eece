"""Outputs that are slow, broken or hang: the show goes on, what is lost is counted, and they come back."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from livestyle.errors import OutputError
from livestyle.frame import Frame
from livestyle.live import outputs as outputs_module
from livestyle.looks.bank import Bank
from livestyle.sinks.background import BackgroundSink
from tests.running import PATIENCE_SECONDS, Running, wait_until


def frame(index: int) -> Frame:
    return Frame(np.zeros((16, 16, 3), np.uint8), index, Fraction(index))


class Fake:
    """An output that writes when `go` is set and fails while `broken` names a reason."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.broken: Exception | None = None
        self.unopenable: Exception | None = None
        self.written: list[int] = []
        self.opened = self.closed = 0
        self.told = "done"

    def open(self, first: Frame) -> Fake:
        if self.unopenable:
            raise self.unopenable
        self.opened += 1
        return self

    def write(self, got: Frame) -> None:
        assert self.go.wait(PATIENCE_SECONDS)
        if self.broken:
            raise self.broken
        self.written.append(got.index)

    def close(self) -> str:
        self.closed += 1
        return self.told


def test_everything_is_written_in_order_and_finished() -> None:
    fake, said = Fake(), []  # type: ignore[var-annotated]
    sink = BackgroundSink("fake", fake.open, said.append, places=100)
    for i in range(50):
        sink.put(frame(i))
    sink.stop()
    sink.put(frame(99))
    assert sink.join(PATIENCE_SECONDS)
    assert fake.written == list(range(50)) and (fake.opened, fake.closed, said) == (1, 1, ["done"])
    assert (sink.status.written, sink.status.dropped, sink.status.problem) == (50, 0, "")


def test_a_slow_output_loses_the_oldest() -> None:
    fake = Fake()
    fake.go.clear()
    sink = BackgroundSink("fake", fake.open, lambda text: None, places=2)
    sink.put(frame(0))
    wait_until(lambda: fake.opened == 1)
    for i in range(1, 10):
        sink.put(frame(i))  # returns, though nothing is written
    fake.go.set()
    sink.stop()
    assert sink.join(PATIENCE_SECONDS)
    assert fake.written == [0, 8, 9]
    assert (sink.status.written, sink.status.dropped) == (3, 7)


@pytest.mark.parametrize("where", ["broken", "unopenable"])
def test_a_failure_is_said_once_and_the_output_comes_back(where: str) -> None:
    fake, said = Fake(), []  # type: ignore[var-annotated]
    setattr(fake, where, OSError(28, "No space left on device"))
    sink = BackgroundSink("disk", fake.open, said.append, retry_seconds=0.01)
    for i in range(20):
        sink.put(frame(i))
        wait_until(lambda i=i: sink.status.dropped == i + 1)  # type: ignore[misc]
    assert "No space" in sink.status.problem and sink.status.written == 0
    setattr(fake, where, None)

    def works() -> bool:
        sink.put(frame(100))
        return bool(fake.written)

    wait_until(works)
    wait_until(lambda: sink.status.problem == "")
    sink.stop()
    assert sink.join(PATIENCE_SECONDS)
    told = [text for text in said if text != "done"]
    assert len(told) == 2 and told[0].startswith("disk: ") and "No space" in told[0] and told[1] == "disk works again"
    assert fake.opened == fake.closed


def test_a_failing_output_is_left_alone_for_a_while() -> None:
    fake = Fake()
    fake.unopenable = OutputError("no")
    tries = 0

    def open_output(first: Frame) -> Fake:
        nonlocal tries
        tries += 1
        return fake.open(first)

    sink = BackgroundSink("fake", open_output, lambda text: None, retry_seconds=1000)
    for i in range(20):
        sink.put(frame(i))
        wait_until(lambda i=i: sink.status.dropped == i + 1)  # type: ignore[misc]
    sink.stop()
    assert sink.join(PATIENCE_SECONDS) and tries == 1


def test_an_output_that_hangs_is_left_behind() -> None:
    fake = Fake()
    fake.go.clear()
    sink = BackgroundSink("fake", fake.open, lambda text: None)
    sink.put(frame(0))
    wait_until(lambda: fake.opened == 1)
    sink.stop()
    assert not sink.join(0.05)
    fake.go.set()
    assert sink.join(PATIENCE_SECONDS)


class Hanging:
    """A server that does not end."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        threading.Event().wait()


def test_a_server_that_does_not_end_keeps_no_recording_from_being_finished(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs_module, "SERVER_STOP_SECONDS", 0.05)
    running = Running(bank, tmp_path)
    running.outputs.record_to(tmp_path / "show.mp4")
    running.outputs._servers.append(Hanging())
    with running:
        running.outputs.inbox.ask("record", "on")
        running.more_paintings(5)
    assert [path.name for path in tmp_path.iterdir()] == ["show.mp4"]


def test_a_show_goes_on_beside_a_hanging_and_a_broken_output(bank: Bank, tmp_path: Path) -> None:
    hanging, broken = Fake(), Fake()
    hanging.go.clear()
    broken.broken, broken.told = RuntimeError("the driver\nis gone"), ""
    running = Running(bank, tmp_path)
    for fake in (hanging, broken):
        running.outputs.add("camera", fake.open)
    with running:
        running.more_paintings(30)
        assert running.outputs.statuses()[0].dropped > 0
        running.until(lambda: any("the driver is gone" in text for text in running.said))
        assert "camera FAILS" in running.outputs.summary()
        state = running.outputs.inbox.ask(None)
        assert "the driver is gone" in str(state["message"]), "said in the window too"
        hanging.go.set()
    assert sum("the driver is gone" in text for text in running.said) == 1
