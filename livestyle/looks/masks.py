"""Regions of the picture with styles of their own: a split with an edge that moves, or a mask file.

A layout says where the regions are and gives each of them a blend of styles, or none where the
photograph itself stays. One region is in focus: its styles are the Look's, and all that changes styles
changes them. Places are those of the picture as it is seen, after mirroring. Painting is elsewhere:
`livestyle.painting.pipeline`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from livestyle.errors import SettingError
from livestyle.frame import Masks, Picture
from livestyle.looks.style_weights import StyleWeights, parse_style_weights

ORIGINAL = "original"
"""In place of a style: the photograph itself."""
FEATHER = 0.06
"""Width of a split's soft edge, of the picture's side that it crosses."""
MASK_FEATHER = 0.015
"""Sigma of a mask file's soft edges, of the picture's shorter side."""
MASK_PIXELS = 4_000_000
"""Of a mask file are looked at, at most: edges are softer than what is left out."""
SIDES = {"left": "right", "top": "bottom"}
COLOURS = {
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
}
HOW = 'as in --regions "black:original,white:wave" or "#ff0000:wave,#00ff00:scream"'


@dataclass(frozen=True)
class Split:
    """Two regions with a straight edge between them.

    axis: x for left and right, y for top and bottom. edge: its place, 0 to 1.
    """

    axis: Literal["x", "y"] = "x"
    edge: float = 0.5

    def masks(self, width: int, height: int) -> Masks:
        """(2, height, width)."""
        length = width if self.axis == "x" else height
        second = np.clip(((np.arange(length) + 0.5) / length - self.edge) / FEATHER + 0.5, 0, 1).astype(np.float32)
        line = second[None, :] if self.axis == "x" else second[:, None]
        whole = np.broadcast_to(line, (height, width))
        return np.stack([1 - whole, whole])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the regions."""
        return ("left", "right") if self.axis == "x" else ("top", "bottom")


@dataclass(frozen=True, eq=False)
class MaskFile:
    """Regions drawn in a picture. names: as the person wrote the colours. labels: (H, W), which one is where."""

    path: Path
    names: tuple[str, ...]
    labels: NDArray[np.uint8]

    def masks(self, width: int, height: int) -> Masks:
        """(R, height, width), with soft edges."""
        sigma = MASK_FEATHER * min(width, height)
        shrinks = width * height < self.labels.size
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # the other one would move edges while it enlarges
        layers = [(self.labels == n).astype(np.float32) for n in range(len(self.names))]
        sized = [cv2.resize(layer, (width, height), interpolation=method) for layer in layers]
        soft = np.stack([cv2.GaussianBlur(layer, (0, 0), sigma) for layer in sized])
        shares: Masks = (soft / soft.sum(0)).astype(np.float32)
        return shares


@dataclass(frozen=True)
class Layout:
    """Regions and what they are painted in: a blend of styles each, or None for the photograph."""

    area: Split | MaskFile
    styles: tuple[StyleWeights | None, ...]
    focus: int = 0
    """The region whose styles are the Look's; its own entry here is not looked at. It is no photograph."""

    def __post_init__(self) -> None:
        if len(self.styles) != len(self.area.names) or self.styles[self.focus] is None:
            raise ValueError(f"{len(self.area.names)} regions with styles {self.styles}, focus {self.focus}")

    @property
    def focused_styles(self) -> StyleWeights:
        """Of the region in focus, as they were when it came into focus."""
        styles = self.styles[self.focus]
        assert styles is not None
        return styles

    def styles_with(self, weights: StyleWeights) -> tuple[StyleWeights | None, ...]:
        """All regions' styles, where the Look's are these."""
        return (*self.styles[: self.focus], weights, *self.styles[self.focus + 1 :])

    def focused(self, region: int, weights: StyleWeights) -> tuple[Layout, StyleWeights]:
        """The layout with another region in focus, and that region's styles; `weights` are the Look's till now."""
        styles = self.styles_with(weights)
        chosen = styles[region]
        if chosen is None:
            return self, weights
        return replace(self, styles=styles, focus=region), chosen

    def restyled(self, change: Callable[[StyleWeights], StyleWeights]) -> Layout:
        """With every region's styles changed."""
        return replace(self, styles=tuple(None if style is None else change(style) for style in self.styles))

    def next_focus(self) -> int:
        """The region after the one in focus that has a style."""
        count = len(self.styles)
        after = [(self.focus + step) % count for step in range(1, count + 1)]
        return next(n for n in after if self.styles[n] is not None or n == self.focus)

    def with_edge(self, x: float, y: float) -> Layout:
        """A split with its edge at this place of the picture, 0 to 1; a mask file stays as it is."""
        if not isinstance(self.area, Split):
            return self
        edge = min(1.0, max(0.0, x if self.area.axis == "x" else y))
        return replace(self, area=replace(self.area, edge=edge))

    def region_at(self, x: float, y: float) -> int:
        """The region that has most of a place, 0 to 1."""
        masks = masks_of(self.area, 64, 64)
        return int(masks[:, min(63, int(y * 64)), min(63, int(x * 64))].argmax())


