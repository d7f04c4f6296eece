"""Both models as engines run them: uint8 pictures in and out, weights filled in.

A model is a painter and a projection. The painter takes frames, the style's means and stds and alpha;
the projection makes those means and stds of a style's 1,920 numbers. The reader, which needs the
encoder, makes the numbers of a style image.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.model.adain import mean_std
from livestyle.model.decoder import Decoder
from livestyle.model.fast import DOWNSCALE, FastConfig, FastModel, FastNet
from livestyle.model.paper import PaperNet, Relu41
from livestyle.model.part import Finish, Part
from livestyle.model.vgg import VGGEncoder
from livestyle.model.weights import ModelName, WeightsEntry, load_into, network_entries, read_tensors

Network = TypeVar("Network", bound=nn.Module)


class Painter(nn.Module):
    """From frames to paintings, with all conversions inside the network."""

    def __init__(self, network: nn.Module) -> None:
        """network: `FastNet` or `PaperNet`."""
        super().__init__()
        self.network = network
        self.kernel_numbers = network.kernel_numbers if isinstance(network, FastNet) else 0
        """How many a style may add to; see `FastNet.forward`."""

    def forward(
        self,
        frames: Tensor,
        mean: Tensor,
        std: Tensor,
        kernels: Tensor,
        alpha: float | Tensor = 1.0,
        masks: Tensor | None = None,
    ) -> Tensor:
        """Paint.

        frames: (N, H, W, 3) uint8 RGB, sides at least 9. mean, std: the projection's, (N, C, 1, 1)
        float32. kernels: (`kernel_numbers`,) float32. alpha: 0 to 1, or (N, 1, 1, 1) float32 of each frame. masks, with
        the paper model only: (R, 1, H, W) float32 that sum to 1, where one frame has R regions with styles of their
        own; mean and std are then (R, C, 1, 1). Returns (N, H, W, 3) uint8 RGB. Computes in the weights' precision.
        """
        rgb = as_float(frames, next(self.network.parameters()).dtype)
        masks = None if masks is None else on_grid(masks)
        return self.paint(rgb, mean, std, kernels, alpha, masks, finish=as_bytes).permute(0, 2, 3, 1)

    def paint(
        self,
        rgb: Tensor,
        mean: Tensor,
        std: Tensor,
        kernels: Tensor,
        alpha: float | Tensor,
        masks: Tensor | None = None,
        part: Part | None = None,
        finish: Finish | None = None,
    ) -> Tensor:
        """As `FastNet.forward` and `PaperNet.forward`; each takes what it knows of."""
        own = kernels if self.kernel_numbers else masks
        painting: Tensor = self.network(rgb, mean, std, alpha, own, part, finish)
        return painting


class StyleReader(nn.Module):
    """From a style image to its statistics."""

    def __init__(self, encoder: VGGEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, H, W, 3) uint8 RGB -> mean and std of each tap in turn, eight (N, C, 1, 1) float32."""
        return tuple(part for tap in self.encoder.taps(as_float(images, torch.float32)) for part in mean_std(tap))


def as_float(frames: Tensor, dtype: torch.dtype) -> Tensor:
    """(N, H, W, 3) uint8 as (N, 3, H, W) in [0, 1]; channels_last in memory."""
    return frames.permute(0, 3, 1, 2).to(dtype) / 255


def as_bytes(painting: Tensor) -> Tensor:
    """Numbers in [0, 1] as uint8; what is out of that is cut."""
    return (painting * 255).clamp(0, 255).round().to(torch.uint8)


def on_grid(masks: Tensor) -> Tensor:
    """(R, 1, H, W) with sides that the sizes of all layers divide: the last pixels go on."""
    return F.pad(masks, (0, -masks.shape[3] % DOWNSCALE, 0, -masks.shape[2] % DOWNSCALE), mode="replicate")


def build_model(model: ModelName, weights: Path | None = None) -> tuple[Painter, nn.Module]:
    """A model's painter and projection, float32 on the CPU, for inference.

    weights: a folder with a manifest.json; None means the shipped one. Raises WeightsError.
    """
    encoder, own = network_entries(weights, model)
    if model == "fast":
        fast = _filled(lambda: FastModel(_shape_of(own)), own)
        return Painter(fast.net).eval(), fast.projection
    painter = PaperNet(_filled(lambda: VGGEncoder(encoder.arch), encoder), _filled(lambda: Decoder(own.arch), own))
    return Painter(painter).eval(), Relu41()


def build_reader(model: ModelName, weights: Path | None = None) -> StyleReader:
    """What makes the statistics of a style image; as `build_model`."""
    encoder, _ = network_entries(weights, model)
    return StyleReader(_filled(lambda: VGGEncoder(encoder.arch), encoder)).eval()


def _shape_of(entry: WeightsEntry) -> FastConfig:
    try:
        return FastConfig.of(read_tensors(entry))
    except (KeyError, IndexError):
        return FastConfig()  # filling it says what does not fit


def _filled(make: Callable[[], Network], entry: WeightsEntry) -> Network:
    with torch.device("meta"):  # initial weights would be overwritten at once
        network = make()
    load_into(network.to_empty(device="cpu"), entry)
    return network.requires_grad_(False)
