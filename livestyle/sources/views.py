"""A video seen otherwise: a part of it on a clock of its own, or at a constant rate."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from livestyle.errors import SourceError
from livestyle.frame import Frame
from livestyle.sources.video_files import FileSource

_SOON_SECONDS = Fraction(1, 20)


class _View:
    """Another `FileSource`, as it is."""

    def __init__(self, source: FileSource) -> None:
        self._source = source
        self.name, self.path, self.files = source.name, source.path, source.files
        self.width, self.height, self.sample_aspect = source.width, source.height, source.sample_aspect
        self.rate, self.time_base = source.rate, source.time_base
        self.duration_seconds, self.frame_count_hint = source.duration_seconds, source.frame_count_hint
        self.signal, self.mastering = source.signal, source.mastering

    @property
    def notes(self) -> tuple[str, ...]:
        """See `FileSource`."""
        return self._source.notes

    @property
    def damage(self) -> str | None:
        """See `FileSource`."""
        return self._source.damage

    def stop(self) -> None:
        """See `FileSource`."""
        self._source.stop()

    def close(self) -> None:
        """See `FileSource`."""
        self._source.close()

    def __exit__(self, *_: object) -> None:
        self.close()


class Excerpt(_View):
    """What is shown from a start on, for a time. The start is at 0.

    It begins with the frame that is shown at the start, or with the next one if that is nearer and comes soon.
    """

    def __init__(self, source: FileSource, start_seconds: Fraction, duration_seconds: Fraction | None = None) -> None:
        """Raises SourceError when nothing is shown then."""
        super().__init__(source)
        self._start_seconds, self._span_seconds = start_seconds, duration_seconds
        if source.duration_seconds is not None:
            rest = max(0.0, source.duration_seconds - float(start_seconds))
            self.duration_seconds = rest if duration_seconds is None else min(rest, float(duration_seconds))
            self.frame_count_hint = round(self.duration_seconds * self.rate)
        self._first_seconds = self._begin()
        self.seek(Fraction(0))

    def read(self) -> Frame | None:
        """The next frame, or None at the end of the part."""
        frame = self._source.read()
        while frame is not None and frame.pts_seconds < self._first_seconds:
            frame = self._source.read()
        if frame is None:
            return None
        pts_seconds = max(frame.pts_seconds - self._start_seconds, Fraction(0))
        if self._is_behind(pts_seconds):
            return None
        return replace(frame, pts_seconds=pts_seconds)

    def seek(self, seconds: Fraction, *, run_in: bool = False) -> None:
        """Go on with the first frame at or after a time; run_in: with the one before it, if there is one."""
        if seconds <= 0:
            self._source.seek(self._first_seconds)
        else:
            self._source.seek(seconds + self._start_seconds, run_in=run_in)

    def __enter__(self) -> Excerpt:
        return self

    def _begin(self) -> Fraction:
        """The source's time of the frame to begin with."""
        start_seconds = self._start_seconds
        self._source.seek(start_seconds, run_in=True)
        first, second = self._source.read(), self._source.read()
        if first is None or first.pts_seconds >= start_seconds:
            following = first
        elif second is not None:
            soon_seconds = min((second.pts_seconds - first.pts_seconds) / 2, _SOON_SECONDS)
            following = second if second.pts_seconds - start_seconds <= soon_seconds else first
        else:
            end_seconds = max(float(first.pts_seconds + 1 / self.rate), self._source.duration_seconds or 0.0)
            following = first if start_seconds < end_seconds else None
        if following is None or self._is_behind(following.pts_seconds - start_seconds):
            length = f"; it lasts {self._source.duration_seconds:g} s" if self._source.duration_seconds else ""
            raise SourceError(f"{self.name}: nothing is shown from {float(start_seconds):g} s on{length}")
        return following.pts_seconds

    def _is_behind(self, pts_seconds: Fraction) -> bool:
        return self._span_seconds is not None and pts_seconds >= self._span_seconds


class ConstantRate(_View):
    """Its frames at n / rate, each the one that is on the screen then, to the nearest: some come twice, some never."""

    def __init__(self, source: FileSource, rate: Fraction) -> None:
        super().__init__(source)
        self._source_rate = source.rate
        self.rate, self.time_base = rate, 1 / rate
        if source.duration_seconds is not None:
            self.frame_count_hint = round(source.duration_seconds * rate)
        self._now: Frame | None = None
        self._next: Frame | None = None
        self.seek(Fraction(0))

    def read(self) -> Frame | None:
        """The next frame, or None at the end."""
        until_seconds = (self._number + Fraction(1, 2)) / self.rate
        while self._next is not None and self._next.pts_seconds < until_seconds:
            self._now, self._next = self._next, self._source.read()
        if self._now is None:
            return None
        if self._next is None and until_seconds > self._now.pts_seconds + 1 / self._source_rate:
            return None
        frame = replace(self._now, index=self._number, pts_seconds=self._number / self.rate)
        self._number += 1
        return frame

    def seek(self, seconds: Fraction, *, run_in: bool = False) -> None:
        """Go on with the first frame at or after a time; run_in: with the one before it, if there is one."""
        number = math.ceil(seconds * self.rate) - run_in
        self._source.seek((number + Fraction(1, 2)) / self.rate, run_in=True)
        self._now, self._next = None, self._source.read()
        first = self._next.pts_seconds if self._next else Fraction(0)
        self._number = max(number, math.ceil(first * self.rate - Fraction(1, 2)))

    def __enter__(self) -> ConstantRate:
        return self
