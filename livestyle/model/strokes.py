"""Strokes: which way a brush goes at each place of a picture, and what a painting takes from that.

A painter's strokes follow what is painted. The way they go is the direction along the edges, from the smoothed
structure tensor of the picture (Kyprianidis & Döllner 2008); where nothing has an edge, it is that of a fixed drift.
The picture's light is smoothed that way, which takes photographic detail and keeps edges. And there is a texture that
runs that way, for on flat ground a photograph gives a network nothing to make strokes of. Both are made in six fixed
directions and mixed at each place (steerable filters, Freeman & Adelson 1991), so it is all convolutions.

What it does not know: styles, and the network that makes a painting of it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIRECTIONS = 6
PLACES = 24
"""Steps in which a picture's place on the texture is told: whole pixels at all sizes."""

BRISTLE_PX = 14.0, 1.5
"""Length and width of what the texture is made of, standard deviations."""
TEXTURE_STD = 0.25
"""Beside a picture in [0, 1]."""

SLOPES = 10.0
"""Slopes of light are in tenths of white: half precision has their squares, and the squares of those."""
DRIFT = 5e-3
"""Weight of the drift: the squared slope of light, per four pixels, over which edges win."""
FAR = 0.2
"""Weight of the edges further away."""


class Strokes(nn.Module):
    """What a network is given beside the picture."""

    HALO_PX = 64
    """How far around a place its strokes depend on the picture, at most."""
    CHANNELS = 2

    def __init__(self, period_px: int) -> None:
        """period_px: after how many pixels the texture repeats, a multiple of 4 * PLACES."""
        super().__init__()
        self.drift: Tensor
        self.lines: Tensor
        self.texture: Tensor
        self.register_buffer("drift", torch.zeros(1, 2, period_px // 4, period_px // 4))
        self.register_buffer("lines", torch.zeros(DIRECTIONS, 1, 5, 5))
        self.register_buffer("texture", torch.zeros(1, DIRECTIONS, period_px // 2, period_px // 2))
        if not self.drift.is_meta:
            self.draw(torch.Generator().manual_seed(0))

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Make the drift and the texture anew, from a generator on the CPU."""
        ways = [math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
        self.lines.copy_(torch.stack([_line(way) for way in ways])[:, None])
        noise = _noise(2, self.drift.shape[2], generator)
        drift = torch.stack([_smeared(plane, 0.0, 6.0, 6.0) for plane in noise])
        self.drift.copy_(drift / drift.norm(dim=0))
        (noise,) = _noise(1, self.texture.shape[2], generator)
        length, width = (px / 2 for px in BRISTLE_PX)
        self.texture.copy_(TEXTURE_STD * torch.stack([_smeared(noise, way, length, width) for way in ways]))

    def forward(self, planes: Tensor, share: float | Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        """The picture's light along the strokes, and the texture, (N, CHANNELS, H/2, W/2).

        planes: the picture unshuffled to half its size, (N, 12, H/2, W/2) in [0, 1], H and W multiples of 8. share: 0
        is the light as it is, and no texture. at: which row and column of the texture it begins with, in steps of
        1 / PLACES of it.
        """
        bright = planes.float().mean(1, keepdim=True)
        light = bright.to(planes.dtype)
        ways = F.interpolate(
            self.ways(bright, at).to(planes.dtype), scale_factor=2, mode="bilinear", align_corners=False
        )
        lines = F.conv2d(F.pad(light, (2, 2, 2, 2), mode="reflect"), self.lines)
        texture = _tiled(self.texture, at, *ways.shape[2:])
        along, texture = ((part * ways).sum(1, keepdim=True) for part in (lines, texture))
        if not (isinstance(share, float) and share == 1):
            along, texture = light + share * (along - light), share * texture
        return torch.cat([along, texture], dim=1)

    def ways(self, light: Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        """How much of each direction there is, (N, DIRECTIONS, H/4, W/4): 0 to 1, of sum 1.

        Direction k runs k / DIRECTIONS of half a turn from the rows, clockwise. light: the picture's at half its
        size, (N, 1, H/2, W/2) float32. at: as for `forward`.
        """
        light = SLOPES * F.avg_pool2d(light, 2)
        light = F.pad(light, (1, 1, 1, 1), mode="replicate")
        across, down = light[:, :, 1:-1, 2:] - light[:, :, 1:-1, :-2], light[:, :, 2:, 1:-1] - light[:, :, :-2, 1:-1]
        edges = torch.cat([down.square() - across.square(), -2 * across * down], dim=1)  # twice the angle of the edge
        height, width = edges.shape[2:]
        far = _soft(_soft(F.avg_pool2d(edges, 4, ceil_mode=True, count_include_pad=False)))
        far = F.interpolate(far, scale_factor=4, mode="bilinear", align_corners=False)[:, :, :height, :width]
        drift = _tiled(self.drift, at, height, width).float()
        way = _soft(_soft(_soft(edges))) + FAR * far + DRIFT * drift
        cos, sin = (way / way.square().sum(1, keepdim=True).clamp_min(1e-7).sqrt()).chunk(2, dim=1)
        turns = (2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS))
        near = torch.cat([math.cos(turn) * cos + math.sin(turn) * sin for turn in turns], dim=1)
        shares = F.relu(near - math.cos(2 * math.pi / DIRECTIONS)) + 1e-4  # of each, where edges and drift cancel out
        return shares / shares.sum(1, keepdim=True)


def _tiled(tile: Tensor, at: tuple[int, int], height: int, width: int) -> Tensor:
    """The tile, (1, C, S, S), next to itself until (1, C, height, width) is full; at: see `Strokes.forward`."""
    size = tile.shape[2]
    rows, columns = (
        (torch.arange(count, device=tile.device) + first * size // PLACES) % size
        for count, first in ((height, at[0]), (width, at[1]))
    )
    return tile.index_select(2, rows).index_select(3, columns)


def _noise(count: int, side: int, generator: torch.Generator) -> Tensor:
    return torch.randn(count, side, side, generator=generator)


def _soft(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _turned(steps: Tensor, way: float) -> tuple[Tensor, Tensor]:
    """How far along a way, and how far aside of it, each place of a square lies whose rows and columns are at steps."""
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    return across * math.cos(way) + down * math.sin(way), down * math.cos(way) - across * math.sin(way)


def _line(way: float) -> Tensor:
    """A short line through the middle of (5, 5), of sum 1."""
    along, aside = _turned(torch.arange(-2.0, 3.0), way)
    line = torch.exp(-along.square() / (2 * 1.5**2) - aside.square() / (2 * 0.4**2))
    return line / line.sum()


def _smeared(noise: Tensor, way: float, length: float, width: float) -> Tensor:
    """White noise (S, S), without borders, smeared to strokes with these deviations; mean 0, std 1."""
    along, aside = _turned(torch.fft.fftfreq(noise.shape[0]), way)
    kept = torch.exp(-2 * math.pi**2 * ((along * length).square() + (aside * width).square()))
    kept[0, 0] = 0
    smeared: Tensor = torch.fft.ifft2(torch.fft.fft2(noise) * kept).real
    return smeared / smeared.std()
