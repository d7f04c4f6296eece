"""A live camera through OpenCV: a local device, or a stream at a URL (MJPEG over HTTP, RTSP, ...).

Knows how to open, time and lose a camera. Does not know how to wait for it to come back
(pacing.CaptureThread) nor which cameras there are (devices).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from fractions import Fraction
from urllib.parse import urlsplit

import cv2
import numpy as np

from livestyle.errors import SourceError, SourceLost
from livestyle.frame import Frame
from livestyle.sources import rgb_from_bgr
from livestyle.sources.devices import CameraInfo, list_cameras, resolve_camera, silence_opencv

OPEN_TIMEOUT_MS = 5000
READ_TIMEOUT_MS = 3000
LOST_AFTER_SECONDS = 1.0
RETRY_SECONDS = 0.02
FILE_SCHEMES = ("http://", "https://", "file://")
"""Of URLs that may be of a file; what comes by others has the sender's pace."""


class CameraSource:
    """Frames of a camera, the newest the backend has. Opens at construction.

    spec: an index, a name or a part of one, a device path, or a URL. width, height (pixels) and fps
    are wishes to a local camera, which answers with the nearest it has. Raises SourceError.
    """

    def __init__(
        self, spec: str, *, width: int | None = None, height: int | None = None, fps: float | None = None
    ) -> None:
        silence_opencv()
        found = _find(spec)
        if isinstance(found, str):
            self.name = shown_url(found)
            self._capture = _open_url(found, self.name)
            self._frames = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) if found.startswith(FILE_SCHEMES) else 0.0
        else:
            self.name = found.name
            self._capture = _open_device(found)
            self._frames = 0.0
            _ask_for(self._capture, width, height, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an old picture is a late picture; not every backend takes it
        self._count = 0
        self._first_ns = 0

    @property
    def is_file(self) -> bool:
        """Whether the URL is of a video that ends: its frames come as fast as they are read, with its own times."""
        return self._frames > 0

    def read(self) -> Frame | None:
        """The next frame, stamped when it was grabbed; None at the end of a file. Waits at most about four seconds.

        Raises SourceLost when no frame comes for about a second.
        """
        give_up_at = time.monotonic() + LOST_AFTER_SECONDS
        while (frame := self._grab()) is None:
            if self.is_file and self._count >= self._frames:
                return None
            if time.monotonic() >= give_up_at:
                raise SourceLost(f"camera {self.name} stopped sending frames: check its cable or network")
            time.sleep(RETRY_SECONDS)
        return frame

    def close(self) -> None:
        """Let go of the camera; safe to call twice."""
        self._capture.release()

    def _grab(self) -> Frame | None:
        if not self._capture.grab():
            return None
        grabbed_ns = time.monotonic_ns()  # before decoding, which takes milliseconds
        ok, bgr = self._capture.retrieve()
        if not ok or bgr is None:
            return None
        if self._count == 0:
            self._first_ns = grabbed_ns
        pts_seconds = Fraction(grabbed_ns - self._first_ns, 10**9)
        if self.is_file:
            pts_seconds = Fraction(round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1000), 10**6)
        frame = Frame(rgb_from_bgr(np.asarray(bgr, np.uint8)), self._count, pts_seconds, grabbed_ns / 1e9)
        self._count += 1
        return frame


def shown_url(url: str) -> str:
    """The URL without user and password: it ends up on screens and in logs. Raises SourceError for none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SourceError("the source's address is no URL (a [ without its ], say): correct it") from None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _find(spec: str) -> CameraInfo | str:
    if spec.isdecimal() and platform.system() != "Linux":
        # Listing opens every camera there, which takes seconds: try the one that was asked for first.
        return CameraInfo(int(spec), f"camera {spec}", "", True)
    return resolve_camera(spec, [] if "://" in spec else list_cameras())


def _open_url(url: str, shown: str) -> cv2.VideoCapture:
    # One decoding thread: FFmpeg's frame threads hold back as many frames as there are threads.
    params = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
    capture = _opened(lambda: cv2.VideoCapture(url, cv2.CAP_FFMPEG, [*params, cv2.CAP_PROP_N_THREADS, 1]))
    if capture is None:
        raise SourceError(f"camera {shown} does not answer with a video stream: check it in a browser or player")
    return capture


def _open_device(camera: CameraInfo) -> cv2.VideoCapture:
    if not camera.usable:
        raise SourceError(f"camera {camera} at {camera.path}: {camera.note}")
    capture = _opened(
        lambda: cv2.VideoCapture(camera.path, cv2.CAP_V4L2) if camera.path else cv2.VideoCapture(camera.index)
    )
    if capture is not None:
        return capture
    if not camera.path:
        resolve_camera(str(camera.index), list_cameras())  # names the cameras there are if this is none of them
    elif not os.path.exists(camera.path):
        raise SourceError(f"camera {camera} went away: `livestyle devices` lists the cameras there are")
    raise SourceError(
        f"camera {camera} is busy or not permitted: close the other program that uses it, "
        "and check that you are in the group `video` (Linux) or that cameras are allowed in the privacy settings"
    )


def _opened(open_capture: Callable[[], cv2.VideoCapture]) -> cv2.VideoCapture | None:
    """None when it cannot be opened: OpenCV says so with False or with an exception, depending on the backend."""
    try:
        capture = open_capture()
    except cv2.error:
        return None
    if capture.isOpened():
        return capture
    capture.release()
    return None


def _ask_for(capture: cv2.VideoCapture, width: int | None, height: int | None, fps: float | None) -> None:
    """MJPG first: without it USB 2 has no room for 720p at 30 fps, and the format decides which sizes there are."""
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    wishes = ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height), (cv2.CAP_PROP_FPS, fps))
    for prop, wish in wishes:
        if wish is not None:
            capture.set(prop, wish)
