"""A Look: all that a person can turn while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from livestyle.errors import SettingError
from livestyle.looks.style_weights import StyleWeights

if TYPE_CHECKING:
    from livestyle.looks.masks import Layout


@dataclass(frozen=True)
class Look:
    """Everything a person can turn while it runs. Immutable: a command maps a Look to a Look."""

    weights: StyleWeights
    """Blend of styles; see `normalised`."""
    alpha: float = 1.0
    """Degree of stylization, 0 (content as the decoder rebuilds it) to 1."""
    preserve_color: bool = False
    """Luma of the painting, chroma of the frame."""
    palette: bool = True
    """Match the painting's colours to the style's palette (not with preserve_color)."""
    stability: float = 0.5
    """How much a stream's paintings are held steady, 0 (each by itself) to 1; see `livestyle.painting.stability`."""
    mirror: bool = False
    """Flip left and right, as a mirror does."""
    bypass: bool = False
    """Show the frame itself."""
    layout: Layout | None = None
    """Regions with styles of their own; `weights` are then those of the region in focus."""

    def __post_init__(self) -> None:
        if not self.weights:
            raise SettingError("a look needs a style: give at least one, as in --style wave")
        if not 0 <= self.alpha <= 1:
            raise SettingError(f"alpha {self.alpha} is out of range: 0 (photograph) to 1 (full style)")
        if not 0 <= self.stability <= 1:
            raise SettingError(f"stability {self.stability} is out of range: 0 (off) to 1 (steadiest)")

    @property
    def region_styles(self) -> tuple[StyleWeights | None, ...]:
        """Of each region; without a layout of the one there is. None: the photograph."""
        return self.layout.styles_with(self.weights) if self.layout else (self.weights,)


def restyled(look: Look, change: Callable[[StyleWeights], StyleWeights]) -> Look:
    """With the styles of every region changed."""
    if look.layout is None:
        return replace(look, weights=change(look.weights))
    layout = look.layout.restyled(change)
    return replace(look, weights=layout.focused_styles, layout=layout)


def look_change(one: Look, other: Look) -> float:
    """How much else two Looks paint: the share of styles, or the alpha, that differs, in the region where most does.

    Infinite where anything else differs, but for the stability.
    """
    areas = [look.layout.area if look.layout else None for look in (one, other)]
    plain = [replace(look, weights=one.weights, alpha=1.0, stability=1.0, layout=None) for look in (one, other)]
    if areas[0] != areas[1] or plain[0] != plain[1]:
        return math.inf
    regions = zip(one.region_styles, other.region_styles, strict=True)
    return max(abs(one.alpha - other.alpha), *(_styles_change(*styles) for styles in regions))


def _styles_change(one: StyleWeights | None, other: StyleWeights | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    before, after = dict(one), dict(other)
    return sum(abs(before.get(name, 0.0) - after.get(name, 0.0)) for name in before | after) / 2
