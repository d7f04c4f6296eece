"""The `paper` model whole: encoder, AdaIN at relu4_1 and decoder, uint8 pictures in and out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from livestyle.model.adain import adain, mean_std
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder


class PaperPainter(nn.Module):
    """From frames to paintings (Huang & Belongie 2017), with all conversions inside the network."""

    def __init__(self, encoder: VGGEncoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, frames: Tensor, mean: Tensor, std: Tensor, alpha: Tensor) -> Tensor:
        """Paint.

        frames: (N, H, W, 3) uint8 RGB, sides at least 9. mean, std: (N, 512, 1, 1) float32, the
        style's at relu4_1. alpha: float scalar, 0 to 1. Returns (N, H, W, 3) uint8 RGB.
        """
        rgb = as_float(frames)
        features = adain(self.encoder.relu4_1(rgb), mean, std, alpha)
        painting: Tensor = self.decoder(features, rgb.shape[2], rgb.shape[3])
        return (painting.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


class StyleReader(nn.Module):
    """From a style image to its statistics."""

    def __init__(self, encoder: VGGEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, H, W, 3) uint8 RGB -> mean and std of each tap in turn, eight (N, C, 1, 1) float32."""
        return tuple(part for tap in self.encoder.taps(as_float(images)) for part in mean_std(tap))


def as_float(frames: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 as (N, 3, H, W) float32 in [0, 1]."""
    return frames.permute(0, 3, 1, 2).to(torch.float32) / 255
