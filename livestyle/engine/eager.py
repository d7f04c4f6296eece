"""The plain PyTorch engine: the `paper` model on the CPU, CUDA or MPS, operation by operation.

It is the reference that faster engines are tested against.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from livestyle.errors import WeightsError
from livestyle.frame import Picture
from livestyle.model.adain import adain, mean_std
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder
from livestyle.style import StyleStats, palette_of
from livestyle.weights import WeightsEntry, encoder_id, load_into, network_entries


@dataclass(frozen=True)
class AdaINCode:
    """relu4_1's style mean and std, (1, 512, 1, 1) float32 each, on the engine's device."""

    mean: Tensor
    std: Tensor


class EagerEngine:
    """Runs VGG encoder, AdaIN and decoder eagerly; see `livestyle.engine.Engine`."""

    def __init__(self, device: str, *, half: bool, reason: str, weights: Path | None = None) -> None:
        """device: cpu, cuda or mps. half: float16 on a GPU, bfloat16 on the CPU.

        weights: a folder with a manifest.json; None means the shipped one. Raises WeightsError.
        """
        self._device = torch.device(device)
        half_dtype = torch.bfloat16 if device == "cpu" else torch.float16
        self._dtype = half_dtype if half else torch.float32
        self.name = f"torch-{device}"
        self.device = device_name(device)
        self.precision = str(self._dtype).removeprefix("torch.")
        self.reason = reason
        self.encoder_id = encoder_id(weights)
        encoder, decoder = network_entries(weights)
        # Initial weights would be overwritten at once: skipping them halves the start.
        with torch.device("meta"):
            self._encoder, self._decoder = VGGEncoder(encoder.arch), Decoder(decoder.arch)
        for module, entry in ((self._encoder, encoder), (self._decoder, decoder)):
            load_into(module.to_empty(device="cpu"), entry)
            module.eval().requires_grad_(False)
            module.to(self._device, self._dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            refuse_overflow(module, entry)

    @torch.inference_mode()
    def style_stats(self, rgb: Picture) -> StyleStats:
        """See `Engine.style_stats`; statistics are float32 numpy vectors."""
        stats = [mean_std(tap) for tap in self._encoder.taps(self._to_device(rgb))]
        return StyleStats(
            means=tuple(mean.flatten().cpu().numpy() for mean, _ in stats),
            stds=tuple(std.flatten().cpu().numpy() for _, std in stats),
            palette=palette_of(rgb),
        )

    def style_code(self, stats: StyleStats) -> AdaINCode:
        """See `Engine.style_code`."""
        mean, std = (torch.from_numpy(v[3]).view(1, -1, 1, 1).to(self._device) for v in (stats.means, stats.stds))
        return AdaINCode(mean, std)

    @torch.inference_mode()
    def stylize(self, rgb: Picture, code: AdaINCode, alpha: float) -> Picture:
        """See `Engine.stylize`."""
        height, width = rgb.shape[:2]
        content = self._encoder.relu4_1(self._to_device(rgb))
        painting = self._decoder(adain(content, code.mean, code.std, alpha), height, width)
        pixels = painting[0].float().clamp_(0, 1).mul_(255).round_().to(torch.uint8)
        return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())

    def _to_device(self, rgb: Picture) -> Tensor:
        writable = np.require(rgb, requirements=["C", "W"])  # torch refuses to share read-only memory
        pixels = torch.from_numpy(writable).to(self._device)
        picture = pixels.permute(2, 0, 1)[None].to(self._dtype).div_(255)
        return picture.contiguous(memory_format=torch.channels_last)


def refuse_overflow(module: nn.Module, entry: WeightsEntry) -> None:
    """Raise WeightsError when weights are not finite numbers in the precision they have been put in."""
    for p in module.parameters():
        if not p.isfinite().all():
            precision = str(p.dtype).removeprefix("torch.")
            advice = "they are damaged" if p.dtype == torch.float32 else "add --no-half"
            raise WeightsError(f"weights {entry.file} are not finite in {precision}: {advice}")


def device_name(device: str) -> str:
    """The hardware's own name. device: cuda, mps or cpu."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    if device == "mps":
        return "Apple GPU"
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"
