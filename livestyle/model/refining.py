"""Refines a style for the `fast` network.

The projection gives a code to any style at once, and is a compromise between all of them, as are the network's weights.
Gradient descent for one style, through VGG as in training, brings the paintings nearer to it: on its code, 2 x C
numbers to be added to the means of the AdaIN layers and to the logarithms of their stds, and on the kernels of the
convolutions. Kernels are inputs of the network like the code, so painting takes no longer, and a blend of styles is
painted with the blend of what they add. Where kernels cannot be changed a code is used that was learned alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.assets import asset_dir
from livestyle.looks.style import Palette, Refinement, StyleStats, Vector
from livestyle.model.adain import EPS, Statistics
from livestyle.model.build import build_model, build_reader
from livestyle.model.fast import FastNet
from livestyle.model.losses import OPPONENT, StyleTargets, TapStats, deep_structure_loss, fast_losses
from livestyle.model.precision import has_bf16
from livestyle.model.strokes import PLACES
from livestyle.model.weights import network_id
from livestyle.resize import resized
from livestyle.sources.images import load_image

PHOTOGRAPHS = ("astronaut.jpg", "cat.jpg", "coffee.jpg", "rocket.jpg", "officer.jpg", "temple.jpg", "flower.jpg")
"""Portraits, an animal, things, buildings and landscapes: what is learned on them holds for others."""
CROPS = 96
CROP_PX = 160
SMALLEST_PX, LARGEST_PX = 176, 300
"""Of the photograph's shorter side before a crop is taken."""

NOISE = 0.02
"""Standard deviation of the camera's noise under which paintings shall stay as they are, in whites."""


@dataclass(frozen=True)
class Stage:
    """Adam's steps, and the learning rates that it begins with, of the code and of the kernels; 0: they stay.

    content, grid: weights of these losses.
    """

    steps: int
    code_rate: float
    kernels_rate: float
    content: float
    grid: float


STAGES = Stage(60, 0.06, 0.0, content=38.0, grid=3.0), Stage(450, 0.06, 2e-3, content=38.0, grid=15.0)
"""For the code alone, and for both: kernels may paint what is bound to the grid of pixels."""
SHARES = 1.0, 0.75, 0.5, 0.25
FURTHER = 0.15
"""How much further from the photographs' structure both may bring paintings than the code alone; else a share is taken.

Some styles ask for so much that spots or dashes would go over faces.
"""
BATCH = 2
WEIGHTS = {"tone": 120.0, "tint": 3000.0, "style": 30.0, "color": 300.0, "tv": 1.0, "steady": 3000.0}
"""Of the other losses, about as in `train.fast`.

More for content and for steadiness than there, so that a refined style has no less of either than before.
"""


