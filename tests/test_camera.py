"""A camera played by a local MJPEG server, and the ways a camera can fail to open or stop."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from livestyle.errors import SourceError, SourceLost
from livestyle.frame import Frame, Picture
from livestyle.sources import camera as camera_module
from livestyle.sources.camera import CameraSource, shown_url
from livestyle.sources.devices import CameraInfo
from livestyle.sources.images import FolderSource
from livestyle.sources.open import SquarePixelSource, StillSource, open_source
from livestyle.sources.pacing import CaptureThread, PacedSource
from tests.media import write_clip
from tests.mjpeg_server import MjpegServer, jpeg_bytes

RED, GREEN = (220, 30, 20), (20, 210, 40)


def picture(rgb: tuple[int, int, int], height: int = 48, width: int = 64) -> Picture:
    return np.full((height, width, 3), rgb, np.uint8)


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with MjpegServer([picture(RED), picture(GREEN)], fps=25) as running:
        yield running


@pytest.fixture
def refused_url() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/stream.mjpg"


def wait_for_status(capture: CaptureThread, start: str) -> None:
    give_up_at = time.monotonic() + 10
    while not capture.status.startswith(start):
        assert time.monotonic() < give_up_at, f"status stayed {capture.status!r}"
        time.sleep(0.02)


def next_frame(capture: CaptureThread) -> Frame:
    frame = capture.latest.take(10)
    assert frame is not None, capture.status
    return frame


def test_frames_are_rgb_counted_and_timed(server: MjpegServer) -> None:
    before = time.monotonic()
    source = CameraSource(server.url)
    frames = [source.read() for _ in range(4)]
    source.close()
    source.close()
    assert [f.index for f in frames] == [0, 1, 2, 3]
    assert frames[0].pts_seconds == 0 and all(isinstance(f.pts_seconds, Fraction) for f in frames)
    times = [f.grabbed_at for f in frames]
    assert before < times[0] < times[1] < times[2] < times[3] <= time.monotonic()
    assert float(frames[3].pts_seconds) == pytest.approx(times[3] - times[0], abs=1e-6)
    for frame, rgb in zip(frames, (RED, GREEN, RED, GREEN), strict=True):
        assert (frame.width, frame.height) == (64, 48)
        np.testing.assert_allclose(frame.rgb[24, 32].astype(int), rgb, atol=12)


def test_a_stream_that_ends_is_lost(server: MjpegServer) -> None:
    source = CameraSource(server.url)
    source.read()
    server.stop()
    with pytest.raises(SourceLost, match="stopped sending frames"):
        for _ in range(100):
            source.read()
    source.close()


def test_a_stream_that_hangs_is_lost_within_seconds(server: MjpegServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "READ_TIMEOUT_MS", 500)
    source = CameraSource(server.url)
    source.read()
    server.hang()
    hung_at = time.monotonic()
    with pytest.raises(SourceLost):
        for _ in range(100):
            source.read()
    assert time.monotonic() - hung_at < 8
    source.close()


def test_a_url_that_refuses_is_a_source_error(refused_url: str) -> None:
    with pytest.raises(SourceError, match=f"{refused_url} does not answer") as caught:
        CameraSource(refused_url)
    assert not isinstance(caught.value, SourceLost) and "\n" not in str(caught.value)


def test_a_url_that_never_answers_gives_up(server: MjpegServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "OPEN_TIMEOUT_MS", 500)
    server.hang()
    with pytest.raises(SourceError, match="does not answer"):
        CameraSource(server.url)


def test_a_password_is_not_shown() -> None:
    assert shown_url("rtsp://me:secret@10.0.0.2:554/live?x=1") == "rtsp://10.0.0.2:554/live?x=1"
    assert shown_url("http://10.0.0.2/a") == "http://10.0.0.2/a"


def test_opencv_and_ffmpeg_keep_quiet(refused_url: str) -> None:
    code = (
        "import sys; from livestyle.errors import SourceError; from livestyle.sources.camera import CameraSource\n"
        "for spec in sys.argv[1:]:\n"
        "    try: CameraSource(spec)\n"
        "    except SourceError: print('refused')\n"
    )
    command = [sys.executable, "-c", code, refused_url, "/dev/null", "97"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert done.stdout.split() == ["refused"] * 3 and done.stderr == ""


@pytest.fixture
def held_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CameraInfo:
    """Its device file is there and nothing can be captured from it."""
    device = tmp_path / "video0"
    device.touch()
    info = CameraInfo(0, "Webcam", str(device), True)
    monkeypatch.setattr(camera_module, "list_cameras", lambda: [info])
    return info


@pytest.mark.parametrize("spec", ["0", "webcam"])
def test_a_held_camera_is_busy_or_not_permitted(held_camera: CameraInfo, spec: str) -> None:
    with pytest.raises(SourceError, match=r"camera 0 \(Webcam\) is busy or not permitted: close the other.*group"):
        CameraSource(spec)


def test_a_camera_unplugged_after_listing_went_away(held_camera: CameraInfo) -> None:
    Path(held_camera.path).unlink()
    with pytest.raises(SourceError, match="went away"):
        CameraSource("0")


def test_an_unusable_camera_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    info = CameraInfo(0, "Webcam", "/dev/video0", False, "not permitted: join its group")
    monkeypatch.setattr(camera_module, "list_cameras", lambda: [info])
    with pytest.raises(SourceError, match="not permitted: join its group"):
        CameraSource("0")


def test_wishes_reach_a_local_camera_with_the_format_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, float]] = []

    class Capture:
        def __init__(self, *target: object) -> None:
            self.target = target

        def isOpened(self) -> bool:
            return True

        def set(self, prop: int, value: float) -> bool:
            asked.append((prop, value))
            return False

    info = CameraInfo(0, "Webcam", "/dev/video0", True)
    monkeypatch.setattr(camera_module, "list_cameras", lambda: [info])
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    CameraSource("0", width=1280, height=720, fps=29.97)
    assert asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 29.97),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]


def test_a_camera_lost_mid_show_comes_back(server: MjpegServer) -> None:
    capture = CaptureThread(lambda: CameraSource(server.url), retry_seconds=0.1)
    capture.start()
    try:
        before = next_frame(capture)
        server.stop()
        wait_for_status(capture, "lost: ")
        assert capture.status.endswith("reconnecting")
        while (leftover := capture.latest.take(0)) is not None:
            before = leftover
        server.start()
        after = next_frame(capture)
        wait_for_status(capture, "live")
        capture.raise_if_failed()
    finally:
        capture.stop()
    assert after.index > before.index and after.pts_seconds > before.pts_seconds
    gap_seconds = after.grabbed_at - before.grabbed_at
    assert float(after.pts_seconds - before.pts_seconds) == pytest.approx(gap_seconds, abs=1e-3)


def test_stop_does_not_wait_for_a_camera_that_hangs(server: MjpegServer) -> None:
    capture = CaptureThread(lambda: CameraSource(server.url))
    capture.start()
    next_frame(capture)
    server.hang()
    time.sleep(0.2)
    started = time.monotonic()
    capture.stop()
    assert time.monotonic() - started < 3
    server.resume()


def test_open_source_knows_cameras_urls_and_files(server: MjpegServer, tmp_path: Path) -> None:
    image = tmp_path / "still.jpg"
    image.write_bytes(jpeg_bytes(picture(RED)))
    for spec, kind in ((server.url, CameraSource), (str(image), StillSource), (str(tmp_path), FolderSource)):
        source = open_source(spec, pace_files=False, say=print)
        assert type(source) is kind
        assert source.name == spec
        assert source.read() is not None
        source.close()


def test_open_source_paces_files_and_not_cameras(server: MjpegServer, tmp_path: Path) -> None:
    image = tmp_path / "still.jpg"
    image.write_bytes(jpeg_bytes(picture(RED)))
    still = open_source(str(image), pace_files=True, say=print)
    frames = [still.read() for _ in range(3)]
    still.close()
    assert isinstance(still, PacedSource) and still.read() is None
    pts = [f.pts_seconds for f in frames if f is not None]
    assert len(pts) == 3 and pts[0] == 0 and pts[0] < pts[1] < pts[2]
    live = open_source(server.url, pace_files=True, say=print)
    assert type(live) is CameraSource
    live.close()


def test_open_source_takes_other_files_for_videos(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(3):
        writer.write(picture(RED))
    writer.release()
    source = open_source(str(clip), pace_files=False, say=print)
    assert type(source) is SquarePixelSource
    source.close()


@pytest.mark.parametrize("aspect, size", [("1", (96, 64)), ("16/11", (140, 64)), ("8/9", (96, 72)), ("1000", (96, 64))])
def test_a_video_with_pixels_that_are_not_square_is_shown_in_its_shape(
    tmp_path: Path, aspect: str, size: tuple[int, int]
) -> None:
    clip = write_clip(tmp_path / "clip.mkv", range(0, 3003, 1001), aspect=Fraction(aspect))
    source = open_source(str(clip), pace_files=True, say=print)
    frame = source.read()
    source.close()
    assert frame is not None and frame.rgb.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("spec", ["clip.mp4", "no/such/file", "sony", "USB2.0 HD", "x" * 300, ""])
def test_an_unknown_source_names_cameras_and_what_else_there_is(monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    info = CameraInfo(2, "Logitech BRIO", "/dev/video2", True)
    monkeypatch.setattr(camera_module, "list_cameras", lambda: [info])
    with pytest.raises(SourceError, match=r"no such file.*2 \(Logitech BRIO\).*a URL, a video file") as caught:
        open_source(spec, pace_files=True, say=print)
    assert repr(spec) in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_index_is_not_taken_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "list_cameras", list)
    with pytest.raises(SourceError, match="^no camera '3': there is no camera; `livestyle devices`"):
        open_source("3", pace_files=True, say=print)
