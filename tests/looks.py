"""Looks, compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livestyle.looks.look import Look


def same(one: Look, other: Look) -> bool:
    """Whether two Looks are the same up to the rounding of weights."""
    styles = list(zip(one.region_styles, other.region_styles, strict=True))
    pairs = [(dict(a or ()), dict(b or ())) for a, b in styles]
    regions = [(look.layout.area, look.layout.focus) if look.layout else None for look in (one, other)]
    plain = [replace(look, weights=one.weights, layout=None) for look in (one, other)]
    return plain[0] == plain[1] and regions[0] == regions[1] and all(a == pytest.approx(b, abs=1e-9) for a, b in pairs)
