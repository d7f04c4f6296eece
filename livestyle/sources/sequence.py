"""A sequence of image files as a video: a folder, a pattern ("shots/*.png") or a numbered name ("frame_%04d.png").

In natural order, one after another at a constant rate; numbers that are missing leave no gap. Pictures of another size
than the first are scaled to fit, on black. One that cannot be read leaves the one before it on the screen.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from livestyle.errors import SourceError
from livestyle.frame import Frame, Picture
from livestyle.resize import letterboxed
from livestyle.sources.light import Signal
from livestyle.sources.picture_files import files_in, picture_files
from livestyle.sources.signal import Mastering
from livestyle.sources.still import read_still

RATE = Fraction(25)
_NUMBER = re.compile(r"%(0(\d+))?d")


def sequence_files(named: Path) -> list[Path]:
    """The image files of a sequence in order; empty when the name means no sequence. Raises SourceError."""
    if named.is_dir():
        return files_in(named)
    if named.exists():
        return []
    if (number := _NUMBER.search(named.name)) is not None:
        return _numbered(named, number)
    return [file.path for file in picture_files([named])] if glob.has_magic(str(named)) else []


class SequenceSource:
    """See `livestyle.sources.video_files.FileSource`. Raises SourceError when the first picture cannot be read."""

    def __init__(self, path: Path, files: Sequence[Path], *, rate: Fraction = RATE) -> None:
        self.path, self.files = path, tuple(files)
        self.name = str(path)
        self.rate, self.time_base = rate, 1 / rate
        self.duration_seconds: float | None = float(len(files) / rate)
        self.frame_count_hint: int | None = len(files)
        self.sample_aspect = Fraction(1)
        self.signal, self.mastering = Signal(), Mastering()
        self.notes: tuple[str, ...] = ()
        self._head: Picture | None = read_still(self.files[0]).rgb
        self.height, self.width = self._head.shape[:2]
        self._broken: list[str] = []
        self._index = 0

    @property
    def damage(self) -> str | None:
        """Which pictures could not be read, in one line."""
        if not self._broken:
            return None
        more = f" and {len(self._broken) - 1} more files" if len(self._broken) > 1 else ""
        return f"{self._broken[0]}{more}; the picture before stays in its place"

    def read(self) -> Frame | None:
        """The next picture that can be read, or None after the last."""
        while self._index < len(self.files):
            index = self._index
            self._index += 1
            try:
                head, self._head = self._head, None
                rgb = head if head is not None and index == 0 else read_still(self.files[index]).rgb
            except SourceError as error:
                self._broken.append(str(error))
                continue
            return Frame(rgb=letterboxed(rgb, self.width, self.height), index=index, pts_seconds=index / self.rate)
        return None

    def seek(self, seconds: Fraction, *, run_in: bool = False) -> None:
        """Go on with the first picture at or after a time; run_in: with the one before it."""
        self._index = max(0, -int(-seconds * self.rate // 1) - run_in)
        self._broken = []

    def stop(self) -> None:
        """No read waits."""

    def close(self) -> None:
        """Deliver nothing more; safe to call twice."""
        self._index = len(self.files)
        self._head = None

    def __enter__(self) -> SequenceSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _numbered(named: Path, number: re.Match[str]) -> list[Path]:
    digits = rf"\d{{{number[2]},}}" if number[2] else r"\d+"
    before, after = named.name[: number.start()], named.name[number.end() :]
    name = re.compile(f"{re.escape(before)}({digits}){re.escape(after)}")
    folder = named.parent
    found = (
        [(int(match[1]), f) for f in folder.iterdir() if (match := name.fullmatch(f.name))] if folder.is_dir() else []
    )
    if not found:
        raise SourceError(f"{named} means no file; %04d stands for numbers of four digits, as in {before}0001{after}")
    return [file for _, file in sorted(found)]
