"""What a mouse did, and where in the picture. It knows neither windows nor what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["down", "move", "up"]


@dataclass(frozen=True)
class Pointer:
    """kind: the left button went down or up, or the mouse moved. x, y: in the shown picture, 0 to 1."""

    kind: Kind
    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A rectangle in a window, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def place(self, x: int, y: int) -> tuple[float, float]:
        """A window's pixel as a place in the rectangle, 0 to 1 each; outside it the nearest one."""
        across, down = (x - self.x + 0.5) / self.width, (y - self.y + 0.5) / self.height
        return min(1.0, max(0.0, across)), min(1.0, max(0.0, down))


def fitted(picture: tuple[int, int], window: tuple[int, int]) -> Box:
    """Where a picture of (width, height) px is in a window that it fills as far as its shape allows."""
    k = min(window[0] / picture[0], window[1] / picture[1])
    width, height = max(1, round(picture[0] * k)), max(1, round(picture[1] * k))
    return Box((window[0] - width) // 2, (window[1] - height) // 2, width, height)
