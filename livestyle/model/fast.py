"""The `fast` model: a small network that paints any style in one pass, in real time on a CPU.

The picture runs at 1/2, 1/4 and 1/8 of its size through strided convolutions, a few residual blocks
and back. Adaptive instance normalization (Huang & Belongie 2017) sits in every block and on every
skip connection, so that no colour of the photograph passes by. What it sees is the picture along the way that
strokes go, with a texture that runs that way (`livestyle.model.strokes`). The style means and stds are not
features of VGG: a small network projects a style's statistics to them, once per style. The frame itself never
meets VGG.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.adain import StatisticsOf, adain
from livestyle.model.part import Finish, Part
from livestyle.model.strokes import PLACES, Strokes

Convolver = Callable[[nn.Conv2d, Tensor], Tensor]

DOWNSCALE = 8
"""Sides are padded to multiples of this, by reflection."""

FAR = 5.0
"""Standard deviations: no style is further out than this."""


@dataclass(frozen=True)
class FastConfig:
    """Channels at 1/2, 1/4 and 1/8 of the picture's size, and residual blocks at 1/8."""

    half: int = 16
    quarter: int = 16
    eighth: int = 32
    blocks: int = 2
    kernel: int = 1
    """Side of the second kernel in a block."""
    directions: int = 128
    """Of the style statistics that the projection is given."""
    projection: int = 256
    """Hidden width of the projection."""
    stroke_period_px: int = 192
    """After how many pixels the texture of strokes repeats."""

    @property
    def normalised(self) -> tuple[int, ...]:
        """Channels of the AdaIN layers, in the order in which they run."""
        return (self.eighth,) * (1 + self.blocks) + (self.quarter, self.quarter, self.half, self.half)

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> FastConfig:
        """The shape of the network whose weights these are. Raises KeyError when they are of another kind."""
        numbers = (re.match(r"net\.blocks\.(\d+)\.", name) for name in weights)
        return cls(
            half=len(weights["net.stem.weight"]),
            quarter=len(weights["net.down1.weight"]),
            eighth=len(weights["net.down2.weight"]),
            blocks=len({number[1] for number in numbers if number}),
            kernel=weights["net.blocks.0.2.weight"].shape[3],
            directions=len(weights["projection.basis"]),
            projection=len(weights["projection.hidden.weight"]),
            stroke_period_px=2 * weights["net.strokes.texture"].shape[3],
        )


LARGE = FastConfig(quarter=40, eighth=80, kernel=3)
"""The shape that is trained first and then taught to the default one; see `train.distill`."""


class StyleProjection(nn.Module):
    """From a style's statistics to the means and stds of every AdaIN layer.

    The statistics are whitened first. Over artworks a third of their variance is one direction,
    brightness; a network that is given them as they are learns that one and no colours.
    """

    def __init__(self, config: FastConfig) -> None:
        super().__init__()
        total = sum(config.normalised)
        self.center: Tensor
        self.basis: Tensor
        self.register_buffer("center", torch.zeros(STYLE_NUMBERS))
        self.register_buffer("basis", torch.zeros(config.directions, STYLE_NUMBERS))
        self.direct = nn.Linear(config.directions, 2 * total)
        self.hidden = nn.Linear(config.directions, config.projection)
        self.out = nn.Linear(config.projection, 2 * total, bias=False)
        for layer in (self.direct, self.out):
            nn.init.normal_(layer.weight, std=0.25 / layer.in_features**0.5)
        nn.init.zeros_(self.direct.bias)

    def fit(self, numbers: Tensor) -> None:
        """Whiten as these styles need it: (M, STYLE_NUMBERS), M at least 2; the more the better.

        Sets `center` and `basis` to the mean and the scaled principal directions of the numbers, each
        number first divided by its deviation.
        """
        center, deviation = numbers.mean(0), numbers.std(0).clamp_min(1e-3)
        _, singular, directions = torch.linalg.svd((numbers - center) / deviation, full_matrices=False)
        count = min(len(self.basis), len(numbers) - 1)
        scale = len(numbers) ** 0.5 / singular[:count, None].clamp_min(1e-3)
        self.center.copy_(center)
        self.basis.zero_()
        self.basis[:count] = scale * directions[:count] / deviation

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """(N, STYLE_NUMBERS) float32 -> means and stds of all layers, (N, C, 1, 1) float32 each; stds > 0."""
        x = F.linear(numbers - self.center, self.basis).clamp(-FAR, FAR)
        mean, log_std = (self.direct(x) + self.out(F.relu(self.hidden(x)))).chunk(2, dim=1)
        return mean[:, :, None, None], F.softplus(log_std + 0.54)[:, :, None, None]


