"""The pad: the place of the mouse blends four styles pinned to the corners. It knows no window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from livestyle.looks.style_weights import StyleWeights, normalised


@dataclass(frozen=True)
class Pad:
    """corners: styles at the top left, top right, bottom left and bottom right. x, y: 0 to 1."""

    corners: tuple[str, str, str, str]
    x: float = 0.5
    y: float = 0.5

    def at(self, x: float, y: float) -> Pad:
        """With the mouse at another place."""
        return replace(self, x=min(1.0, max(0.0, x)), y=min(1.0, max(0.0, y)))

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """Bilinear weights of the corners; they sum to 1."""
        x, y = self.x, self.y
        return (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y

    @property
    def weights(self) -> StyleWeights:
        """The blend at this place."""
        return normalised(zip(self.corners, self.shares, strict=True))

    @property
    def labels(self) -> tuple[str, ...]:
        """The corners' styles with their weights, for the window."""
        return tuple(f"{name} {share:.0%}" for name, share in zip(self.corners, self.shares, strict=True))


def pad_of(recent: Sequence[str], styles: Sequence[str]) -> Pad | None:
    """With the last picks in the corners, the newest first, filled up with the first styles; None for under four."""
    names = list(dict.fromkeys([*recent, *styles]))[:4]
    return Pad((names[0], names[1], names[2], names[3])) if len(names) == 4 else None
