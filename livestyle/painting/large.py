"""Paints pictures that are too large to be in memory as floats: the network in tiles, colours in strips.

The same stages as `livestyle.painting.pipeline.Painter`, for single pictures: no stream, no working size. Beside the
photograph and the painting, three bytes a pixel each, it needs what one tile or one strip takes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from livestyle.engine.coarse_masks import CoarseMasks, coarse_size, strips
from livestyle.engine.tiled import Progress, TiledEngine
from livestyle.frame import Picture
from livestyle.looks.look import Look
from livestyle.looks.masks import masks_of, shares_of
from livestyle.looks.style import Palette, Styles, palette_of
from livestyle.painting.color import keep_frame_color, match_palettes, sample_step
from livestyle.painting.pipeline import painted_regions, prepared, with_original
from livestyle.painting.rate import Size
from livestyle.painting.size import fit_size


class LargePainter:
    """Paints large pictures with an engine for tiles."""

    def __init__(self, engine: TiledEngine, styles: Styles, *, size: tuple[int, int] | int | None = None) -> None:
        """size: of the paintings; see `Painter`."""
        self.engine, self._styles, self._size = engine, styles, size

    def paint(self, rgb: Picture, look: Look, progress: Progress = lambda done, total: None) -> Picture:
        """Paint a picture (HxWx3 uint8 RGB) as the Look says. Raises StyleError for unknown styles."""
        self.engine.progress = progress
        width, height = fit_size(rgb.shape[1], rgb.shape[0], self._size)
        frame = prepared(rgb, (width, height), look)
        styles = [self._styles.blend(weights) for weights in look.region_styles if weights is not None]
        codes = [self.engine.style_code(stats) for stats in styles]
        shares = _shares(look, (width, height))
        if shares is None:
            painting = self.engine.stylize(frame, codes[0], look.alpha)
        else:
            painting = self.engine.stylize_wide(frame, codes, shares, look.alpha)
        _colour(painting, frame, look, [stats.palette for stats in styles], shares)
        return painting


def _colour(
    painting: Picture, frame: Picture, look: Look, palettes: Sequence[Palette], shares: CoarseMasks | None
) -> None:
    """Give the painting, in place, the colours that the Look wants, and the photograph's regions."""
    height, width = painting.shape[:2]
    matched = look.palette and not look.preserve_color
    owns = _palettes_of(painting, shares) if matched else []
    layout = look.layout if look.layout and None in look.layout.styles else None
    regions = CoarseMasks(masks_of(layout.area, *coarse_size(width, height)), width, height) if layout else None
    for rows in strips(height, width):
        strip = painting[rows]
        if matched:
            masks = None if shares is None else shares.window(rows)
            strip = match_palettes(strip, palettes, owns, masks, look.alpha)
        if look.preserve_color:
            strip = keep_frame_color(strip, frame[rows])
        if layout and regions:
            strip = with_original(strip, frame[rows], layout, regions.window(rows))
        painting[rows] = strip


def _shares(look: Look, size: Size) -> CoarseMasks | None:
    """What each region that is painted has of the pixels; None where there is one only."""
    painted = painted_regions(look)
    if look.layout is None or len(painted) < 2:
        return None
    return CoarseMasks(shares_of(look.layout.area, painted, *coarse_size(*size)), *size)


def _palettes_of(painting: Picture, shares: CoarseMasks | None) -> list[Palette]:
    """Of each region; see `sampled_palette`."""
    height, width = painting.shape[:2]
    step = sample_step(height, width)
    sample = painting[::step, ::step]
    if shares is None:
        return [palette_of(sample)]
    return [palette_of(sample, share) for share in shares.at(np.arange(0, height, step), np.arange(0, width, step))]
