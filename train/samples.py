"""The sheet of sample paintings that a training leaves at every checkpoint, and their figures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from livestyle.frame import Picture
from livestyle.model.losses import StyleTargets, style_targets
from livestyle.model.vgg import VGGEncoder
from train.metrics import content_distance, style_distance

Painter = Callable[[Tensor, StyleTargets], Tensor]
"""From a photograph (1, 3, H, W) in [0, 1] and a style to a painting, not clamped."""


class Samples:
    """A few photographs and artworks, painted again and again."""

    def __init__(self, contents: list[Tensor], styles: list[Tensor]) -> None:
        """Both (3, side, side) float in [0, 1], of one side."""
        self.contents, self.styles = contents, styles

    @torch.no_grad()
    def paint(self, encoder: VGGEncoder, painter: Painter) -> tuple[dict[str, float], Picture]:
        """Mean content and style distance over the pairs (see `train.metrics`), and the sheet.

        The sheet is HxWx3 uint8: photographs down the left, artworks along the top, paintings between.
        """
        side = self.contents[0].shape[-1]
        device = next(encoder.parameters()).device
        rows = [torch.cat([torch.ones(3, side, side), *self.styles], dim=2)]
        works = [style[None].to(device) for style in self.styles]
        stats = [style_targets(work, encoder(work)) for work in works]
        content_distances, style_distances = [], []
        for content in self.contents:
            photograph = content[None].to(device)
            structure = encoder(photograph)[3]
            row = [content]
            for style in stats:
                painting = painter(photograph, style).clamp(0, 1)
                taps = encoder(painting)
                content_distances.append(content_distance(taps[3], structure))
                style_distances.append(style_distance(taps, style.taps))
                row.append(painting[0].cpu())
            rows.append(torch.cat(row, dim=2))
        grid = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
        values = {"content": float(np.mean(content_distances)), "style": float(np.mean(style_distances))}
        return values, np.ascontiguousarray(grid)


def save_sheet(path: Path, sheet: Picture) -> None:
    """Write a sheet as PNG, atomically."""
    part = path.with_suffix(".part")
    Image.fromarray(sheet).save(part, format="png")
    os.replace(part, path)
