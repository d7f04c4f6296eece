"""Engines run one model on one backend. This is their protocol, and the choice among them."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from livestyle.errors import DeviceError, SettingError
from livestyle.frame import Masks, Picture
from livestyle.model.weights import ModelName, models_in

if TYPE_CHECKING:
    from livestyle.looks.style import StyleStats

StyleCode = Any
"""A model's small tensors for a blend of styles; only the engine that made it looks inside."""

Ticket = Any
"""A frame under way; only the engine that gave it looks inside."""

INT8_REFUSED = "--int8 is for the fast model on OpenVINO: use --device openvino --model fast, or drop it"


class Engine(Protocol):
    """What an engine guarantees: same picture as the float32 model, to its precision.

    One thread uses an engine at a time.
    """

    name: str
    """Backend, as in torch-cpu."""
    model: ModelName
    """paper or fast."""
    device: str
    """The hardware's own name."""
    precision: str
    """float32, float16, bfloat16 or int8."""
    reason: str
    """Why this engine was chosen, in a few words."""
    in_flight: int
    """How many frames may be submitted before the first one's result is taken: ask again after each frame."""
    encoder_id: str
    """Which encoder weights make its style statistics; statistics of another one do not fit."""

    def style_stats(self, rgb: Picture) -> StyleStats:
        """Run the encoder on a style image (HxWx3 uint8 RGB). Never called on the frame path."""

    def style_code(self, stats: StyleStats) -> StyleCode:
        """The model's tensors for style statistics; cheap: no network is run."""

    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """Paint a frame: HxWx3 uint8 RGB in and out, same size, at least 16 px a side."""

    def submit(self, rgb: Picture, code: StyleCode, alpha: float) -> Ticket:
        """Start `stylize` on a frame of a file: with `in_flight` of them under way more are painted in the same time.

        The frame may be changed afterwards. Raises RuntimeError when too many are under way.
        """

    def result(self, ticket: Ticket) -> Picture:
        """Wait for the painting of a frame that was submitted; once each, in the order of submission."""

    def stylize_regions(self, rgb: Picture, codes: Sequence[StyleCode], masks: Masks, alpha: float) -> Picture:
        """As `stylize`, with a style for each of R regions: with the paper model in about the time of one.

        masks: (R, H, W) float32 of the frame's size, >= 0, that sum to 1 at every pixel.
        """


def choose_engine(
    device: str = "auto",
    *,
    model: str = "auto",
    half: bool | None = None,
    int8: bool = False,
    weights: Path | None = None,
) -> Engine:
    """Build the engine for a device: auto, cuda, mps, cpu, openvino, openvino:DEVICE or torch-cuda.

    auto takes a GPU that PyTorch can use, else OpenVINO on the CPU, else PyTorch on the CPU; `cpu` and
    `torch-cuda` are always plain PyTorch, the reference. model: paper, fast or auto, which is paper on
    CUDA and fast elsewhere, as far as the weights have it. half: None means half precision on a GPU,
    float32 with PyTorch on the CPU, and with OpenVINO what suits the hardware. int8: the fast model's
    quantised graph, with OpenVINO only. weights: a folder with a manifest.json; None means the shipped
    one. Raises DeviceError when the device asked for is not there, SettingError when the weights do not
    have the model asked for, WeightsError when weights are damaged.
    """
    backend, _, part = device.partition(":")
    if device not in ("auto", "cuda", "mps", "cpu", "openvino", "torch-cuda") and (backend != "openvino" or not part):
        raise SettingError(f"device {device!r}: choose auto, cuda, mps, cpu, openvino or openvino:DEVICE")
    choice = Choice(model, half, int8, weights)
    if backend == "openvino":
        return _openvino_engine(part or "CPU", choice)
    if device == "auto" and not _may_have_gpu():
        return _cpu_engine(choice)
    return _torch_engine(device, choice)


@dataclass(frozen=True)
class Choice:
    """What a person asked for beside the device."""

    model: str
    half: bool | None
    int8: bool
    weights: Path | None

    def model_for(self, backend: str) -> ModelName:
        """The model to run on cuda, mps, cpu or openvino. Raises SettingError, WeightsError."""
        there = models_in(self.weights)
        if self.int8 and (backend != "openvino" or self.model == "paper" or "fast" not in there):
            raise SettingError(INT8_REFUSED)
        if self.int8:
            return "fast"
        if self.model == "auto":
            favourite: ModelName = "paper" if backend == "cuda" else "fast"
            return favourite if favourite in there else (*there, "paper")[0]
        for name in there:
            if name == self.model:
                return name
        raise SettingError(
            f"model {self.model!r}: these weights have {' and '.join(there)}; choose auto or one of them"
        )


def _openvino_engine(device: str, choice: Choice) -> Engine:
    if importlib.util.find_spec("openvino") is None:
        raise DeviceError("device 'openvino' needs the openvino package: `pip install openvino`, or use --device cpu")
    from livestyle.engine.openvino import OpenVINOEngine

    model = choice.model_for("openvino")
    try:
        return OpenVINOEngine(
            device, model=model, half=choice.half, int8=choice.int8, reason="asked for", weights=choice.weights
        )
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DeviceError(f"OpenVINO cannot run on {device!r} ({reason}): use --device cpu") from None


def _cpu_engine(choice: Choice, why: str = "no GPU found") -> Engine:
    """OpenVINO on the CPU, or PyTorch with the reason why not. why: no GPU is taken."""
    model = choice.model_for("openvino")
    try:
        from livestyle.engine.openvino import OpenVINOEngine

        return OpenVINOEngine(model=model, half=choice.half, int8=choice.int8, reason=why, weights=choice.weights)
    except (ImportError, RuntimeError, OSError) as error:
        from livestyle.engine.eager import EagerEngine

        model = choice.model_for("cpu")
        reason = f"{why}; OpenVINO cannot be used: {' '.join(str(error).split())[:120]}"
        return EagerEngine("cpu", model=model, half=bool(choice.half), reason=reason, weights=choice.weights)


def _may_have_gpu() -> bool:
    """Whether PyTorch could find a GPU; False without importing it where no driver is installed."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()


def _torch_engine(device: str, choice: Choice) -> Engine:
    import torch

    from livestyle.engine.eager import EagerEngine

    asked = device
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    reason = "asked for"
    plain, device = device == "torch-cuda", device.removeprefix("torch-")
    if device == "auto":
        device = next(name for name, there in present.items() if there)
        if device == "cpu":
            return _cpu_engine(choice)
        reason = f"{device} found"
    if not present[device]:
        there = ", ".join(name for name, yes in present.items() if yes)
        raise DeviceError(
            f"device {device!r} is not available to PyTorch {torch.__version__}; there is: {there}; "
            "run `livestyle doctor`, or use --device auto"
        )
    half = device != "cpu" if choice.half is None else choice.half
    model = choice.model_for(device)
    if device == "cuda" and not plain:
        try:
            from livestyle.engine.cuda import CudaEngine

            return CudaEngine(model=model, half=half, reason=reason, weights=choice.weights)
        except RuntimeError as error:
            reason = f"{reason}; CUDA graphs cannot be used: {' '.join(str(error).split())[:120]}"
    try:
        return EagerEngine(device, model=model, half=half, reason=reason, weights=choice.weights)
    except RuntimeError as error:  # too old for this PyTorch, its memory is full, another program has it
        why = f"{device} cannot be used: {' '.join(str(error).split())[:120]}"
        if asked == "auto":
            return _cpu_engine(choice, why)
        raise DeviceError(f"device {asked!r}: {why}; use --device auto or cpu") from None