@lru_cache(maxsize=4)
def masks_of(area: Split | MaskFile, width: int, height: int) -> Masks:
    """Each region's share of every pixel: (R, height, width) float32 that sum to 1. Not to be written to."""
    return area.masks(width, height)


@lru_cache(maxsize=4)
def shares_of(area: Split | MaskFile, regions: tuple[int, ...], width: int, height: int) -> Masks:
    """The masks of some of the regions as if there were no others; equal ones where none of them is."""
    some = masks_of(area, width, height)[list(regions)] + np.float32(1e-6)
    shares: Masks = some / some.sum(0)
    return shares


def composed(pictures: Sequence[Picture], masks: Masks) -> Picture:
    """R pictures of one size mixed by their masks, which sum to 1."""
    mixed, total = pictures[0], masks[0]
    for picture, mask in zip(pictures[1:], masks[1:], strict=True):
        mixed = cv2.blendLinear(mixed, picture, total, mask).astype(np.uint8, copy=False)
        total = total + mask
    return mixed


def parse_split(text: str) -> Layout:
    """Parse "left:wave,right:scream" or "top:wave,bottom:original". Raises SettingError."""
    pairs = dict(_pairs(text, "--split left:starry_night,right:wave"))
    return layout_of(lambda names: split_of(names, text), {name: style_of(style) for name, style in pairs.items()})


def split_of(names: Sequence[str], text: str, edge: float = 0.5) -> Split:
    """The split whose regions have these names. Raises SettingError; text is what the person wrote."""
    for first, second in SIDES.items():
        if sorted(names) == sorted((first, second)):
            return Split("x" if first == "left" else "y", edge)
    raise SettingError(f"split {text!r}: name left and right, or top and bottom, as in left:starry_night,right:wave")


def parse_mask(path: Path, regions: str | None) -> Layout:
    """A mask file with what its colours mean. Raises SettingError, SourceError."""
    if regions is None:
        raise SettingError(f"mask {path}: say what its colours mean, {HOW}")
    pairs = dict(_pairs(regions, HOW))
    return layout_of(lambda names: read_mask(path, names), {name: style_of(style) for name, style in pairs.items()})


def style_of(text: str) -> StyleWeights | None:
    """A region's styles, written as for --style, or "original" for the photograph. Raises SettingError."""
    return None if text == ORIGINAL else parse_style_weights(text)


def layout_of(
    area_of: Callable[[tuple[str, ...]], Split | MaskFile], styles: Mapping[str, StyleWeights | None]
) -> Layout:
    """The layout of named regions, the first with a style in focus. Raises SettingError."""
    area = area_of(tuple(styles))
    ordered = tuple(styles[name] for name in area.names)
    focus = next((n for n, style in enumerate(ordered) if style is not None), None)
    if focus is None:
        raise SettingError(f"regions {', '.join(area.names)} are all {ORIGINAL}: give one of them a style, {HOW}")
    return Layout(area, ordered, focus)


def read_mask(path: Path, names: Sequence[str]) -> MaskFile:
    """A mask picture whose pixels belong to the nearest of the named colours. Raises SettingError, SourceError."""
    from livestyle.sources.images import load_image

    colours = np.array([_colour(name) for name in names], np.int32)
    whole = load_image(path)
    step = math.ceil(math.sqrt(whole.shape[0] * whole.shape[1] / MASK_PIXELS))
    rgb = whole[::step, ::step].astype(np.int32)
    distances = np.stack([np.square(rgb - colour).sum(2) for colour in colours])
    labels = distances.argmin(0).astype(np.uint8)
    absent = [name for n, name in enumerate(names) if not (labels == n).any()]
    if absent:
        raise SettingError(f"mask {path} has no {', '.join(absent)}: name the colours that are in it, {HOW}")
    return MaskFile(path, tuple(names), labels)


def _colour(name: str) -> tuple[int, int, int]:
    digits = name.removeprefix("#").lower()
    if name.startswith("#") and len(digits) == 6 and set(digits) <= set("0123456789abcdef"):
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if name not in COLOURS:
        raise SettingError(f"colour {name!r}: write #rrggbb or {', '.join(COLOURS)}")
    return COLOURS[name]


def _pairs(text: str, how: str) -> list[tuple[str, str]]:
    """ "a:x,b:y" as pairs; at least two, each name once. Raises SettingError."""
    parts = [part.partition(":") for part in filter(None, (p.strip() for p in text.split(",")))]
    pairs = [(name.strip(), style.strip()) for name, _, style in parts]
    names = [name for name, _ in pairs]
    if len(pairs) < 2 or not all(name and style for name, style in pairs) or len(set(names)) < len(names):
        raise SettingError(f"regions {text!r}: write two or more names, each with a style, {how}")
    return pairs
