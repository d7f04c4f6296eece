"""Blends of styles: names and weights."""

from __future__ import annotations

import math
from collections.abc import Iterable

from livestyle.errors import SettingError

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
