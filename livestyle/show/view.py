"""How the window shows a painting: alone, beside the photograph, or with a wipe between the two.

For the window only: sinks and snapshots get the painting. What is drawn over it is `livestyle.live.hud`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from livestyle.frame import Picture

Mode = Literal["painting", "beside", "wipe"]
MODES: tuple[Mode, ...] = ("painting", "beside", "wipe")
LINE_SHARE = 0.002
"""Width of the line at a wipe's edge, of the picture's width; at least 1 px."""


@dataclass(frozen=True)
class View:
    """mode: what is shown. edge: where a wipe changes from photograph to painting, 0 (left) to 1."""

    mode: Mode = "painting"
    edge: float = 0.5

    def next(self) -> View:
        """The mode after this one, in a circle."""
        return replace(self, mode=MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def with_edge(self, x: float) -> View:
        """A wipe's edge at this place, kept in the picture."""
        return replace(self, edge=min(1.0, max(0.0, x)))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where in the painting a place of the shown picture is; 0 to 1 each. In the photograph: the same there."""
        return ((2 * x) % 1.0 if self.mode == "beside" and x < 1 else x), y

    def compose(self, painting: Picture, photograph: Picture) -> Picture:
        """What is shown; both HxWx3 uint8 RGB of one size, which are not changed. Beside it is Hx2Wx3."""
        if self.mode == "painting":
            return painting
        if self.mode == "beside":
            return np.hstack([photograph, painting])
        width = painting.shape[1]
        column, line = round(self.edge * width), max(1, round(LINE_SHARE * width))
        shown: Picture = painting.copy()
        shown[:, :column] = photograph[:, :column]
        shown[:, max(0, column - line) : column + line] = 255
        return shown
