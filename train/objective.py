"""What a step of the decoder's training minimises, as one module that a team of processes can share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from livestyle.model.adain import adain
from livestyle.model.decoder import Decoder
from livestyle.model.losses import (
    StyleTargets,
    color_loss,
    content_loss,
    deep_structure_loss,
    grid_loss,
    style_loss,
    style_targets,
    total_variation,
)
from livestyle.model.vgg import VGGEncoder
from train.warmup import warmup_losses

Stats = tuple[Tensor, Tensor]


class Warmup(NamedTuple):
    """A batch to invert the encoder on."""

    pictures: Tensor
    """(N, 3, H, W) in [0, 1]: photographs and artworks."""
    apart: bool
    """Whether the decoder's blocks learn apart."""


class Paint(NamedTuple):
    """A batch to paint."""

    content: Tensor
    """(N, 3, H, W) in [0, 1]."""
    style: Tensor | StyleTargets
    """Artworks like `content`, or the statistics of N artworks."""
    own: Tensor | None
    """(N, 1, 1, 1) bool: pictures that take their own statistics for a style, and should come back. None: none do."""


class Objective(nn.Module):
    """The decoder with its losses; gradients reach the decoder only."""

    def __init__(self, encoder: VGGEncoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, batch: Warmup | Paint) -> dict[str, Tensor]:
        """The losses of a batch by name, unweighted, each the mean over its N pictures."""
        if isinstance(batch, Warmup):
            return warmup_losses(self.encoder, self.decoder, batch.pictures, apart=batch.apart)
        return self.painting_losses(batch)

    def painting_losses(self, batch: Paint) -> dict[str, Tensor]:
        """The paper's losses (Huang & Belongie 2017, eqs. 11 to 13) and those that help short runs.

        Content and style go through the encoder in one pass. `identity` is the mean absolute error
        of the pictures that take their own statistics.
        """
        content, style, own = batch
        with torch.no_grad():
            photograph, targets = self._targets(content, style, own)
            target = adain(photograph[3], *targets.taps[3])
        painting = self.decoder(target, *content.shape[-2:])
        taps = self.encoder(painting)
        return {
            "content": content_loss(taps[3], target),
            "structure": deep_structure_loss(taps, photograph),
            "style": style_loss(taps, targets.taps),
            "color": color_loss(painting, targets.color),
            "grid": grid_loss(painting),
            "tv": total_variation(painting),
            "identity": painting.new_zeros(()) if own is None else ((painting.float() - content).abs() * own).mean(),
        }

    def _targets(
        self, content: Tensor, style: Tensor | StyleTargets, own: Tensor | None
    ) -> tuple[list[Tensor], StyleTargets]:
        """The content's taps, and what its paintings' statistics should be."""
        count = len(content)
        both = torch.cat([content, style]) if isinstance(style, Tensor) else content
        taps = self.encoder(both)
        if isinstance(style, Tensor):
            style = style_targets(style, [tap[count:] for tap in taps])
        photograph = [tap[:count] for tap in taps]
        if own is None:
            return photograph, style
        mine = style_targets(content, photograph)

        def chosen(mine: Stats, theirs: Stats) -> Stats:
            return torch.where(own, mine[0], theirs[0]), torch.where(own, mine[1], theirs[1])

        per_tap = [chosen(*pair) for pair in zip(mine.taps, style.taps, strict=True)]
        return photograph, StyleTargets(per_tap, chosen(mine.color, style.color))


def own_style(numbers: range, share: float, seed: int) -> Tensor:
    """Which samples take their own statistics: about `share` of them, (N, 1, 1, 1) bool; see `Paint.own`."""
    drawn = [np.random.default_rng((seed, 2 << 32, n)).random() < share for n in numbers]
    return torch.tensor(drawn).view(-1, 1, 1, 1)
