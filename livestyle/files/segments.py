"""A video's time cut into segments that can be painted one by one, in any order and anywhere.

Segment n is what is shown from n * SEGMENT_SECONDS on, for SEGMENT_SECONDS. Steadiness looks back in time, so
a few frames before a segment lead into it: they are painted and thrown away. A segment then depends on nothing but
the file, and is the same whether the one before it was painted here, yesterday, elsewhere or not at all.

What it does not know: painting, encoding, files of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from livestyle.frame import Picture
from livestyle.sources.video_files import FileSource

SEGMENT_SECONDS = 20
LEAD_SECONDS = Fraction(2, 3)
LEAD_FRAMES = 20
"""At most so many, of the last LEAD_SECONDS before a segment, lead into it: half as many leave a jump to be seen."""


class Piece(NamedTuple):
    """A frame of a segment. lead: it leads into it, and is not shown in it."""

    segment: int
    rgb: Picture
    pts_seconds: Fraction
    lead: bool = False


def segment_at(pts_seconds: Fraction) -> int:
    """Which segment a time lies in; those before 0 are in the first."""
    return max(0, pts_seconds // SEGMENT_SECONDS)


def parts(duration_seconds: float | None) -> list[tuple[int, int | None]]:
    """All segments of a file of this length, one by one, from first to last each.

    The last part goes on to the end of the file, wherever that is: what containers announce may be wrong.
    """
    count = 0 if duration_seconds is None else int(max(0.0, duration_seconds) // SEGMENT_SECONDS)
    return [*((number, number) for number in range(count)), (count, None)]


def pieces(source: FileSource, first: int, last: int | None, *, lead: bool) -> Iterator[Piece]:
    """The frames of the segments from first to last, or to the end of the file, in order.

    lead: the frames that lead into each segment come before its own. Raises SourceError.
    """
    if first > 0:
        source.seek(Fraction(first * SEGMENT_SECONDS) - (LEAD_SECONDS if lead else 0))
    latest: deque[Piece] = deque(maxlen=LEAD_FRAMES)
    current: int | None = None
    while (frame := source.read()) is not None:
        segment = segment_at(frame.pts_seconds)
        if last is not None and segment > last:
            return
        if segment != current and segment >= first:
            start_seconds = segment * SEGMENT_SECONDS - LEAD_SECONDS
            yield from (
                piece._replace(segment=segment, lead=True) for piece in latest if piece.pts_seconds >= start_seconds
            )
            current = segment
        piece = Piece(segment, frame.rgb, frame.pts_seconds)
        if lead:
            latest.append(piece)
        if segment >= first:
            yield piece
