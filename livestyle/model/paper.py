"""The `paper` model (Huang & Belongie 2017): encoder, AdaIN at relu4_1, mirrored decoder."""

from __future__ import annotations

from torch import Tensor, nn

from livestyle.looks.style import CHANNELS
from livestyle.model.adain import adain, adain_regions
from livestyle.model.decoder import Decoder
from livestyle.model.part import Finish, Part
from livestyle.model.vgg import VGGEncoder


class PaperNet(nn.Module):
    """The painter."""

    layers = 1
    """AdaIN's."""
    halo_px = 64
    """How far around a part of the picture its painting depends on: 58 with VGG-16, 62 with VGG-19, then rounded."""

    def __init__(self, encoder: VGGEncoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

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

        rgb: (N, 3, H, W) float in [0, 1], sides at least 9. mean, std: (N, 512, 1, 1) float32, the
        style's at relu4_1. alpha: 0 to 1 (eq. 14). masks: (R, 1, H, W) float32, sides rounded up to
        multiples of 8, for the styles of R regions of one picture; see `adain_regions`. part: where rgb lies in a
        larger picture, with that one's statistics. finish: what is done with each number of the painting. Returns
        (N, 3, H, W), not clamped.
        """
        features = self.encoder.relu4_1(rgb)
        statistics = part.statistics if part else None
        if masks is None:
            features = adain(features, mean, std, alpha, statistics=statistics)
        else:
            features = adain_regions(features, mean, std, alpha, masks, statistics=statistics)
        painting: Tensor = self.decoder(features, rgb.shape[2], rgb.shape[3])
        return finish(painting) if finish else painting

    def unstyled(self, rgb: Tensor, part: Part, kernels: Tensor | None = None) -> dict[int, Tensor]:
        """What those AdaIN layers are given that none comes before, by the layer's number. rgb: as in `forward`.

        kernels: this network's are never changed.
        """
        return {0: self.encoder.relu4_1(rgb)}


class Relu41(nn.Module):
    """The style projection of this model: it takes relu4_1's statistics as they are."""

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1920) -> mean and std of relu4_1, (N, 512, 1, 1) each."""
        means, stds = numbers.chunk(2, dim=1)
        last = CHANNELS[-1]
        return means[:, -last:, None, None], stds[:, -last:, None, None]
