"""What a person decides: once at the start (RunSettings), and at any moment (Look)."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from livestyle.errors import SettingError, StyleError

if TYPE_CHECKING:
    from livestyle.masks import Layout

StyleWeights = tuple[tuple[str, float], ...]
"""Style names with weights >= 0 that sum to 1."""


def normalised(weights: Iterable[tuple[str, float]]) -> StyleWeights:
    """Merge equal names, drop zeros and scale to a sum of 1.

    Raises SettingError on a negative or non-finite weight and when nothing is left.
    """
    merged: dict[str, float] = {}
    for name, weight in weights:
        if not name:
            raise SettingError("a style without a name: write wave:0.7,scream:0.3")
        if not math.isfinite(weight) or weight < 0:
            raise SettingError(
                f"weight {weight} of style {name!r}: weights are numbers >= 0, as in wave:0.7,scream:0.3"
            )
        merged[name] = merged.get(name, 0.0) + weight
    total = sum(merged.values())
    if not 0 < total < math.inf:
        raise SettingError("no style has a weight above 0: give at least one, as in --style wave")
    return tuple((name, weight / total) for name, weight in merged.items() if weight > 0)


def parse_style_weights(text: str) -> StyleWeights:
    """Parse "name" or "name:0.7,other:0.3"; a name may be an image path.

    Raises SettingError on a weight that is no number.
    """
    pairs: list[tuple[str, float]] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, colon, number = part.rpartition(":")
        if not colon or "\\" in number or "/" in number:
            pairs.append((part, 1.0))
            continue
        try:
            pairs.append((name.strip(), float(number)))
        except ValueError:
            raise SettingError(f"weight {number!r} of style {name!r} is no number: write wave:0.7,scream:0.3") from None
    return normalised(pairs)


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
    """How much a stream's paintings are held steady, 0 (each is made by itself) to 1; see `livestyle.stability`."""
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


@dataclass(frozen=True)
class RunSettings:
    """Decided once, passed down."""

    device: str = "auto"
    """auto, cuda, mps or cpu."""
    half: bool | None = None
    """Half precision; None: on CUDA and MPS yes, on the CPU no."""
    size: tuple[int, int] | int | None = None
    """Size of the painting: (width, height), or its shorter side, in pixels; None: the source's own."""


def parse_size(text: str) -> tuple[int, int] | int:
    """Parse "640x360" (width x height) or "360" (shorter side). Raises SettingError."""
    try:
        numbers = tuple(int(n) for n in text.lower().split("x"))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 2) or any(not 16 <= n <= 16384 for n in numbers):
        raise SettingError(
            f"size {text!r}: write WIDTHxHEIGHT or the shorter side, 16 to 16384 pixels, as in 640x360 or 360"
        )
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def fit_size(width: int, height: int, size: tuple[int, int] | int | None) -> tuple[int, int]:
    """(width, height) of the painting for a source of the given size. All in pixels.

    For a shorter side the longer one is rounded to an even number, as video codecs want it.
    """
    if size is None:
        return width, height
    if isinstance(size, tuple):
        return size
    k = size / min(width, height)
    if width < height:
        return size, max(size, 2 * round(height * k / 2))
    return max(size, 2 * round(width * k / 2)), size


def nearest_names(name: str, known: Sequence[str]) -> str:
    """The known names closest to a misspelt one, for a message."""
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4)
    return ", ".join(close or known[:5])


def unknown_style(name: str, known: Sequence[str]) -> StyleError:
    """The error for a style that is neither in the bank nor a file."""
    hint = "no such file" if Path(name).suffix else "not in the bank"
    nearest = f"nearest: {nearest_names(name, known)}; " if known else ""
    return StyleError(f"style {name!r}: {hint}; {nearest}`livestyle styles list` shows all, and any image file works")