class Refiner:
    """The networks and photographs that styles are refined with."""

    def __init__(self, weights: Path | None = None, *, device: str = "cpu") -> None:
        """weights: a folder with a manifest.json; None means the shipped one. device: cpu or cuda.

        Raises WeightsError, also for weights without a fast network.
        """
        self.network_id = network_id("fast", weights)
        self._device = torch.device(device)
        painter, projection = build_model("fast", weights)
        self._net = cast(FastNet, painter.network).to(self._device)
        self._projection = projection.to(self._device)
        self._encoder = build_reader("fast", weights).encoder.to(self._device)
        self._encoder.to(memory_format=torch.channels_last)
        self._crops = photograph_crops().to(self._device)
        noise = torch.randn(self._crops.shape, generator=torch.Generator().manual_seed(2)) * NOISE
        self._noisy = (self._crops + noise.to(self._device)).clamp(0, 1)
        with torch.no_grad():
            deep = [self._taps(self._crops[n : n + 8])[-2:] for n in range(0, CROPS, 8)]
        self._structure = [torch.cat(tap) for tap in zip(*deep, strict=True)]

    def refine(self, stats: StyleStats, progress: Callable[[int, int], None] | None = None) -> StyleStats:
        """The style with a refinement for this network. progress: told how many steps of how many are done.

        About a minute on two CPU cores with bfloat16. The same style gives the same refinement on one machine.
        """
        targets = self._targets(stats)
        with torch.no_grad():
            plain = self._projection(torch.from_numpy(stats.numbers)[None].to(self._device))
        chance, codes = random.Random(1), []
        total, begun = sum(stage.steps for stage in STAGES), 0
        for stage in STAGES:
            code = torch.zeros(2, 1, *plain[0].shape[1:], device=self._device, requires_grad=True)
            kernels = torch.zeros(self._net.kernel_numbers, device=self._device, requires_grad=stage.kernels_rate > 0)
            optimizer = torch.optim.Adam([{"params": [code]}, {"params": [kernels]}], betas=(0.8, 0.99))
            weights = WEIGHTS | {"content": stage.content, "grid": stage.grid}
            for step in range(stage.steps):
                for group, rate in zip(optimizer.param_groups, (stage.code_rate, stage.kernels_rate), strict=True):
                    group["lr"] = rate * (1 - step / stage.steps) ** 0.5
                chosen = torch.tensor(chance.sample(range(CROPS), BATCH), device=self._device)
                place = chance.randrange(PLACES), chance.randrange(PLACES)
                losses = self._losses(chosen, _style(plain, code), kernels, targets, place)
                loss = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if progress:
                    progress(begun + step + 1, total)
            begun += stage.steps
            codes.append(code.detach())
        kernels = kernels.detach()
        before, more = codes[0], codes[1] - codes[0]
        share = self._share(lambda share: (before + share * more, share * kernels), plain)
        numbers = [part.cpu().numpy() for part in (before, (share * kernels).half().float(), share * more)]
        refinement = Refinement(numbers[0][:, 0, :, 0, 0], numbers[1], numbers[2][:, 0, :, 0, 0])
        return replace(stats, refinements={**stats.refinements, self.network_id: refinement})

    @torch.no_grad()
    def _share(self, learned: Callable[[float], tuple[Tensor, Tensor]], plain: Statistics) -> float:
        """The largest of SHARES that keeps structure; 0 when none does. learned: code and kernels with a share."""
        crops, structure = self._crops[::8], [tap[::8] for tap in self._structure]

        def distance(share: float) -> float:
            code, kernels = learned(share)
            style = (v.expand(len(crops), -1, -1, -1) for v in _style(plain, code))
            return deep_structure_loss(self._taps(self._net.painted(crops, *style, kernels=kernels)), structure).item()

        limit = distance(0.0) + FURTHER
        return next((share for share in SHARES if distance(share) <= limit), 0.0)

    def _losses(
        self, chosen: Tensor, style: Statistics, kernels: Tensor, targets: StyleTargets, place: tuple[int, int]
    ) -> dict[str, Tensor]:
        photographs = self._crops[chosen]
        pictures = torch.cat([photographs, self._noisy[chosen]])
        mean, std = (v.expand(2 * BATCH, -1, -1, -1) for v in style)
        both = self._net.painted(pictures, mean, std, kernels=kernels, at=place)
        painting, again = both[:BATCH], both[BATCH:]
        structure = [tap[chosen] for tap in self._structure]
        losses = fast_losses(painting, self._taps(painting), targets, photograph=photographs, structure=structure)
        return losses | {"steady": F.l1_loss(again, painting)}

    def _taps(self, pictures: Tensor) -> list[Tensor]:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=has_bf16(self._device)):
            return [tap.float() for tap in self._encoder.taps(pictures.contiguous(memory_format=torch.channels_last))]

    def _targets(self, stats: StyleStats) -> StyleTargets:
        """For a batch; of the colours the palette knows all that the colour loss asks for."""

        def column(vector: Vector) -> Tensor:
            return torch.from_numpy(vector).to(self._device)[None, :, None, None].expand(BATCH, -1, -1, -1)

        taps: TapStats = [(column(mean), column(std)) for mean, std in zip(stats.means, stats.stds, strict=True)]
        mean, std = opponent_statistics(stats.palette)
        return StyleTargets(taps, (column(mean), column(std)))


def _style(plain: Statistics, code: Tensor) -> Statistics:
    """Means and stds of the AdaIN layers: the projection's, with a code (2, 1, C, 1, 1)."""
    return plain[0] + code[0], plain[1] * code[1].exp()


def opponent_statistics(palette: Palette) -> tuple[Vector, Vector]:
    """Mean and std of the opponent colours of a picture, (5,) float32 each."""
    opponent = np.asarray(OPPONENT, np.float32)
    variance = np.diag(opponent @ palette.covariance @ opponent.T)
    return opponent @ palette.mean, np.sqrt(np.maximum(variance, 0) + EPS).astype(np.float32)


def photograph_crops() -> Tensor:
    """CROPS parts of PHOTOGRAPHS, (CROPS, 3, CROP_PX, CROP_PX) float32 in [0, 1], the same each time."""
    chance = random.Random(3)
    photographs = [load_image(asset_dir("media") / name) for name in PHOTOGRAPHS]
    crops = []
    for number in range(CROPS):
        whole = photographs[number % len(photographs)]
        scale = chance.uniform(SMALLEST_PX, LARGEST_PX) / min(whole.shape[:2])
        rgb = resized(whole, round(whole.shape[1] * scale), round(whole.shape[0] * scale))
        top, left = (chance.randint(0, side - CROP_PX) for side in rgb.shape[:2])
        crop = rgb[top : top + CROP_PX, left : left + CROP_PX]
        crops.append(crop[:, ::-1] if chance.random() < 0.5 else crop)
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float().div(255)
