"""The VGG encoder up to relu4_1, with the four taps that style statistics are read from.

Pre-processing (scale, mean, channel order) is folded into conv1_1 of the weights files, so the
encoder takes plain RGB in [0, 1]. Folding is exact: reflection padding repeats real pixels.
It does not know where weights come from (`livestyle.model.weights`) nor what happens to the features.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Arch = Literal["vgg16", "vgg19"]

CHANNELS = (64, 128, 256, 512)
"""Channels of the taps relu1_1, relu2_1, relu3_1 and relu4_1."""

DOWNSCALE = 8
"""Picture pixels per relu4_1 pixel along each axis (rounded up: pooling is ceil-mode)."""

MIN_SIDE_PX = DOWNSCALE + 1
"""The smallest picture side: reflection padding needs two pixels at relu4_1."""

_CONVS_PER_BLOCK: dict[Arch, tuple[int, ...]] = {"vgg16": (2, 2, 3, 1), "vgg19": (2, 2, 4, 1)}

Taps = tuple[Tensor, Tensor, Tensor, Tensor]


def layer_names(arch: Arch) -> list[str]:
    """Names of the convolutions in order, Oxford's: conv1_1, conv1_2, conv2_1, ... conv4_1."""
    return [f"conv{block}_{i}" for block, count in enumerate(_CONVS_PER_BLOCK[arch], 1) for i in range(1, count + 1)]


class ReflectConv(nn.Conv2d):
    """A 3x3 convolution with reflection padding of one pixel: the size stays."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H, W); H and W at least 2."""
        return super().forward(F.pad(x, (1, 1, 1, 1), mode="reflect"))


class VGGEncoder(nn.Module):
    """conv1_1 to conv4_1 of VGG-16 or VGG-19 (Simonyan & Zisserman 2014).

    As in Huang & Belongie 2017: reflection padding against border artefacts, ceil-mode max
    pooling, and weights scaled so that a channel's mean activation over photographs is 1.
    """

    def __init__(self, arch: Arch = "vgg16") -> None:
        super().__init__()
        self.arch: Arch = arch
        in_channels = 3
        for name in layer_names(arch):
            out_channels = CHANNELS[int(name[4]) - 1]
            self.add_module(name, ReflectConv(in_channels, out_channels))
            in_channels = out_channels

    def taps(self, rgb: Tensor) -> Iterator[Tensor]:
        """The four features of `forward` one by one, so that earlier ones need not stay in memory."""
        x = rgb
        for name, conv in self.named_children():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, kernel_size=2, ceil_mode=True)
            x = F.relu(conv(x))
            if name.endswith("_1"):
                yield x

    def forward(self, rgb: Tensor) -> Taps:
        """Features of a picture.

        rgb: (N, 3, H, W) float in [0, 1], H and W at least 9.
        Returns relu1_1 (N, 64, H, W), relu2_1 (N, 128, H/2, W/2), relu3_1 (N, 256, H/4, W/4) and
        relu4_1 (N, 512, H/8, W/8), sizes rounded up, all >= 0 and about 1 on average.
        """
        relu1_1, relu2_1, relu3_1, relu4_1 = self.taps(rgb)
        return relu1_1, relu2_1, relu3_1, relu4_1

    def relu4_1(self, rgb: Tensor) -> Tensor:
        """The last tap alone; see `forward`."""
        *_, last = self.taps(rgb)
        return last


def fold_preprocessing(weights: dict[str, Tensor], scale: Tensor, shift: Tensor) -> dict[str, Tensor]:
    """Rewrite conv1_1 so that it takes RGB x in [0, 1] where it took `scale * x - shift`.

    weights: an encoder's state dict; scale, shift: (3,) float. Returns a new state dict.
    """
    w = weights["conv1_1.weight"]
    folded = dict(weights)
    folded["conv1_1.weight"] = w * scale.view(1, 3, 1, 1)
    folded["conv1_1.bias"] = weights["conv1_1.bias"] - (w * shift.view(1, 3, 1, 1)).sum((1, 2, 3))
    return folded


@torch.no_grad()
def normalise_activations(encoder: VGGEncoder, pictures: list[Tensor]) -> VGGEncoder:
    """Scale the weights in place so that every channel's mean activation over `pictures` is 1.

    pictures: (1, 3, H, W) float in [0, 1], of any sizes. Each layer is divided by its channels'
    mean activation and the next one multiplied by it, so the network stays the same function up
    to those scales (Gatys et al. 2016, section 2). Returns the encoder.
    """
    features = pictures
    previous_mean: Tensor | None = None
    for name, module in encoder.named_children():
        assert isinstance(module, ReflectConv) and module.bias is not None
        if previous_mean is not None:
            module.weight *= previous_mean.view(1, -1, 1, 1)
        if name.endswith("_1") and name != "conv1_1":
            features = [F.max_pool2d(f, 2, ceil_mode=True) for f in features]
        activations = [F.relu(module(f)) for f in features]
        mean = torch.stack([a.mean((0, 2, 3)) for a in activations]).mean(0).clamp_min(1e-3)
        module.weight /= mean.view(-1, 1, 1, 1)
        module.bias /= mean
        features = [a / mean.view(1, -1, 1, 1) for a in activations]
        previous_mean = mean
    return encoder
