"""Which cameras there are, and which one a person means by an index, a name, a path or a URL.

On Linux the answer comes from sysfs and one ioctl; nothing is streamed and no light goes on. Elsewhere
OpenCV opens the first ten indices one after the other, so names are only "camera N".
Does not know whether another program holds a camera: that shows when it is opened (sources/camera.py).
"""

from __future__ import annotations

import errno
import os
import platform
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from livestyle.errors import SourceError

SYSFS = Path("/sys/class/video4linux")
DEV = Path("/dev")
PROBED_INDICES = range(10)

# linux/videodev2.h: VIDIOC_QUERYCAP = _IOR('V', 0, struct v4l2_capability) and its flags
_QUERYCAP = 0x80685600
_CAPABILITY = struct.Struct("16s32s32sIII12x")
_CAPTURE = 0x00000001 | 0x00001000  # V4L2_CAP_VIDEO_CAPTURE and its multi-planar sibling
_HAS_DEVICE_CAPS = 0x80000000

MISSING = "the kernel knows it but its device file is missing: pass the device into the container"
NOT_PERMITTED = "not permitted: join its group, as in `sudo usermod -aG video $USER`, and log in again"
BUSY = "busy: close the other program that uses it"


class CameraNotFound(SourceError):
    """No camera is called that."""


@dataclass(frozen=True)
class CameraInfo:
    """A camera as `livestyle devices` shows it."""

    index: int
    """What OpenCV and /dev/videoN count by; gaps are normal."""
    name: str
    """What the driver calls it, or "camera N"."""
    path: str
    """The device file; empty where the system has none."""
    usable: bool
    """Whether it could be opened."""
    note: str = ""
    """Why it is not usable, in one line."""

    def __str__(self) -> str:
        return f"{self.index} ({self.name})"


def silence_opencv() -> None:
    """Keep OpenCV, FFmpeg and V4L off stderr and bound V4L's wait for a frame; a person's own settings win.

    OpenCV reads these variables at its first capture, not when it is imported.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")  # seconds; 10 otherwise
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def list_cameras(sysfs: Path = SYSFS, dev: Path = DEV) -> list[CameraInfo]:
    """Every camera that can deliver pictures, by index; an unusable one says why. Never raises."""
    if platform.system() != "Linux":
        return _probe_with_opencv()
    cameras = (_linux_camera(index, sysfs, dev) for index in sorted(_linux_indices(sysfs) | _linux_indices(dev)))
    return [camera for camera in cameras if camera is not None]


def describe_cameras(cameras: Sequence[CameraInfo]) -> str:
    """The cameras for an error message."""
    there = ", ".join(f"{c}" if c.usable else f"{c}: {c.note}" for c in cameras)
    return f"there is {there}" if there else "there is no camera"


def resolve_camera(spec: str, cameras: Sequence[CameraInfo]) -> CameraInfo | str:
    """The camera that `spec` means: an index, a device path, a name or a part of one; a URL is returned as it is.

    Raises CameraNotFound when nothing fits and SourceError when more than one camera does.
    """
    if "://" in spec:
        return spec
    if spec.isdecimal():
        matches = [c for c in cameras if c.index == int(spec)]
    elif spec.startswith("/"):
        matches = _by_path(spec, cameras)
    else:
        matches = _by_name(spec, cameras)
    if len(matches) == 1:
        return matches[0]
    if matches:
        fitting = ", ".join(map(str, matches))
        raise SourceError(f"camera {spec!r} fits {len(matches)} cameras: {fitting}; give the index")
    raise CameraNotFound(f"no camera {spec!r}: {describe_cameras(cameras)}; `livestyle devices` lists them")


def _by_name(spec: str, cameras: Sequence[CameraInfo]) -> list[CameraInfo]:
    wanted = spec.strip().casefold()
    if not wanted:
        return []
    exact = [c for c in cameras if c.name.casefold() == wanted]
    return exact or [c for c in cameras if wanted in c.name.casefold()]


def _by_path(spec: str, cameras: Sequence[CameraInfo]) -> list[CameraInfo]:
    """Also follows links such as /dev/v4l/by-id/...; a device file that is not listed is worth a try."""
    real = os.path.realpath(spec)
    listed = [c for c in cameras if c.path and os.path.realpath(c.path) == real]
    if listed or not os.path.exists(real):
        return listed
    number = re.search(r"(\d+)$", real)
    return [CameraInfo(int(number[1]) if number else -1, Path(spec).name, real, True)]


def _linux_indices(folder: Path) -> set[int]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return set()
    return {int(found[1]) for name in names if (found := re.fullmatch(r"video(\d+)", name))}


def _linux_camera(index: int, sysfs: Path, dev: Path) -> CameraInfo | None:
    """None for a node that delivers no pictures, such as a webcam's metadata or a codec."""
    node, path = sysfs / f"video{index}", dev / f"video{index}"
    name = _text(node / "name") or f"camera {index}"
    try:
        card, flags = _query_capability(path)
    except OSError as error:
        # Not told by the driver: a webcam's first node delivers its pictures, the others its metadata.
        if _text(node / "index") not in ("", "0"):
            return None
        note = _open_note(error)
        return CameraInfo(index, name, str(path), not note, note)
    if not flags & _CAPTURE:
        return None
    return CameraInfo(index, _text(node / "name") or card or name, str(path), True)


def _open_note(error: OSError) -> str:
    """Why a device file could not be opened; empty where only the ioctl is unknown to it."""
    if error.errno == errno.ENOTTY:
        return ""
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return MISSING
    if error.errno in (errno.EACCES, errno.EPERM):
        return NOT_PERMITTED
    return BUSY if error.errno == errno.EBUSY else (error.strerror or str(error))


def _query_capability(path: Path) -> tuple[str, int]:
    """The card's name and the node's V4L2 capability flags. Raises OSError."""
    import fcntl  # not on Windows

    device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        answer = bytearray(_CAPABILITY.size)
        fcntl.ioctl(device, _QUERYCAP, answer)
    finally:
        os.close(device)
    _driver, card, _bus, _version, whole, node = _CAPABILITY.unpack(answer)
    return card.split(b"\0")[0].decode(errors="replace"), node if whole & _HAS_DEVICE_CAPS else whole


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace", encoding="utf-8").strip()
    except OSError:
        return ""


def _probe_with_opencv() -> list[CameraInfo]:
    silence_opencv()
    return [CameraInfo(index, f"camera {index}", "", True) for index in PROBED_INDICES if _opens(index)]


def _opens(index: int) -> bool:
    try:
        capture = cv2.VideoCapture(index)
    except cv2.error:
        return False
    opened = capture.isOpened()
    capture.release()
    return opened
