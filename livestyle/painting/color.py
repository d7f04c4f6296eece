"""Colours after painting: the style's palette, or the frame's own colours. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from livestyle.frame import Masks, Picture
from livestyle.looks.masks import composed
from livestyle.looks.style import Palette, palette_of

Matrix = NDArray[np.float64]

FLOOR = 3e-3
"""Added to the variances, in squared units of [0, 1]: a picture of one colour gets no invented ones."""
PALETTE_PIXELS = 14_400
"""Of a painting are looked at, or a few more, evenly spaced: more do not tell more."""
MAX_GAIN = 2.5
"""Colour differences are stretched at most so far: noise in a grey picture stays quiet."""


def sampled_palette(painting: Picture, share: NDArray[np.float32] | None = None) -> Palette:
    """The colours of a painting (HxWx3 uint8 RGB), from enough of its pixels.

    share: HxW float32 >= 0, how much each pixel counts.
    """
    step = sample_step(*painting.shape[:2])
    return palette_of(painting[::step, ::step], None if share is None else share[::step, ::step])


def sample_step(height: int, width: int) -> int:
    """Every how many pixels, along both axes, a picture of this size is looked at for its colours."""
    return max(1, math.isqrt(height * width // PALETTE_PIXELS))


def match_palette(painting: Picture, palette: Palette, strength: float = 1.0, *, own: Palette | None = None) -> Picture:
    """Give the painting the palette's mean and covariance of RGB, by the degree `strength`.

    painting: HxWx3 uint8 RGB; returns the same. own: the colours that it is taken to have; None: those
    that it has. The linear Monge-Kantorovitch map (Pitie & Kokaram 2007): of all linear maps that do
    it, the one that moves colours least.
    """
    own = own or sampled_palette(painting)
    floor = FLOOR * np.eye(3)
    root = _square_root(own.covariance + floor)
    inverse = np.linalg.inv(root)
    gain = _limited(inverse @ _square_root(root @ (palette.covariance + floor) @ root) @ inverse)
    gain = np.eye(3) + strength * (gain - np.eye(3))
    mean = own.mean + strength * (palette.mean - own.mean)
    offset = 255 * (mean - gain @ own.mean)
    return cv2.transform(painting, np.hstack([gain, offset[:, None]])).astype(np.uint8, copy=False)


def match_palettes(
    painting: Picture,
    palettes: Sequence[Palette],
    owns: Sequence[Palette],
    masks: Masks | None,
    strength: float = 1.0,
) -> Picture:
    """Give each region of the painting a palette of its own; see `match_palette`.

    palettes, owns: of each region. masks: RxHxW; None: there is one region.
    """
    pairs = zip(palettes, owns, strict=True)
    matched = [match_palette(painting, palette, strength, own=own) for palette, own in pairs]
    return matched[0] if masks is None else composed(matched, masks)


def _square_root(matrix: Matrix) -> Matrix:
    """Of a symmetric positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root: Matrix = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def _limited(gain: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh((gain + gain.T) / 2)
    limited: Matrix = (vectors * np.minimum(values, MAX_GAIN)) @ vectors.T
    return limited


def keep_frame_color(painting: Picture, frame: Picture) -> Picture:
    """Luma of the painting with the chroma of the frame, in YCbCr (BT.601).

    Both HxWx3 uint8 RGB of one size; returns the same (Gatys et al. 2016, luminance transfer).
    """
    luma = cv2.cvtColor(painting, cv2.COLOR_RGB2YCrCb)
    mixed = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
    mixed[..., 0] = luma[..., 0]
    return cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB).astype(np.uint8, copy=False)
