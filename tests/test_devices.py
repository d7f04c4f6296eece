"""Cameras found in small made-up /sys and /dev trees; only the kernel's answers are faked."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
from pathlib import Path

import cv2
import pytest

from livestyle.errors import SourceError
from livestyle.sources import devices
from livestyle.sources.devices import CameraInfo, CameraNotFound, list_cameras, resolve_camera

CAPTURE, METADATA, DEVICE_CAPS = 0x1, 0x00800000, 0x80000000
LOGITECH = CameraInfo(0, "Logitech BRIO", "/dev/video0", True)
INTEGRATED = CameraInfo(4, "Integrated Camera: Integrated C", "/dev/video4", True)
INFRARED = CameraInfo(6, "Integrated Camera: Integrated I", "/dev/video6", True)
CAMERAS = [LOGITECH, INTEGRATED, INFRARED]


class Tree:
    """A fake /sys/class/video4linux and /dev."""

    def __init__(self, root: Path) -> None:
        self.sysfs, self.dev = root / "sys", root / "dev"
        self.sysfs.mkdir()
        self.dev.mkdir()

    def add(self, number: int, name: str | None, *, index: int = 0, device: bool = True) -> Path:
        if name is not None:
            node = self.sysfs / f"video{number}"
            node.mkdir()
            (node / "name").write_text(name + "\n", encoding="utf-8")
            (node / "index").write_text(f"{index}\n", encoding="utf-8")
        path = self.dev / f"video{number}"
        if device:
            path.touch()
        return path

    def cameras(self) -> list[CameraInfo]:
        return list_cameras(self.sysfs, self.dev)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    return Tree(tmp_path)


def answer_with(monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[str, int, int]]) -> None:
    """Let the kernel say (card, capabilities of the device, of the node) for a file name."""

    def ioctl(fd: int, request: int, buffer: bytearray) -> int:
        card, whole, node = answers[Path(os.readlink(f"/proc/self/fd/{fd}")).name]
        assert request == 0x80685600 and len(buffer) == 104
        buffer[16 : 16 + len(card)] = card.encode()
        buffer[84:88], buffer[88:92] = whole.to_bytes(4, "little"), node.to_bytes(4, "little")
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)


def test_no_video_folder_at_all_means_no_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert list_cameras(tmp_path / "sys", tmp_path / "dev") == []


def test_gaps_and_metadata_nodes_without_an_answer_from_the_kernel(tree: Tree) -> None:
    tree.add(0, "Logitech BRIO")
    tree.add(1, "Logitech BRIO", index=1)
    tree.add(10, "OBS Virtual Camera")
    tree.add(2, "Capture Card")
    (tree.dev / "videos").touch()
    found = [(c.index, c.name, c.path, c.usable) for c in tree.cameras()]
    assert found == [
        (0, "Logitech BRIO", str(tree.dev / "video0"), True),
        (2, "Capture Card", str(tree.dev / "video2"), True),
        (10, "OBS Virtual Camera", str(tree.dev / "video10"), True),
    ]


def test_the_kernel_knows_better_than_the_index_file(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.add(0, "Codec")
    tree.add(1, "Depth Camera", index=1)
    tree.add(2, "Webcam")
    tree.add(3, "Webcam", index=1)
    answers = {
        "video0": ("Codec", 0x4000, 0),
        "video1": ("Depth", CAPTURE, 0),
        "video2": ("Webcam", CAPTURE | METADATA | DEVICE_CAPS, CAPTURE),
        "video3": ("Webcam", CAPTURE | METADATA | DEVICE_CAPS, METADATA),
    }
    answer_with(monkeypatch, answers)
    assert [(c.index, c.name) for c in tree.cameras()] == [(1, "Depth Camera"), (2, "Webcam")]


def test_a_device_without_sysfs_is_named_by_its_card(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.add(3, None)
    answer_with(monkeypatch, {"video3": ("USB Cam", CAPTURE, 0)})
    assert [(c.index, c.name, c.usable) for c in tree.cameras()] == [(3, "USB Cam", True)]


def test_a_missing_device_file_is_listed_with_the_reason(tree: Tree) -> None:
    tree.add(0, "Webcam", device=False)
    (camera,) = tree.cameras()
    assert not camera.usable and "device file is missing" in camera.note


@pytest.mark.parametrize(("number", "word"), [(errno.EACCES, "group"), (errno.EBUSY, "busy"), (errno.EIO, "rror")])
def test_a_camera_that_cannot_be_opened_says_why(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    refused = str(tree.add(0, "Webcam"))
    tree.add(1, "Webcam", index=1)
    tree.add(2, "Other")
    real_open = os.open

    def fail(path: str | Path, flags: int) -> int:
        if str(path) == refused:
            raise OSError(number, os.strerror(number))
        return real_open(path, flags)

    monkeypatch.setattr(os, "open", fail)
    webcam, other = tree.cameras()
    assert not webcam.usable and word in webcam.note
    assert other.usable and other.note == ""


def test_other_systems_probe_past_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    class Capture:
        def __init__(self, index: int) -> None:
            if index == 3:
                raise cv2.error("backend throws")
            self.index = index

        def isOpened(self) -> bool:
            return self.index in (0, 5)

        def release(self) -> None:
            pass

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    assert [(c.index, c.name) for c in list_cameras()] == [(0, "camera 0"), (5, "camera 5")]


@pytest.mark.parametrize(
    ("spec", "camera"),
    [("0", LOGITECH), ("4", INTEGRATED), ("logitech", LOGITECH), ("BRIO", LOGITECH), ("/dev/video6", INFRARED)],
)
def test_a_camera_is_meant_by_index_name_or_path(spec: str, camera: CameraInfo) -> None:
    assert resolve_camera(spec, CAMERAS) is camera


def test_an_exact_name_goes_before_a_part_of_another() -> None:
    short = CameraInfo(1, "Integrated Camera", "/dev/video1", True)
    assert resolve_camera("integrated camera", [INTEGRATED, short]) is short


def test_a_url_is_returned_as_it_is() -> None:
    assert resolve_camera("rtsp://host/stream", CAMERAS) == "rtsp://host/stream"


def test_links_and_unlisted_device_files_are_followed(tmp_path: Path) -> None:
    device = tmp_path / "video7"
    device.touch()
    link = tmp_path / "usb-Logitech-index0"
    link.symlink_to(device)
    listed = CameraInfo(7, "Webcam", str(device), True)
    assert resolve_camera(str(link), [listed]) is listed
    unlisted = resolve_camera(str(link), [])
    assert isinstance(unlisted, CameraInfo) and (unlisted.index, unlisted.path) == (7, str(device))


@pytest.mark.parametrize("spec", ["1", "sony", "/dev/video99", "", " "])
def test_an_unknown_camera_names_those_that_are_there(spec: str) -> None:
    with pytest.raises(CameraNotFound, match=r"there is 0 \(Logitech BRIO\), 4 .*`livestyle devices`") as caught:
        resolve_camera(spec, CAMERAS)
    assert "\n" not in str(caught.value)


def test_an_ambiguous_name_asks_for_the_index() -> None:
    with pytest.raises(SourceError, match=r"fits 2 cameras: 4 .*, 6 .*give the index"):
        resolve_camera("integrated", CAMERAS)


def test_without_cameras_the_message_says_so_and_unusable_ones_say_why() -> None:
    assert devices.describe_cameras([]) == "there is no camera"
    held = CameraInfo(0, "Webcam", "/dev/video0", False, devices.BUSY)
    assert devices.describe_cameras([held]) == f"there is 0 (Webcam): {devices.BUSY}"
