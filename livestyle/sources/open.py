"""What a person means by a source: a camera, a URL, a video file, an image or a folder of images.

Only decides; how each kind is read is its own module's business. Files are told apart by their
suffix: what is not an image is taken for a video, and livestyle.sources.video says if it is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from livestyle.errors import SourceError, SourceLost
from livestyle.frame import Frame, Picture
from livestyle.resize import resized
from livestyle.sources import Source
from livestyle.sources.pacing import PacedSource

if TYPE_CHECKING:
    from livestyle.sources.camera import CameraSource
    from livestyle.sources.video import VideoSource

MAX_ASPECT = 4
"""Width of a pixel over its height, or the other way round, at most."""
ACCEPTED = "a camera's index or name, a URL, a video file, an image or a folder of images"


def open_source(spec: str, *, pace_files: bool, say: Callable[[str], None]) -> Source:
    """Open what `spec` means. Raises SourceError.

    A whole number is always a camera's index, and "name://" always a URL; then an existing file or
    folder goes before a camera of the same name. pace_files: play files, also those at a URL, in a loop at
    their own speed, as if they were cameras; otherwise every frame is delivered once, as fast as it is read. say: is
    told in a line, once, of each picture of a folder that cannot be read.
    """
    open_file = None if _only_camera(spec) else _file_opener(spec, say)
    if open_file is None:
        camera = _open_camera(spec)
        if not (pace_files and camera.is_file):
            return camera
        camera.close()
        return PacedSource(lambda: _open_again(spec))
    return PacedSource(open_file) if pace_files else open_file()


def _only_camera(spec: str) -> bool:
    return spec.isdecimal() or "://" in spec or spec.startswith(("/dev/video", "/dev/v4l/"))


def _file_opener(spec: str, say: Callable[[str], None]) -> Callable[[], Source] | None:
    """None when there is no such file. Imports are late: a camera needs neither PyAV nor Pillow."""
    if not os.path.exists(spec):  # unlike Path.exists, says False to a name that is too long
        return None
    from livestyle.sources.images import FolderSource, load_image
    from livestyle.sources.still import SUFFIXES

    path = Path(spec)
    if path.is_dir():
        say_once = lru_cache(maxsize=None)(say)  # not again in every round of the loop
        return lambda: FolderSource(path, say_once)
    if path.suffix.lower() in SUFFIXES:
        picture = load_image(path)  # once, not in every round of the loop
        return lambda: StillSource(picture, str(path))
    from livestyle.sources.video import VideoSource

    return lambda: SquarePixelSource(VideoSource(path))


def _open_again(url: str) -> CameraSource:
    """A URL that has answered before. Raises SourceLost."""
    try:
        return _open_camera(url)
    except SourceError as error:
        raise SourceLost(str(error)) from None


def _open_camera(spec: str) -> CameraSource:
    from livestyle.sources.camera import CameraSource
    from livestyle.sources.devices import CameraNotFound

    try:
        return CameraSource(spec)
    except CameraNotFound as error:
        if _only_camera(spec):
            raise
        raise SourceError(f"no such file, and {error}; give {ACCEPTED}") from None


class SquarePixelSource:
    """A video with pixels as high as they are wide, as screens have them; no side gets smaller.

    Pixels of another shape than any format has, in damaged files, stay as they are. See livestyle.sources.Source.
    """

    def __init__(self, video: VideoSource) -> None:
        self.name = video.name
        self._video = video
        aspect = video.sample_aspect if 1 / MAX_ASPECT <= video.sample_aspect <= MAX_ASPECT else Fraction(1)
        self._stretch = max(aspect, Fraction(1)), max(1 / aspect, Fraction(1))

    def read(self) -> Frame | None:
        """The next frame, or None at the end. Raises SourceError."""
        frame = self._video.read()
        if frame is None:
            return None
        height, width = frame.rgb.shape[:2]
        size = round(width * self._stretch[0]), round(height * self._stretch[1])
        return replace(frame, rgb=resized(frame.rgb, *size))

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._video.close()


class StillSource:
    """One picture, once; see livestyle.sources.Source."""

    def __init__(self, picture: Picture, name: str) -> None:
        self.name = name
        self._picture: Picture | None = picture

    def read(self) -> Frame | None:
        """The picture, then None."""
        picture, self._picture = self._picture, None
        return None if picture is None else Frame(picture, 0, Fraction(0))

    def close(self) -> None:
        """Deliver nothing more; safe to call twice."""
        self._picture = None
