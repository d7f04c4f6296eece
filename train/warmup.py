"""The warm-up: the decoder learns to invert the encoder, block by block, before any style.

A decoder block mirrors an encoder block, so what the encoder's block was given is a target for
what the decoder's should give back: the network is supervised at every level, not at the picture
alone (stacked what-where autoencoders, Zhao et al. 2015, do the same). The blocks learn apart
first, each from the encoder's own features, then together.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.model.decoder import Decoder
from livestyle.model.losses import opponent_colors
from livestyle.model.vgg import VGGEncoder


@torch.no_grad()
def block_inputs(encoder: VGGEncoder, pictures: Tensor) -> list[Tensor]:
    """What each encoder block is given, and relu4_1: the picture, pool1, pool2, pool3, relu4_1."""
    x, inputs = pictures, [pictures]
    for name, conv in encoder.named_children():
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2, ceil_mode=True)
            inputs.append(x)
        x = F.relu(conv(x))
    return [*inputs, x]


def warmup_losses(encoder: VGGEncoder, decoder: Decoder, pictures: Tensor, *, apart: bool) -> dict[str, Tensor]:
    """How far each decoder block is from inverting its encoder block.

    pictures: (N, 3, H, W) float in [0, 1], any size. apart: each block starts from the
    encoder's features and answers for its own; else from what the decoder's block above has made
    of them, and the picture counts most: colours are a small part of the features' variance.
    Mean squared error of features over their variance; ten times the mean absolute error of the
    picture, and of the colours of its 4x4 blocks.
    """
    targets = block_inputs(encoder, pictures)
    x, losses = targets[4], {}
    for number in (4, 3, 2, 1):
        target = targets[number - 1]
        height, width = target.shape[-2:]
        x = decoder.block(number, targets[number] if apart else x)[..., :height, :width]
        if number > 1:
            weight = 1.0 if apart else 0.1
            losses[f"pool{number - 1}"] = weight * _relative_error(x.float(), target)
        else:
            losses["picture"] = 10 * F.l1_loss(x.float(), pictures)
            losses["colors"] = 10 * F.l1_loss(_block_colors(x), _block_colors(pictures))
    return losses


def _relative_error(features: Tensor, target: Tensor) -> Tensor:
    """Mean over the pictures of each one's squared error over its variance: no picture leans on another."""
    error = (features - target).square().mean((1, 2, 3))
    return (error / target.var((1, 2, 3)).clamp_min(0.1)).mean()


def _block_colors(pictures: Tensor) -> Tensor:
    return opponent_colors(F.avg_pool2d(pictures, 4))
