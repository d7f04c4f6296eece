"""Strokes: which way a brush goes at each place of a picture, and what a painting takes from that.

A painter's strokes follow what is painted. The way they go is the direction along the edges, from the smoothed
structure tensor of the picture (Kyprianidis & Döllner 2008); where nothing has an edge, it is that of a fixed drift.
The picture is smoothed that way, which takes photographic detail and keeps edges. And on all of it lie textures that
run that way, for on flat ground a photograph gives a network nothing to make strokes of. Both are made in six fixed
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
"""Steps in which a picture's place on the textures is told: whole pixels at all sizes."""

SCALES = (2, 4, 8)
BRISTLES_PX = (
    ((10.0, 1.0), (14.0, 1.5)),
    ((12.0, 1.5), (12.0, 1.5), (16.0, 2.5), (16.0, 2.5)),
    ((16.0, 3.0), (16.0, 3.0), (16.0, 3.0), (24.0, 4.0), (24.0, 4.0), (24.0, 4.0)),
)
"""The textures of each scale: length and width of what they are made of, standard deviations."""
TEXTURE_STD = 0.15
"""Of what is added to the features, before training."""

DRIFT = 5e-5
"""Weight of the drift: the squared slope of light, in whites per four pixels, over which edges win."""
FAR = 0.2
"""Weight of the edges further away."""
CRISPNESS = 0.5
"""What is left of details under two pixels."""


