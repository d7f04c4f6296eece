"""Still pictures as a person names them: one file (`load_image`), or a file or folder as a source of frames.

What is in a file is `livestyle.sources.still`'s business.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from livestyle.frame import Frame, Picture
from livestyle.sources.picture_files import files_in
from livestyle.sources.still import read_still


def load_image(path: str | Path) -> Picture:
    """Read an image file as HxWx3 uint8 sRGB, upright. Raises SourceError in one line."""
    return read_still(Path(path)).rgb


class FolderSource:
    """The images of a folder in natural order (2.png before 10.png), or one image; one frame per second.

    Pictures may differ in size; `width` and `height` are the first one's. See livestyle.sources.Source.
    Raises SourceError when there is no image, and for each damaged one as it is read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.files = files_in(self.path)
        self._head: Picture | None = load_image(self.files[0])  # a bad first picture is said at once
        self.height, self.width = self._head.shape[:2]
        self.rate = Fraction(1)
        self.time_base = Fraction(1)
        self.frame_count_hint: int | None = len(self.files)
        self.duration_seconds: float | None = float(len(self.files))
        self.has_audio = False
        self._index = 0

    def read(self) -> Frame | None:
        """The next picture, or None after the last. Raises SourceError."""
        if self._index >= len(self.files):
            return None
        head, self._head = self._head, None
        rgb = load_image(self.files[self._index]) if head is None else head
        frame = Frame(rgb=rgb, index=self._index, pts_seconds=Fraction(self._index))
        self._index += 1
        return frame

    def close(self) -> None:
        """Deliver nothing more; safe to call twice."""
        self._index = len(self.files)
        self._head = None
