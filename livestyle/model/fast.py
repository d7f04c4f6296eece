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
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.adain import StatisticsOf, adain, adain_regions
from livestyle.model.part import Finish, Part
from livestyle.model.strokes import PLACES, Strokes

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

    def forward(
        self,
        rgb: Tensor,
        mean: Tensor,
        std: Tensor,
        alpha: float | Tensor = 1.0,
        masks: Tensor | None = None,
        part: Part | None = None,
        finish: Finish | None = None,
    ) -> Tensor:
        """Paint.

        rgb: (N, 3, H, W) float in [0, 1], sides at least 9. mean, std: all layers' style statistics
        from `StyleProjection`, (N, C, 1, 1) float32. alpha: 0 is the photograph, 1 the full style. masks:
        (R, 1, H, W) float32, sides rounded up to multiples of DOWNSCALE, for the styles of R regions of
        one picture; see `adain_regions`. part: where rgb lies in a larger picture, with that one's statistics.
        finish: what is done with each number of the painting, before pixels are put in place: one pass less.
        Returns (N, 3, H, W), not clamped.

        Between them the two are mixed as pictures, the painting clamped: half of a style's statistics in every layer
        (eq. 14) is nothing that the layers after it have seen, and comes out glaring.
        """
        statistics = part.statistics if part else None
        planes = _planes(rgb)
        painting = self._painted(planes, mean, std, 1.0, masks, self._place(part), statistics)
        if not (isinstance(alpha, float) and alpha == 1):
            painting = planes + alpha * (painting.clamp(0, 1) - planes)
        return _picture(finish(painting) if finish else painting, rgb)

    def painted(
        self, rgb: Tensor, mean: Tensor, std: Tensor, share: float | Tensor = 1.0, *, at: tuple[int, int] = (0, 0)
    ) -> Tensor:
        """What the layers make of it; as `forward`.

        share: of the style in every layer, 0 or 1 a picture. At 0 training asks for the photograph back.
        at: where on the texture of strokes the picture begins; see `Strokes.forward`.
        """
        return _picture(self._painted(_planes(rgb), mean, std, share, None, at, None), rgb)

    def _painted(
        self,
        planes: Tensor,
        mean: Tensor,
        std: Tensor,
        share: float | Tensor,
        masks: Tensor | None,
        at: tuple[int, int],
        statistics: StatisticsOf | None,
    ) -> Tensor:
        sizes = list(self.config.normalised)
        means, stds = list(torch.split(mean, sizes, dim=1)), list(torch.split(std, sizes, dim=1))

        def styled(x: Tensor, painted: bool) -> Tensor:
            if masks is None:
                return adain(x, means.pop(0), stds.pop(0), share, statistics=statistics)
            mean, std = means.pop(0), stds.pop(0)
            return adain_regions(x, mean, std, share, masks, painted=painted, statistics=statistics)

        half, quarter, eighth = self._unstyled(planes, share, at)
        x = F.relu(styled(eighth, False))
        for block in self.blocks:
            x = x + styled(block(x), True)
        x = _doubled(self.up1(x)) + styled(quarter, False)
        x = F.relu(styled(self.merge1(F.relu(x)), True))
        x = _doubled(self.up2(x)) + styled(half, False)
        x = F.relu(styled(self.merge2(F.relu(x)), True))
        painting: Tensor = self.out(x)
        return painting

    def unstyled(self, rgb: Tensor, part: Part) -> dict[int, Tensor]:
        """What those AdaIN layers are given that none comes before, by the layer's number. rgb: as in `forward`."""
        half, quarter, eighth = self._unstyled(_planes(rgb), 1.0, self._place(part))
        return {0: eighth, self.config.blocks + 1: quarter, self.config.blocks + 3: half}

    def _unstyled(self, planes: Tensor, share: float | Tensor, at: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Features at 1/2, 1/4 and 1/8 of the size."""
        half = F.relu(self.stem(torch.cat([planes, self.strokes(planes, share, at)], dim=1)))
        quarter = F.relu(self.down1(half))
        return half, quarter, self.down2(quarter)

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


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _planes(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) at half its size, (N, 12, h, w), when its sides are multiples of DOWNSCALE."""
    rgb = F.pad(rgb, (0, -rgb.shape[3] % DOWNSCALE, 0, -rgb.shape[2] % DOWNSCALE), mode="reflect")
    return F.pixel_unshuffle(rgb, 2)


def _picture(planes: Tensor, rgb: Tensor) -> Tensor:
    """The reverse of `_planes`, in rgb's size."""
    return F.pixel_shuffle(planes, 2)[:, :, : rgb.shape[2], : rgb.shape[3]]
