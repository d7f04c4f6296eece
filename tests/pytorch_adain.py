"""A plain re-statement of naoto0804/pytorch-AdaIN: its two networks, its AdaIN, and files as it saves them.

Nothing here is livestyle's: what livestyle makes of such files is compared with this.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

DEEPER = (32, 35, 38, 42, 45, 48, 51)
"""Positions of the convolutions after relu4_1 in vgg_normalised.pth."""


def _conv(inside: int, outside: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d((1, 1, 1, 1)), nn.Conv2d(inside, outside, (3, 3)), nn.ReLU()]


def _pool() -> nn.Module:
    return nn.MaxPool2d((2, 2), (2, 2), (0, 0), ceil_mode=True)


def _up() -> nn.Module:
    return nn.UpsamplingNearest2d(scale_factor=2)


def build_vgg() -> nn.Sequential:
    """VGG-19 up to relu4_1, which is what that program keeps: positions 0 to 30."""
    return nn.Sequential(
        nn.Conv2d(3, 3, (1, 1)),
        *_conv(3, 64), *_conv(64, 64), _pool(),
        *_conv(64, 128), *_conv(128, 128), _pool(),
        *_conv(128, 256), *_conv(256, 256), *_conv(256, 256), *_conv(256, 256), _pool(),
        *_conv(256, 512),
    )  # fmt: skip


def build_decoder() -> nn.Sequential:
    """From relu4_1 to a picture."""
    return nn.Sequential(
        *_conv(512, 256), _up(),
        *_conv(256, 256), *_conv(256, 256), *_conv(256, 256), *_conv(256, 128), _up(),
        *_conv(128, 128), *_conv(128, 64), _up(),
        *_conv(64, 64), *_conv(64, 3)[:2],
    )  # fmt: skip


def mean_std(features: Tensor) -> tuple[Tensor, Tensor]:
    """That program's: the variance is the unbiased one."""
    flat = features.flatten(2)
    return flat.mean(2)[..., None, None], (flat.var(2) + 1e-5).sqrt()[..., None, None]


def stylized(vgg: nn.Sequential, decoder: nn.Sequential, content: Tensor, style: Tensor) -> Tensor:
    """content, style: (1, 3, H, W) in [0, 1]. Returns the painting, H and W rounded up to multiples of 8."""
    features, like = vgg(content), vgg(style)
    (mean, std), (style_mean, style_std) = mean_std(features), mean_std(like)
    painting: Tensor = decoder((features - mean) / std * style_std + style_mean)
    return painting


@torch.no_grad()
def random_pair(seed: int = 0) -> tuple[nn.Sequential, nn.Sequential]:
    """Both networks with random weights: activations stay about as large as in the real ones, and the
    paintings of noise lie within [0, 1]."""
    torch.manual_seed(seed)
    vgg, decoder = build_vgg().eval(), build_decoder().eval()
    for module in (*vgg, *decoder):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            assert module.bias is not None
            module.bias.uniform_(-0.1, 0.1)
    swap, mean = torch.eye(3).flip(0), torch.tensor([103.939, 116.779, 103.68]) / 255
    vgg[0].weight.copy_((2 * swap + 0.1 * torch.randn(3, 3))[..., None, None])  # to BGR, as there, and more
    vgg[0].bias.copy_(-2 * mean)
    painting = stylized(vgg, decoder, torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))
    gain = 0.15 / painting.std()
    decoder[28].weight *= gain
    decoder[28].bias.copy_(0.5 - gain * (painting.mean((0, 2, 3)) - decoder[28].bias))
    return vgg, decoder


def save_pair(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """vgg_normalised.pth and decoder.pth of `random_pair`; the VGG's deeper layers are there, as zeros."""
    vgg, decoder = random_pair(seed)
    state = dict(vgg.state_dict())
    for position in DEEPER:
        state[f"{position}.weight"] = torch.zeros(()).expand(512, 512, 3, 3)
        state[f"{position}.bias"] = torch.zeros(512)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / "vgg_normalised.pth", _use_new_zipfile_serialization=False)  # as in 2018
    torch.save(decoder.state_dict(), folder / "decoder.pth")
    return folder / "vgg_normalised.pth", folder / "decoder.pth"