class Strokes(nn.Module):
    """For a network whose features at 1/2, 1/4 and 1/8 of the picture's size have these numbers of channels."""

    HALO_PX = 64
    """How far around a place its strokes depend on the picture, at most."""

    def __init__(self, channels: tuple[int, int, int], period_px: int) -> None:
        """period_px: after how many pixels textures repeat, a multiple of 8 * PLACES."""
        super().__init__()
        self.period_px = period_px
        self.drift: Tensor
        self.lines: Tensor
        self.halved: Tensor
        self.gathered: Tensor
        self.register_buffer("drift", torch.zeros(1, 2, period_px // 4, period_px // 4))
        self.register_buffer("lines", torch.zeros(3 * DIRECTIONS, 1, 5, 5))
        self.register_buffer("halved", torch.zeros(3, 12, 1, 1))
        self.register_buffer("gathered", torch.zeros(12, 3 * DIRECTIONS + 12, 1, 1))
        for scale, bristles in zip(SCALES, BRISTLES_PX, strict=True):
            side = period_px // scale
            self.register_buffer(f"textures{scale}", torch.zeros(1, len(bristles) * DIRECTIONS, side, side))
        self.mix = nn.ModuleList(
            nn.Conv2d(len(bristles), wide, kernel_size=1, bias=False)
            for bristles, wide in zip(BRISTLES_PX, channels, strict=True)
        )
        if not self.drift.is_meta:
            self.draw(torch.Generator().manual_seed(0))

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Make directions, textures and their mixture anew, from a generator on the CPU."""
        ways = [math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
        line = torch.stack([_line(way) for way in ways])
        self.lines.copy_(line[:, None].repeat(3, 1, 1, 1))
        color = torch.arange(12) // 4
        self.halved.copy_((torch.arange(3)[:, None] == color)[:, :, None, None] / 4)
        smooth = (color[:, None] == torch.arange(3 * DIRECTIONS) // DIRECTIONS).float()
        details = torch.eye(12) - (color[:, None] == color) / 4
        self.gathered.copy_(torch.cat([smooth, CRISPNESS * details], dim=1)[:, :, None, None])
        noise = _noise(2, self.drift.shape[2], generator)
        drift = torch.stack([_smeared(plane, 0.0, 6.0, 6.0) for plane in noise])
        self.drift.copy_(drift / drift.norm(dim=0))
        for scale, bristles, mix in zip(SCALES, BRISTLES_PX, self.mix, strict=True):
            side = self.period_px // scale
            textures = [
                _smeared(plane, way, length / scale, width / scale)
                for plane, (length, width) in zip(_noise(len(bristles), side, generator), bristles, strict=True)
                for way in ways
            ]
            self.get_buffer(f"textures{scale}").copy_(torch.stack(textures))
            assert isinstance(mix, nn.Conv2d)
            mix.weight.copy_(TEXTURE_STD * torch.randn(mix.weight.shape, generator=generator) / len(bristles) ** 0.5)

    def forward(
        self, rgb: Tensor, share: float | Tensor, at: tuple[int, int] = (0, 0)
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What a network begins with.

        rgb: (N, 3, H, W) in [0, 1], sides multiples of 8. share: 0 is the picture as it is, without textures. at: which
        row and column of the textures it begins with, in steps of 1 / PLACES of them.
        Returns the picture along the strokes, unshuffled to half its size, (N, 12, H/2, W/2), and what is to be
        added to the features at 1/2, 1/4 and 1/8 of the size.
        """
        plain = F.pixel_unshuffle(rgb, 2)
        small = F.conv2d(plain, self.halved)
        quarter = self.ways(small, at)
        half = F.interpolate(quarter, scale_factor=2, mode="bilinear", align_corners=False)
        ways = half, quarter, F.avg_pool2d(quarter, 2)
        added = tuple(self._textures(index, way, at) for index, way in enumerate(ways))
        planes = self._along(small, plain, half)
        if isinstance(share, float) and share == 1:
            return planes, added
        return plain + share * (planes - plain), tuple(share * part for part in added)

    def ways(self, small: Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        """How much of each direction there is, (N, DIRECTIONS, H/4, W/4) in the picture's dtype: 0 to 1, of sum 1.

        Direction k runs k / DIRECTIONS of half a turn from the rows, clockwise. small: the picture at half its
        size. at: as for `forward`.
        """
        light = F.avg_pool2d(small.float().mean(1, keepdim=True), 2)
        light = F.pad(light, (1, 1, 1, 1), mode="replicate")
        across, down = light[:, :, 1:-1, 2:] - light[:, :, 1:-1, :-2], light[:, :, 2:, 1:-1] - light[:, :, :-2, 1:-1]
        edges = torch.cat([down.square() - across.square(), -2 * across * down], dim=1)  # twice the angle of the edge
        height, width = edges.shape[2:]
        far = _soft(_soft(F.avg_pool2d(edges, 4, ceil_mode=True, count_include_pad=False)))
        far = F.interpolate(far, scale_factor=4, mode="bilinear", align_corners=False)[:, :, :height, :width]
        drift = _tiled(self.drift, at, height, width).float()
        way = _soft(_soft(_soft(edges))) + FAR * far + DRIFT * drift
        cos, sin = (way / way.square().sum(1, keepdim=True).clamp_min(1e-20).sqrt()).chunk(2, dim=1)
        turns = (2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS))
        near = torch.cat([math.cos(turn) * cos + math.sin(turn) * sin for turn in turns], dim=1)
        shares = F.relu(near - math.cos(2 * math.pi / DIRECTIONS))
        return (shares / shares.sum(1, keepdim=True)).to(small.dtype)

    def _along(self, small: Tensor, planes: Tensor, ways: Tensor) -> Tensor:
        """The picture smoothed along the strokes, as planes; ways: at half its size."""
        lines = F.conv2d(F.pad(small, (2, 2, 2, 2), mode="reflect"), self.lines, groups=3)
        both = torch.cat([_times(lines, ways), planes], dim=1)
        return F.conv2d(both, self.gathered)

    def _textures(self, index: int, ways: Tensor, at: tuple[int, int]) -> Tensor:
        textures = _tiled(self.get_buffer(f"textures{SCALES[index]}"), at, *ways.shape[2:])
        mix = self.mix[index]
        assert isinstance(mix, nn.Conv2d)
        return F.conv2d(_times(textures, ways), mix.weight.repeat_interleave(DIRECTIONS, dim=1))


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


def _times(x: Tensor, ways: Tensor) -> Tensor:
    """Things in all directions, (N or 1, things * DIRECTIONS, h, w), times how much of the direction there is."""
    return x * torch.cat([ways] * (x.shape[1] // DIRECTIONS), dim=1)


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
