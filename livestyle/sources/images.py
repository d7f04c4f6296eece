"""Still pictures as a person names them: one file (`load_image`), or a file or folder as a source of frames.

What is in a file is `livestyle.sources.still`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from livestyle.errors import SourceError
from livestyle.frame import Frame, Picture
from livestyle.sources.picture_files import files_in
from livestyle.sources.still import read_still


def load_image(path: str | Path) -> Picture:
    """Read an image file as HxWx3 uint8 sRGB, upright. Raises SourceError in one line."""
    return read_still(Path(path)).rgb


class FolderSource:
    """The images of a folder in natural order (2.png before 10.png), or one image; one frame per second.

    Pictures may differ in size; `width` and `height` are the first one's. One that cannot be read is left out, and
    `say` is told so in a line. See livestyle.sources.Source. Raises SourceError when no image can be read.
    """

    def __init__(self, path: str | Path, say: Callable[[str], None]) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.files = files_in(self.path)
        self._say = say
        self._waiting = iter(self.files)
        self._head = self._next_picture()
        if self._head is None:
            raise SourceError(f"{path}: none of its images can be read; put others there")
        self.height, self.width = self._head.shape[:2]
        self.rate = Fraction(1)
        self.time_base = Fraction(1)
        self.frame_count_hint: int | None = len(self.files)
        self.duration_seconds: float | None = float(len(self.files))
        self.has_audio = False
        self._index = 0

    def read(self) -> Frame | None:
        """The next picture that can be read, or None after the last."""
        rgb, self._head = self._next_picture() if self._head is None else self._head, None
        if rgb is None:
            return None
        frame = Frame(rgb=rgb, index=self._index, pts_seconds=Fraction(self._index))
        self._index += 1
        return frame

    def close(self) -> None:
        """Deliver nothing more; safe to call twice."""
        self._waiting = iter(())
        self._head = None

    def _next_picture(self) -> Picture | None:
        for path in self._waiting:
            try:
                return load_image(path)
            except SourceError as error:
                self._say(f"left out: {error}")
        return None
