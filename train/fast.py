"""Train the `fast` model: a small network and the projection that gives it any style.

    python -m train.fast --content 'content-*.tar' --style 'style-*.tar' --out runs/fast

First it learns to give photographs back without style (cheap: no encoder runs), then the paper's
losses through VGG, and on the way that the same scene, moved, re-lit or noisy, is the same painting.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.frame import Picture
from livestyle.model.fast import LARGE, FastConfig, FastModel
from livestyle.model.losses import StyleTargets, fast_losses
from livestyle.model.strokes import PLACES
from livestyle.model.vgg import VGGEncoder
from train.cache import CachedCrops
from train.crops import CropStream
from train.distributed import Team
from train.feed import WholeWorkStats, as_pictures
from train.learner import Learner
from train.loop import Recipe, RunFlags, load_encoder, load_network, open_both, read_weights, run_training
from train.runtime import command_line, flag, parse_flags, run
from train.shards import is_streamed
from train.ship import Network, encoder_network, trained_network


@dataclass(frozen=True)
class Flags(RunFlags):
    """Train the `fast` model."""

    large: bool = flag("train the large shape, to be taught to the default one with train.distill", False)
    coarse: bool = flag("the encoder sees half the side, in turns all made smaller and a part: larger strokes", False)
    style_side: int = flag("statistics of whole works at this shorter side, once each", 256)
    content_weight: float = flag("weight of the content loss: relu4_1 and half of relu3_1, instance-normalised", 26.0)
    tone_weight: float = flag("weight of the tone loss: light and dark where the photograph has them", 150.0)
    tint_weight: float = flag("weight of the tint loss: colour changes where the photograph's does", 1000.0)
    style_weight: float = flag("weight of the style loss", 20.0)
    color_weight: float = flag("weight of the colour loss: mean and std of RGB and opponent colours", 300.0)
    grid_weight: float = flag("weight of the grid loss: details that repeat every 8 pixels", 1.5)
    tv_weight: float = flag("weight of the total variation", 1.0)
    identity_weight: float = flag("weight of the mean absolute error without style, of one picture a step", 40.0)
    steady_weight: float = flag("weight of the difference of paintings of one scene, seen twice", 20.0)


class Seen(NamedTuple):
    """What the encoder is shown of a picture: all of it, or half the side."""

    smaller: bool = False
    """All, at half its size."""
    corner: tuple[int, int] | None = None
    """A part whose first row and column these are."""

    def of(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, H, W) or (N, 3, H / 2, W / 2)."""
        if self.smaller:
            return F.avg_pool2d(pictures, 2)
        if self.corner is None:
            return pictures
        (top, left), (height, width) = self.corner, pictures.shape[2:]
        return pictures[:, :, top : top + height // 2, left : left + width // 2]


class Batch(NamedTuple):
    """What a step takes."""

    content: Tensor
    """(N, 3, H, W) in [0, 1]."""
    again: Tensor
    """The same scene seen again: shifted by whole pixels, re-lit, with a camera's noise; not used in the warm-up."""
    shift: tuple[int, int]
    """By how many pixels `again` lies further down and right."""
    style: StyleTargets | None
    """None in the warm-up."""
    at: tuple[int, int] = (0, 0)
    """Where on the texture the pictures lie; see `FastNet.painted`."""
    seen: Seen = Seen()


def style_numbers(style: StyleTargets) -> Tensor:
    """What the projection is given, (N, 1920): means, then stds."""
    means, stds = zip(*style.taps, strict=True)
    return torch.cat([v.flatten(1) for v in (*means, *stds)], dim=1)


class Objective(nn.Module):
    """The losses of a batch."""

    def __init__(self, encoder: VGGEncoder, model: FastModel) -> None:
        super().__init__()
        self.encoder, self.model = encoder, model

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses by name, unweighted."""
        if batch.style is None:
            numbers = self.model.projection.center.expand(len(batch.content), -1)
            return {"identity": F.l1_loss(self.model.painted(batch.content, numbers, 0.0), batch.content)}
        count = len(batch.content)
        painted = self._painted(batch, style_numbers(batch.style))
        painting, again, plain = painted[:count], painted[count:-1], painted[-1:]
        photograph, seen = batch.seen.of(batch.content), batch.seen.of(painting)
        with torch.no_grad():
            structure = self.encoder(photograph)
        taps = self.encoder(seen)
        losses = fast_losses(painting, taps, batch.style, photograph=photograph, structure=structure, seen=seen)
        return losses | {
            "identity": F.l1_loss(plain, batch.content[:1]),
            "steady": steady_loss(painting, again, batch.shift),
        }

    def _painted(self, batch: Batch, numbers: Tensor) -> Tensor:
        """The photographs, the same seen again, and the first of them without style, in one pass."""
        pictures = torch.cat([batch.content, batch.again, batch.content[:1]])
        share = torch.ones(len(pictures), 1, 1, 1, device=pictures.device)
        share[-1] = 0
        styles = torch.cat([numbers, numbers, numbers[:1]])
        return self.model.painted(pictures, styles, share, at=batch.at)


def steady_loss(painting: Tensor, again: Tensor, shift: tuple[int, int]) -> Tensor:
    """Mean absolute difference of two paintings of one scene where they overlap."""
    dy, dx = shift
    height, width = painting.shape[2:]
    moved = again[:, :, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    still = painting[:, :, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    return F.l1_loss(moved.float(), still.float())


SHIFT_PX = 8


def seen_again(content: Tensor, seed: int, step: int, samples: range) -> tuple[Tensor, tuple[int, int]]:
    """The samples of a step seen again, and the shift in pixels (down, right).

    Whole-pixel shift up to 8, gain of 0.93 to 1.07, noise of up to 2.5 % of white.
    """
    rng = np.random.default_rng((seed, 3 << 32, step))
    dy, dx = (int(v) for v in rng.integers(-SHIFT_PX, SHIFT_PX + 1, 2))
    seeds = (int(np.random.default_rng((seed, 7 << 32, n)).integers(1 << 31)) for n in samples)
    noise = torch.stack([torch.randn(content.shape[1:], generator=torch.Generator().manual_seed(one)) for one in seeds])
    noise = noise.to(content.device) * rng.uniform(0, 0.025)
    height, width = content.shape[2:]
    padded = F.pad(content, (max(dx, 0), max(-dx, 0), max(dy, 0), max(-dy, 0)), mode="reflect")
    top, left = max(-dy, 0), max(-dx, 0)
    moved = padded[:, :, top : top + height, left : left + width]
    return (moved * rng.uniform(0.93, 1.07) + noise).clamp(0, 1), (dy, dx)


def texture_place(seed: tuple[int, ...]) -> tuple[int, int]:
    """A place on the texture by chance: crops are smaller than they are, and all of them should be seen."""
    row, column = np.random.default_rng(seed).integers(0, PLACES, 2)
    return int(row), int(column)


def coarsely_seen(seed: int, step: int, side_px: int) -> Seen:
    """Every second step all of a crop, in the others a part by chance.

    Artworks are seen as they are, so strokes get twice as large, and what is fine stays.
    """
    if step % 2:
        return Seen(smaller=True)
    top, left = np.random.default_rng((seed, 8 << 32, step)).integers(0, side_px // 2 + 1, 2)
    return Seen(corner=(int(top), int(left)))


WHITENED_WORKS = 1024


def load_fast(file: Path, option: str) -> FastModel:
    """A network in the shape of its weights. Raises ValueError, one line, when they are of another kind."""
    try:
        config = FastConfig.of(read_weights(file))
    except (KeyError, IndexError):
        raise ValueError(f"{option} {file} holds no fast network: give the weights/fast.safetensors of a run") from None
    model = FastModel(config)
    load_network(model, file)
    return model


class FastNetRecipe(Recipe):
    """What the trainings of the `fast` model share; see `train.loop.Recipe`."""

    program: str
    """As `python -m` takes it."""
    model: FastModel

    def __init__(self, flags: RunFlags, style_side: int, crew: Team) -> None:
        """style_side: shorter side of the artworks whose statistics are taken."""
        if any(map(is_streamed, flags.style)):
            raise ValueError("--style needs artworks in folders or uncompressed local tars, not streamed shards")
        self.flags, self.crew = flags, crew
        self.encoder = load_encoder(flags).to(crew.device)
        self.photos, works = open_both(flags, crew)
        assert isinstance(works, CropStream | CachedCrops)  # streamed ones are refused above
        self.works: CropStream | CachedCrops = works
        self.whole = WholeWorkStats(self.encoder, works, style_side, crew.device)

    def networks(self) -> dict[str, Network]:
        """See `train.loop.Recipe`."""
        flags = self.flags
        return {
            "encoder": encoder_network(flags.encoder_weights, flags.encoder),
            "fast": trained_network("fast", self.learner.shipped(), "fast", command_line(self.program, flags)),
        }

    def samples(self) -> tuple[dict[str, float], Picture]:
        """See `train.loop.Recipe`."""
        model = copy.deepcopy(self.model)  # a new one would draw random numbers, which a resumed run does not
        model.load_state_dict(self.learner.shipped())
        return self.sheet.paint(self.encoder, lambda photo, style: model(photo, style_numbers(style)))


class FastRecipe(FastNetRecipe):
    """The `fast` model's training; see `train.loop.Recipe`."""

    flags: Flags
    program = "train.fast"

    def __init__(self, flags: Flags, crew: Team) -> None:
        super().__init__(flags, flags.style_side, crew)
        self.model = load_fast(flags.init, "--init") if flags.init else FastModel(LARGE if flags.large else None)
        if flags.large and self.model.net.config != LARGE:
            raise ValueError(f"--large: --init {flags.init} holds a network of another shape, leave one of them out")
        self.objective = Objective(self.encoder, self.model).to(crew.device).to(memory_format=torch.channels_last)
        if not flags.init and not flags.resume:
            count = min(WHITENED_WORKS, self.works.sampler.pictures)
            if crew.leads:
                print(f"whitening the style statistics of {count} artworks", flush=True)
            self.model.projection.fit(style_numbers(self.whole.targets(range(count))))
        self.learner = Learner(self.model, lr=flags.lr, ema=flags.ema, clip=flags.clip)

    def batches(self, start: int) -> Iterator[Batch]:
        """See `train.loop.Recipe`."""
        flags, share = self.flags, self.crew.share
        steps = range(start, flags.steps)
        for step, crops in zip(steps, self.photos.batches(steps, batch=flags.batch, share=share), strict=True):
            content = as_pictures(crops, self.crew.device)
            if step < flags.warmup:
                yield Batch(content, content, (0, 0), None)
                continue
            samples = share.numbers(step, flags.batch)
            again, shift = seen_again(content, flags.seed, step, samples)
            style = self.whole.targets(samples)
            seen = coarsely_seen(flags.seed, step, flags.crop) if flags.coarse else Seen()
            yield Batch(content, again, shift, style, texture_place((flags.seed, 4 << 32, step)), seen)


def train(flags: Flags) -> None:
    """Run the training described by the flags; see `train.loop.run_training`."""
    run_training(flags, FastRecipe)


if __name__ == "__main__":
    run(train, parse_flags(Flags))
