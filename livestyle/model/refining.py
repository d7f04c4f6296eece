"""Refines a style for the `fast` network.

The projection gives a code to any style at once, and is a compromise between all of them. A few seconds of gradient
descent on the code of one style, through VGG as in training and with every weight as it is, bring the paintings
nearer to it. What it learns is 2 x C numbers: what to add to the means of the AdaIN layers and to the logarithms of
their stds. Painting takes no longer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.assets import asset_dir
from livestyle.looks.style import Palette, StyleStats, Vector
from livestyle.model.adain import EPS
from livestyle.model.build import build_model, build_reader
from livestyle.model.fast import FastNet
from livestyle.model.losses import OPPONENT, StyleTargets, TapStats, fast_losses
from livestyle.model.precision import has_bf16
from livestyle.model.strokes import PLACES
from livestyle.model.weights import network_id
from livestyle.resize import resized
from livestyle.sources.images import load_image

PHOTOGRAPHS = ("astronaut.jpg", "cat.jpg", "coffee.jpg", "rocket.jpg")
"""A portrait, an animal, things and a landscape: what is learned on them holds for others."""
CROPS = 32
CROP_PX = 160
SMALLEST_PX, LARGEST_PX = 176, 300
"""Of the photograph's shorter side before a crop is taken."""

NOISE = 0.02
"""Standard deviation of the camera's noise under which paintings shall stay as they are, in whites."""

STEPS = 60
BATCH = 2
LEARNING_RATE = 0.06
WEIGHTS = {"content": 38.0, "tone": 120.0, "style": 30.0, "color": 300.0, "grid": 3.0, "tv": 1.0, "steady": 3000.0}
"""Of the losses, about as in `train.fast`.

More for content and for steadiness, so that with a code of its own a style has no less of either than before.
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

        About ten seconds on two CPU cores with bfloat16. The same style gives the same refinement on one machine.
        """
        targets = self._targets(stats)
        with torch.no_grad():
            mean, std = self._projection(torch.from_numpy(stats.numbers)[None].to(self._device))
        offset = torch.zeros(2, 1, *mean.shape[1:], device=self._device, requires_grad=True)
        optimizer = torch.optim.Adam([offset], betas=(0.8, 0.99))
        chance = random.Random(1)
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * (1 - step / STEPS) ** 0.5
            chosen = torch.tensor(chance.sample(range(CROPS), BATCH), device=self._device)
            place = chance.randrange(PLACES), chance.randrange(PLACES)
            loss = self._loss(chosen, mean + offset[0], std * offset[1].exp(), targets, place)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if progress:
                progress(step + 1, STEPS)
        refinement = offset.detach().cpu().numpy()[:, 0, :, 0, 0].copy()
        return replace(stats, refinements={**stats.refinements, self.network_id: refinement})

    def _loss(self, chosen: Tensor, mean: Tensor, std: Tensor, targets: StyleTargets, place: tuple[int, int]) -> Tensor:
        photographs = self._crops[chosen]
        codes = (v.expand(2 * BATCH, -1, -1, -1) for v in (mean, std))
        both = self._net.painted(torch.cat([photographs, self._noisy[chosen]]), *codes, at=place)
        painting, again = both[:BATCH], both[BATCH:]
        structure = [tap[chosen] for tap in self._structure]
        losses = fast_losses(painting, self._taps(painting), targets, photograph=photographs, structure=structure)
        losses["steady"] = F.l1_loss(again, painting)
        return torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()

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
