"""Engines run one model on one backend. This is their protocol, and the choice among them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from livestyle.frame import Picture

if TYPE_CHECKING:
    from livestyle.style import StyleStats

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
    encoder_id: str
    """Which encoder weights make its style statistics; statistics of another one do not fit."""

    def style_stats(self, rgb: Picture) -> StyleStats:
        """Run the encoder on a style image (HxWx3 uint8 RGB). Never called on the frame path."""

    def style_code(self, stats: StyleStats) -> StyleCode:
        """The model's tensors for style statistics; cheap: no network is run."""

    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """Paint a frame: HxWx3 uint8 RGB in and out, same size, at least 16 px a side."""


def choose_engine(device: str = "auto", *, half: bool | None = None, weights: Path | None = None) -> Engine:
    """Build the engine for a device: auto, cuda, mps or cpu.

    half: None means half precision on a GPU and float32 on the CPU. weights: a folder with a
    manifest.json; None means the shipped one. Raises DeviceError when the device asked for is not
    there, WeightsError when weights are damaged.
    """
    from livestyle.errors import DeviceError, SettingError

    if device not in ("auto", "cuda", "mps", "cpu"):
        raise SettingError(f"device {device!r}: choose auto, cuda, mps or cpu")
    import torch

    from livestyle.engine.eager import EagerEngine

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    reason = "asked for"
    if device == "auto":
        device = next(name for name, there in present.items() if there)
        reason = "no GPU found" if device == "cpu" else f"{device} found"
    if not present[device]:
        there = ", ".join(name for name, yes in present.items() if yes)
        raise DeviceError(
            f"device {device!r} is not available to PyTorch {torch.__version__}; there is: {there}; "
            "run `livestyle doctor`, or use --device auto"
        )
    return EagerEngine(device, half=device != "cpu" if half is None else half, reason=reason, weights=weights)