class FastNet(nn.Module):
    """The painter: about 0.6 billion multiply-adds for 640x360."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or FastConfig()
        self.layers = len(c.normalised)
        """AdaIN's."""
        self.halo_px = -(-(40 + 8 * c.blocks * (1 + c.kernel // 2)) // 16) * 16 + Strokes.HALO_PX
        """How far around a part of the picture its painting depends on; a multiple of 16."""
        self.stem = _conv(12 + Strokes.CHANNELS, c.half)
        self.down1 = _conv(c.half, c.quarter, stride=2)
        self.down2 = _conv(c.quarter, c.eighth, stride=2)
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(c.eighth, c.eighth), nn.ReLU(), _conv(c.eighth, c.eighth, kernel=c.kernel))
            for _ in range(c.blocks)
        )
        self.up1 = _conv(c.eighth, c.quarter)
        self.merge1 = _conv(c.quarter, c.quarter)
        self.up2 = _conv(c.quarter, c.half)
        self.merge2 = _conv(c.half, c.half)
        self.out = _conv(c.half, 12)
        self.strokes = Strokes(c.stroke_period_px)
        *inner, last = self.convolutions()
        self._kernel_parts = [*(layer.weight.numel() for layer in inner), 3 * last.in_channels]
        self.kernel_numbers = sum(self._kernel_parts)
        """How many a style may add to kernels; see `forward`."""

    def forward(
        self,
        rgb: Tensor,
        mean: Tensor,
        std: Tensor,
        alpha: float | Tensor = 1.0,
        kernels: Tensor | None = None,
        part: Part | None = None,
        finish: Finish | None = None,
    ) -> Tensor:
        """Paint.

        rgb: (N, 3, H, W) float in [0, 1], sides at least 9. mean, std: all layers' style statistics
        from `StyleProjection`, (N, C, 1, 1) float32. alpha: 0 is the photograph, 1 the full style. kernels: what a
        refined style adds to those of the convolutions, (`kernel_numbers`,) float32, one after the other. Of the last
        one, which makes four pixels a place, they are (3, C) numbers, and what they add is interpolated between
        places: what is free to differ from pixel to pixel leaves dots. part: where rgb lies in a larger picture,
        with that one's statistics. finish: what is done with each number of the painting, before pixels are put in
        place: one pass less. Returns (N, 3, H, W), not clamped.

        Between them the two are mixed as pictures, the painting clamped: half of a style's statistics in every layer
        (eq. 14) is nothing that the layers after it have seen, and comes out glaring.
        """
        statistics = part.statistics if part else None
        planes = _planes(rgb)
        painting = self._painted(planes, mean, std, kernels, 1.0, self._place(part), statistics)
        if not (isinstance(alpha, float) and alpha == 1):
            painting = planes + alpha * (painting.clamp(0, 1) - planes)
        return _picture(finish(painting) if finish else painting, rgb)

    def painted(
        self,
        rgb: Tensor,
        mean: Tensor,
        std: Tensor,
        share: float | Tensor = 1.0,
        *,
        kernels: Tensor | None = None,
        at: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """What the layers make of it; as `forward`.

        share: of the style in every layer, 0 or 1 a picture. At 0 training asks for the photograph back.
        at: where on the texture of strokes the picture begins; see `Strokes.forward`.
        """
        return _picture(self._painted(_planes(rgb), mean, std, kernels, share, at, None), rgb)

    def _painted(
        self,
        planes: Tensor,
        mean: Tensor,
        std: Tensor,
        kernels: Tensor | None,
        share: float | Tensor,
        at: tuple[int, int],
        statistics: StatisticsOf | None,
    ) -> Tensor:
        sizes = list(self.config.normalised)
        means, stds = list(torch.split(mean, sizes, dim=1)), list(torch.split(std, sizes, dim=1))

        def styled(x: Tensor) -> Tensor:
            return adain(x, means.pop(0), stds.pop(0), share, statistics=statistics)

        conv = self._convolver(kernels)
        half, quarter, eighth = self._unstyled(planes, conv, share, at)
        x = F.relu(styled(eighth))
        for first, second in self._blocks():
            x = x + styled(conv(second, F.relu(conv(first, x))))
        x = _doubled(conv(self.up1, x)) + styled(quarter)
        x = F.relu(styled(conv(self.merge1, F.relu(x))))
        x = _doubled(conv(self.up2, x)) + styled(half)
        x = F.relu(styled(conv(self.merge2, F.relu(x))))
        return conv(self.out, x)

    def unstyled(self, rgb: Tensor, part: Part, kernels: Tensor | None = None) -> dict[int, Tensor]:
        """What those AdaIN layers are given that none comes before, by the layer's number; as `forward`."""
        half, quarter, eighth = self._unstyled(_planes(rgb), self._convolver(kernels), 1.0, self._place(part))
        return {0: eighth, self.config.blocks + 1: quarter, self.config.blocks + 3: half}

    def _unstyled(
        self, planes: Tensor, conv: Convolver, share: float | Tensor, at: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features at 1/2, 1/4 and 1/8 of the size."""
        half = F.relu(conv(self.stem, torch.cat([planes, self.strokes(planes, share, at)], dim=1)))
        quarter = F.relu(conv(self.down1, half))
        return half, quarter, conv(self.down2, quarter)

    def convolutions(self) -> list[nn.Conv2d]:
        """All of them, in the order in which they run."""
        blocks = [layer for pair in self._blocks() for layer in pair]
        return [self.stem, self.down1, self.down2, *blocks, self.up1, self.merge1, self.up2, self.merge2, self.out]

    def _blocks(self) -> list[tuple[nn.Conv2d, nn.Conv2d]]:
        return [
            (cast(nn.Conv2d, block[0]), cast(nn.Conv2d, block[2])) for block in cast(list[nn.Sequential], self.blocks)
        ]

    def _convolver(self, kernels: Tensor | None) -> Convolver:
        """Runs a convolution, with what the style adds to its kernel."""
        if kernels is None:
            return lambda layer, x: layer(x)
        *parts, colours = torch.split(kernels, self._kernel_parts)
        parts.append(interpolating(colours.view(3, -1)))
        more = {layer: part for layer, part in zip(self.convolutions(), parts, strict=True)}

        def convolved(layer: nn.Conv2d, x: Tensor) -> Tensor:
            kernel = layer.weight + more[layer].to(x.dtype).reshape(layer.weight.shape)
            side = layer.kernel_size[0] // 2
            x = F.pad(x, (side, side, side, side), mode="reflect") if side else x
            return F.conv2d(x, kernel, layer.bias, layer.stride)

        return convolved

    def _place(self, part: Part | None) -> tuple[int, int]:
        if part is None:
            return 0, 0
        step_px = self.config.stroke_period_px // PLACES
        return part.top_px // step_px % PLACES, part.left_px // step_px % PLACES


class FastModel(nn.Module):
    """The network and its projection: what is trained and shipped."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.net = FastNet(config)
        self.projection = StyleProjection(self.net.config)

    def forward(self, rgb: Tensor, numbers: Tensor, alpha: float | Tensor = 1.0) -> Tensor:
        """Paint (N, 3, H, W) in styles given by their numbers, (N, STYLE_NUMBERS); see `FastNet.forward`."""
        painting: Tensor = self.net(rgb, *self.projection(numbers), alpha)
        return painting

    def painted(self, rgb: Tensor, numbers: Tensor, share: float | Tensor, *, at: tuple[int, int] = (0, 0)) -> Tensor:
        """The same as it is trained; see `FastNet.painted`."""
        mean, std = self.projection(numbers)
        return self.net.painted(rgb, mean, std, share, at=at)


def _conv(in_channels: int, out_channels: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, padding_mode="reflect")


def interpolating(colours: Tensor) -> Tensor:
    """Kernels whose outputs, put in place by a pixel shuffle, are `_doubled` ones: (3, C) -> (12, C, 3, 3)."""

    def between(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """A quarter of the way to the place before, and to the one after."""
        return torch.cat([x / 4, 3 * x / 4, 0 * x], axis), torch.cat([0 * x, 3 * x / 4, x / 4], axis)

    lines = between(colours[:, :, None, None], 2)
    return torch.stack([kernel for line in lines for kernel in between(line, 3)], dim=1).flatten(0, 1)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _planes(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) at half its size, (N, 12, h, w), when its sides are multiples of DOWNSCALE."""
    rgb = F.pad(rgb, (0, -rgb.shape[3] % DOWNSCALE, 0, -rgb.shape[2] % DOWNSCALE), mode="reflect")
    return F.pixel_unshuffle(rgb, 2)


def _picture(planes: Tensor, rgb: Tensor) -> Tensor:
    """The reverse of `_planes`, in rgb's size."""
    return F.pixel_shuffle(planes, 2)[:, :, : rgb.shape[2], : rgb.shape[3]]
