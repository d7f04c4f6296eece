"""Engines run one model on one backend. This is their protocol, and the choice among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from livestyle.frame import Picture

if TYPE_CHECKING:
    from livestyle.bank import StyleStats

StyleCode = Any
"""A model's small tensors for a blend of styles; only the engine that made it looks inside."""


class Engine(Protocol):
    """What an engine guarantees: same picture as the float32 model, to its precision.

    One thread uses an engine at a time.
    """

    name: str
    """Backend, as in torch-cpu."""
    device: str
    """The hardware's own name."""
    precision: str
    """float32 or float16."""
    reason: str
    """Why this engine was chosen, in a few words."""

    def style_stats(self, rgb: Picture) -> StyleStats:
        """Run the encoder on a style image (HxWx3 uint8 RGB). Never called on the frame path."""

    def style_code(self, stats: StyleStats) -> StyleCode:
        """The model's tensors for style statistics; cheap: no network is run."""

    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """Paint a frame: HxWx3 uint8 RGB in and out, same size, at least 16 px a side."""
