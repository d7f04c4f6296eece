"""Engines run one model on one backend. This is their protocol, and the choice among them."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
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
    """float32, float16 or bfloat16."""
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
    """Build the engine for a device: auto, cuda, mps, cpu, openvino or openvino:DEVICE.

    auto takes a GPU that PyTorch can use, else OpenVINO on the CPU, else PyTorch on the CPU; `cpu` is
    always PyTorch, the reference. half: None means half precision on a GPU, float32 with PyTorch on
    the CPU, and with OpenVINO what suits the hardware. weights: a folder with a manifest.json; None
    means the shipped one. Raises DeviceError when the device asked for is not there, WeightsError
    when weights are damaged.
    """
    from livestyle.errors import SettingError

    backend, _, part = device.partition(":")
    if device not in ("auto", "cuda", "mps", "cpu", "openvino") and (backend != "openvino" or not part):
        raise SettingError(f"device {device!r}: choose auto, cuda, mps, cpu, openvino or openvino:DEVICE")
    if backend == "openvino":
        return _openvino_engine(part or "CPU", half, weights)
    if device == "auto" and not _may_have_gpu():
        return _cpu_engine(half, weights)
    return _torch_engine(device, half, weights)


def _openvino_engine(device: str, half: bool | None, weights: Path | None) -> Engine:
    from livestyle.errors import DeviceError

    if importlib.util.find_spec("openvino") is None:
        raise DeviceError("device 'openvino' needs the openvino package: `pip install openvino`, or use --device cpu")
    from livestyle.engine.openvino import OpenVINOEngine

    try:
        return OpenVINOEngine(device, half=half, reason="asked for", weights=weights)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DeviceError(f"OpenVINO cannot run on {device!r} ({reason}): use --device cpu") from None


def _cpu_engine(half: bool | None, weights: Path | None) -> Engine:
    """OpenVINO on the CPU, or PyTorch with the reason why not."""
    try:
        from livestyle.engine.openvino import OpenVINOEngine

        return OpenVINOEngine(half=half, reason="no GPU found", weights=weights)
    except (ImportError, RuntimeError, OSError) as error:
        from livestyle.engine.eager import EagerEngine

        reason = f"no GPU found; OpenVINO cannot be used: {' '.join(str(error).split())[:120]}"
        return EagerEngine("cpu", half=bool(half), reason=reason, weights=weights)


def _may_have_gpu() -> bool:
    """Whether PyTorch could find a GPU; False without importing it where no driver is installed."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()


def _torch_engine(device: str, half: bool | None, weights: Path | None) -> Engine:
    import torch

    from livestyle.engine.eager import EagerEngine
    from livestyle.errors import DeviceError

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    reason = "asked for"
    if device == "auto":
        device = next(name for name, there in present.items() if there)
        if device == "cpu":
            return _cpu_engine(half, weights)
        reason = f"{device} found"
    if not present[device]:
        there = ", ".join(name for name, yes in present.items() if yes)
        raise DeviceError(
            f"device {device!r} is not available to PyTorch {torch.__version__}; there is: {there}; "
            "run `livestyle doctor`, or use --device auto"
        )
    return EagerEngine(device, half=device != "cpu" if half is None else half, reason=reason, weights=weights)
