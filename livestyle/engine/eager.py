"""The plain PyTorch engine: either model on the CPU, CUDA or MPS, operation by operation.

It is the reference that faster engines are tested against.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from livestyle.errors import WeightsError
from livestyle.frame import Masks, Picture
from livestyle.looks.masks import composed
from livestyle.looks.style import StyleStats, palette_of
from livestyle.model.build import StyleReader, build_model, build_reader
from livestyle.model.weights import ModelName, encoder_id, network_id


@dataclass(frozen=True)
class StyleCode:
    """The style's means and stds for the model's AdaIN layers, (1, C, 1, 1) float32 each, on the engine's device.

    kernels: what is added to those of the convolutions, (P,) float32; with the paper model empty.
    """

    mean: Tensor
    std: Tensor
    kernels: Tensor


class EagerEngine:
    """Runs a model eagerly; see `livestyle.engine.Engine`."""

    in_flight = 1

    def __init__(self, device: str, *, model: ModelName, half: bool, reason: str, weights: Path | None = None) -> None:
        """device: cpu, cuda or mps. half: float16 on a GPU, bfloat16 on the CPU.

        weights: a folder with a manifest.json; None means the shipped one. Raises WeightsError.
        """
        self._device = torch.device(device)
        half_dtype = torch.bfloat16 if device == "cpu" else torch.float16
        dtype = half_dtype if half else torch.float32
        self.name = f"torch-{device}"
        self.device = device_name(device)
        self.model = model
        self.precision = str(dtype).removeprefix("torch.")
        self.reason = reason
        self.encoder_id = encoder_id(weights)
        self._network_id = network_id(model, weights)
        self._weights = weights
        self._painter, self._projection = build_model(model, weights)
        self._painter.to(self._device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._projection.to(self._device)
        refuse_overflow(self._painter, self.precision)

    @cached_property
    def _reader(self) -> StyleReader:
        return build_reader(self.model, self._weights).to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    @torch.inference_mode()
    def style_stats(self, rgb: Picture) -> StyleStats:
        """See `Engine.style_stats`; always float32."""
        parts = [part.flatten().cpu().numpy() for part in self._reader(self._to_device(rgb))]
        return StyleStats(means=tuple(parts[0::2]), stds=tuple(parts[1::2]), palette=palette_of(rgb))

    @torch.inference_mode()
    def style_code(self, stats: StyleStats) -> StyleCode:
        """See `Engine.style_code`."""
        return self._refined(self._projection(torch.from_numpy(stats.numbers)[None].to(self._device)), stats)

    @torch.inference_mode()
    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """See `Engine.stylize`."""
        painting = self._painter(self._to_device(rgb), code.mean, code.std, code.kernels, alpha)
        return np.ascontiguousarray(painting[0].cpu().numpy())

    def submit(self, rgb: Picture, code: StyleCode, alpha: float) -> Any:
        """See `Engine.submit`: painted at once."""
        return self.stylize(rgb, code, alpha)

    def result(self, ticket: Any) -> Picture:
        """See `Engine.result`."""
        painting: Picture = ticket
        return painting

    def stylize_regions(self, rgb: Picture, codes: Sequence[StyleCode], masks: Masks, alpha: float) -> Picture:
        """See `Engine.stylize_regions`."""
        if self.model == "fast":
            return composed([self.stylize(rgb, code, alpha) for code in codes], masks)
        return self._regions_at_once(rgb, codes, masks, alpha)

    @torch.inference_mode()
    def _regions_at_once(self, rgb: Picture, codes: Sequence[StyleCode], masks: Masks, alpha: float) -> Picture:
        mean, std = (torch.cat(parts).to(self._device) for parts in zip(*((c.mean, c.std) for c in codes), strict=True))
        shares = torch.from_numpy(np.ascontiguousarray(masks))[:, None].to(self._device)
        painting = self._painter(self._to_device(rgb), mean, std, codes[0].kernels, alpha, shares)
        return np.ascontiguousarray(painting[0].cpu().numpy())

    def _refined(self, code: tuple[Tensor, Tensor], stats: StyleStats) -> StyleCode:
        mean, std = code
        refinement = stats.refinement(self._network_id)
        numbers = *refinement.to_code, refinement.kernels_of(self._painter.kernel_numbers)
        more, factor, kernels = (torch.from_numpy(v).to(mean.device) for v in numbers)
        return StyleCode(mean + more, std * factor, kernels)

    def _to_device(self, rgb: Picture) -> Tensor:
        writable = np.require(rgb, requirements=["C", "W"])  # torch refuses to share read-only memory
        return torch.from_numpy(writable)[None].to(self._device)


def refuse_overflow(module: nn.Module, precision: str) -> None:
    """Raise WeightsError when weights are not finite numbers in the precision they have been put in."""
    for name, p in module.named_parameters():
        if not p.isfinite().all():
            advice = "they are damaged" if p.dtype == torch.float32 else "add --no-half"
            raise WeightsError(f"weights {name.removeprefix('network.')} are not finite in {precision}: {advice}")


def device_name(device: str) -> str:
    """The hardware's own name. device: cuda, mps or cpu."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    if device == "mps":
        return "Apple GPU"
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"
