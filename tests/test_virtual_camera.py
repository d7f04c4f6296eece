"""The virtual camera with a stand-in for pyvirtualcam: sizes, failures, what to install."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from livestyle.cli import doctor
from livestyle.errors import OutputError
from livestyle.frame import Frame, Picture
from livestyle.looks.bank import Bank
from livestyle.sinks.virtual_camera import VirtualCamera, driver_advice, find_camera
from tests.conftest import Run
from tests.running import Running


class Driver:
    """Makes cameras as pyvirtualcam does, and keeps what they are sent."""

    def __init__(self) -> None:
        self.problem = ""
        self.sizes: list[tuple[int, int]] = []
        self.sent: list[Picture] = []
        self.open = 0

    def __call__(self, width: int, height: int, fps: float) -> SimpleNamespace:
        if self.problem:
            raise RuntimeError(self.problem)
        self.open += 1
        self.sizes.append((width, height))
        return SimpleNamespace(device="/dev/video9", send=self.send, close=self.close)

    def send(self, picture: Picture) -> None:
        if self.problem:
            raise RuntimeError(self.problem)
        assert picture.shape == (self.sizes[-1][1], self.sizes[-1][0], 3) and picture.flags.c_contiguous
        self.sent.append(picture.copy())

    def close(self) -> None:
        self.open -= 1


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=made))
    return made


def frame(width: int, height: int, level: int = 100) -> Frame:
    return Frame(np.full((height, width, 3), level, np.uint8), 0, Fraction(0))


def test_the_first_picture_decides_the_size(driver: Driver) -> None:
    camera = VirtualCamera(frame(65, 49))
    for picture in (frame(65, 49), frame(32, 96), frame(640, 480)):
        camera.write(picture)
    assert camera.close() == "" and driver.open == 0
    assert driver.sizes == [(64, 48)] and len(driver.sent) == 3
    assert driver.sent[1][:, 0].max() == 0 and driver.sent[1][:, 32].min() == 100, "black beside a narrow one"


def test_a_show_sends_its_clean_paintings(bank: Bank, tmp_path: Path, driver: Driver) -> None:
    running = Running(bank, tmp_path)
    running.outputs.add_virtual_camera()
    assert running.said == ["virtual camera /dev/video9"]
    with running:
        running.until(lambda: len(driver.sent) > 5)
        (status,) = running.outputs.statuses()
        assert status.name == "virtual camera" and status.written > 0
    assert driver.open == 0
    assert all(len(np.unique(picture)) == 1 for picture in driver.sent), "no numbers, no messages"


def test_a_driver_that_dies_is_said_and_the_show_goes_on(bank: Bank, tmp_path: Path, driver: Driver) -> None:
    running = Running(bank, tmp_path)
    running.outputs.add_virtual_camera()
    with running:
        running.until(lambda: bool(driver.sent))
        driver.problem = "device is gone"
        running.until(lambda: any("virtual camera: RuntimeError: device is gone" in text for text in running.said))
        running.more_paintings()
    assert sum("device is gone" in text for text in running.said) == 1


@pytest.mark.parametrize(
    ("platform", "said"), [("linux", "modprobe v4l2loopback"), ("darwin", "OBS Studio"), ("win32", "OBS Studio")]
)
def test_no_driver_names_what_the_system_needs(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, platform: str, said: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    driver.problem = "no device\nat all"
    with pytest.raises(OutputError) as error:
        find_camera()
    assert said in str(error.value) and said in driver_advice() and "\n" not in str(error.value)
    check = doctor._virtual_camera()
    assert not check.ok and said in check.advice


def test_without_pyvirtualcam_the_install_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    result = run("live", "0", "--no-window", "--virtual-camera")
    assert result.code == 2 and "pip install 'livestyle[virtualcam]'" in result.err and result.err.count("\n") == 1


def test_doctor_finds_it(driver: Driver) -> None:
    assert doctor._virtual_camera() == doctor.Check("virtual camera", True, "/dev/video9")
