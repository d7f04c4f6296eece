"""What the mouse does to a show: drags edges, picks the region in focus, moves on the pad.

Pure functions, as commands are; where the mouse is comes from the window.
"""

from __future__ import annotations

from dataclasses import replace

from livestyle.looks.masks import Layout, Split
from livestyle.pointer import Pointer
from livestyle.show.moves import focus_region
from livestyle.show.state import Show

GRAB = 0.04
"""How near to a split's edge a press takes hold of it, of the picture's side."""


def pointed(show: Show, pointer: Pointer) -> Show:
    """The state after it. A wipe's edge comes first, then the pad, then regions."""
    if pointer.kind == "up":
        return replace(show, held="") if show.held else show
    x, y = show.view.place(pointer.x, pointer.y)
    if show.view.mode == "wipe" and (pointer.kind == "down" or show.held == "wipe"):
        return replace(show, held="wipe", view=show.view.with_edge(pointer.x), message="")
    if show.pad is not None:
        pad = show.pad.at(x, y)
        look = replace(show.look, weights=pad.weights, bypass=False)
        return replace(show, pad=pad, look=look, fade_from=(), message="")
    layout = show.look.layout
    if layout is None:
        return show
    if pointer.kind == "down" and not _near_edge(layout, x, y):
        return focus_region(show, layout.region_at(x, y))
    if pointer.kind == "down" or show.held == "split":
        return replace(show, held="split", look=replace(show.look, layout=layout.with_edge(x, y)), message="")
    return show


def _near_edge(layout: Layout, x: float, y: float) -> bool:
    return isinstance(layout.area, Split) and abs((x if layout.area.axis == "x" else y) - layout.area.edge) <= GRAB
