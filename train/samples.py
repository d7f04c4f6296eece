"""The sheet of sample paintings that a training leaves at every checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from livestyle.model.adain import adain
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder
from train.data import CropStream, evenly, to_tensor
from train.losses import tap_stats


def sample_pictures(stream: CropStream, count: int, side: int) -> list[Tensor]:
    """The same few pictures at every call, centre-cropped to (3, side, side) in [0, 1]."""
    pictures = evenly(stream.entries, count, side) or [to_tensor(stream.readable(0, side))]
    return [p[:, (p.shape[1] - side) // 2 :, (p.shape[2] - side) // 2 :][:, :side, :side] for p in pictures]


@torch.no_grad()
def save_samples(
    path: Path, decoder: Decoder, encoder: VGGEncoder, contents: list[Tensor], styles: list[Tensor]
) -> None:
    """A grid PNG: photographs down the left, artworks along the top, paintings between."""
    side = contents[0].shape[-1]
    device = next(decoder.parameters()).device
    rows = [torch.cat([torch.ones(3, side, side), *styles], dim=2)]
    stats = [tap_stats(encoder(s[None].to(device)))[3] for s in styles]
    for content in contents:
        features = encoder(content[None].to(device))[3]
        row = [decoder(adain(features, *s), side, side)[0].clamp(0, 1).cpu() for s in stats]
        rows.append(torch.cat([content, *row], dim=2))
    grid = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(np.ascontiguousarray(grid)).save(path)
