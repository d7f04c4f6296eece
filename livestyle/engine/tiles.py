"""A large picture cut into tiles that overlap, and how large one may be before it is cut. Numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

GRID_PX = 16
"""Tiles and their windows begin at multiples of this, where the networks' smallest features do."""
PADDED_PX = 8
"""Networks make a window's sides multiples of this."""


@dataclass(frozen=True)
class Span:
    """A tile along one axis: its own pixels, start to stop, in the middle of those that are looked at for it."""

    start: int
    stop: int
    window_start: int
    window_stop: int


@dataclass(frozen=True)
class Tile:
    """A part of a picture: the tiles' own pixels cover it without overlap, their windows with."""

    rows: Span
    columns: Span

    @property
    def own(self) -> tuple[slice, slice]:
        """Its own pixels in the picture."""
        return slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)

    @property
    def window(self) -> tuple[slice, slice]:
        """All pixels that are looked at for it, in the picture."""
        return (
            slice(self.rows.window_start, self.rows.window_stop),
            slice(self.columns.window_start, self.columns.window_stop),
        )

    def own_in_window(self, scale: int = 1) -> tuple[slice, slice]:
        """Its own pixels in features of its window at 1 / scale of the size, a divisor of PADDED_PX.

        At the picture's right and lower border they go to the end of the features, which may reach over it.
        """
        return _inner(self.rows, scale), _inner(self.columns, scale)

    def scale_of(self, lines: int) -> int:
        """How much smaller features of its window with so many lines are: a divisor of PADDED_PX."""
        window_px = self.rows.window_stop - self.rows.window_start
        return -(-window_px // PADDED_PX) * PADDED_PX // lines


def tiles_of(height: int, width: int, *, tile_px: int, halo_px: int) -> list[Tile]:
    """Tiles of about equal size, row by row, of at most tile_px a side and with halo_px around them to look at.

    tile_px, halo_px: multiples of GRID_PX. Windows end halo_px further out or at the picture's border.
    """
    across = list(_spans(width, tile_px, halo_px))
    return [Tile(rows, columns) for rows in _spans(height, tile_px, halo_px) for columns in across]


def _spans(length: int, tile_px: int, halo_px: int) -> Iterator[Span]:
    count = -(-length // tile_px)
    step = -(-length // (count * GRID_PX)) * GRID_PX
    for start in range(0, length, step):
        stop = min(length, start + step)
        yield Span(start, stop, max(0, start - halo_px), min(length, stop + halo_px))


def _inner(span: Span, scale: int) -> slice:
    start = (span.start - span.window_start) // scale
    return slice(start, None if span.stop == span.window_stop else (span.stop - span.window_start) // scale)
