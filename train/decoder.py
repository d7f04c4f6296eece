"""Train the decoder of the `paper` model (Huang & Belongie 2017), top to bottom.

    python -m train.decoder --content 'content-*.tar' --style 'style-*.tar' --out runs/decoder
    torchrun --nproc-per-node 8 -m train.decoder ...

The defaults are the paper's recipe: shorter side 512, random 256 crop, batch 8, Adam 1e-4 with
1 / (1 + 5e-5 t) decay, style weight 10, 160,000 iterations. See train/README.md for others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from livestyle.frame import Picture
from livestyle.model.adain import adain
from livestyle.model.decoder import Decoder
from livestyle.model.losses import StyleTargets
from train.cache import CachedCrops
from train.crops import CropStream
from train.distributed import Team
from train.feed import WholeWorkStats, as_pictures
from train.learner import Learner
from train.loop import Recipe, RunFlags, load_encoder, load_network, open_both, run_training
from train.objective import Objective, Paint, Warmup, own_style
from train.runtime import command_line, flag, parse_flags, run
from train.shards import is_streamed
from train.ship import Network, encoder_network, trained_network


@dataclass(frozen=True)
class Flags(RunFlags):
    """Train the decoder of the `paper` model."""

    style_side: int = flag("0: statistics of fresh style crops; else of whole works at this shorter side, once each", 0)
    content_weight: float = flag("weight of the content loss", 1.0)
    structure_weight: float = flag("weight of the distance of instance-normalised relu4_1 and relu3_1", 0.0)
    style_weight: float = flag("weight of the style loss", 10.0)
    color_weight: float = flag("weight of the colour loss: mean and std of RGB and opponent colours", 0.0)
    grid_weight: float = flag("weight of the grid loss: details that repeat every 8 pixels", 0.0)
    tv_weight: float = flag("weight of the total variation", 0.0)
    identity_share: float = flag("share of the pictures that take their own statistics and should come back", 0.0)
    identity_weight: float = flag("weight of their mean absolute error", 50.0)
    warmup_apart: int = flag("of the warm-up, the first iterations in which the decoder's blocks learn apart", 0)


def initialised(decoder: Decoder) -> Decoder:
    """He initialisation, and a grey picture to start from: every layer learns from the first step."""
    *_, last = convolutions = [m for m in decoder.children() if isinstance(m, torch.nn.Conv2d)]
    for convolution in convolutions:
        torch.nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        torch.nn.init.constant_(convolution.bias, 0.5 if convolution is last else 0.0)  # type: ignore[arg-type]
    with torch.no_grad():
        last.weight.mul_(0.3)
    return decoder


class DecoderRecipe(Recipe):
    """The decoder's training; see `train.loop.Recipe`."""

    flags: Flags

    def __init__(self, flags: Flags, crew: Team) -> None:
        if flags.style_side and any(map(is_streamed, flags.style)):
            raise ValueError("--style-side needs artworks in folders or uncompressed local tars, not streamed shards")
        self.flags, self.crew = flags, crew
        self.encoder = load_encoder(flags)
        self.decoder = initialised(Decoder(flags.encoder))
        if flags.init:
            load_network(self.decoder, flags.init)
        self.objective = Objective(self.encoder, self.decoder).to(crew.device).to(memory_format=torch.channels_last)
        self.learner = Learner(self.decoder, lr=flags.lr, ema=flags.ema, clip=flags.clip)
        self.photos, self.works = open_both(flags, crew)

    def batches(self, start: int) -> Iterator[Warmup | Paint]:
        """See `train.loop.Recipe`."""
        yield from self.warmup_batches(range(start, min(self.flags.warmup, self.flags.steps)))
        yield from self.painting_batches(range(max(start, self.flags.warmup), self.flags.steps))

    def warmup_batches(self, steps: range) -> Iterator[Warmup]:
        """Batches half photographs and half artworks: colours that photographs lack matter too."""
        flags, crew = self.flags, self.crew
        halves = flags.batch // crew.size // 2 * crew.size
        parts = [self.photos.batches(steps, batch=flags.batch - halves, share=crew.share)]
        if halves:
            parts.append(self.works.batches(steps, batch=halves, share=crew.share))
        for step, crops in zip(steps, zip(*parts, strict=True), strict=True):
            pictures = torch.cat([as_pictures(each, crew.device) for each in crops])
            yield Warmup(pictures, apart=step < flags.warmup_apart)

    def painting_batches(self, steps: range) -> Iterator[Paint]:
        """Batches with the paper's losses."""
        flags, crew = self.flags, self.crew
        contents = self.photos.batches(steps, batch=flags.batch, share=crew.share)
        for step, crops, style in zip(steps, contents, self.styles(steps), strict=True):
            own = None
            if flags.identity_share:
                numbers = crew.share.numbers(step, flags.batch)
                own = own_style(numbers, flags.identity_share, flags.seed).to(crew.device)
            yield Paint(as_pictures(crops, crew.device), style, own)

    def styles(self, steps: range) -> Iterator[Tensor | StyleTargets]:
        """Artworks, or their statistics, for each step."""
        flags, crew = self.flags, self.crew
        if not flags.style_side:
            crops = self.works.batches(steps, batch=flags.batch, share=crew.share)
            return (as_pictures(each, crew.device) for each in crops)
        assert isinstance(self.works, CropStream | CachedCrops)  # streamed ones are refused at the start
        whole = WholeWorkStats(self.encoder, self.works, flags.style_side, crew.device)
        return whole.batches(steps, batch=flags.batch, share=crew.share)

    def networks(self) -> dict[str, Network]:
        """See `train.loop.Recipe`."""
        flags = self.flags
        command = command_line("train.decoder", flags)
        return {
            "encoder": encoder_network(flags.encoder_weights, flags.encoder),
            "decoder": trained_network("decoder", self.learner.shipped(), flags.encoder, command),
        }

    def samples(self) -> tuple[dict[str, float], Picture]:
        """See `train.loop.Recipe`."""
        decoder = copy.deepcopy(self.decoder)  # a new one would draw random numbers, which a resumed run does not
        decoder.load_state_dict(self.learner.shipped())

        def paint(photograph: Tensor, style: StyleTargets) -> Tensor:
            features = self.encoder(photograph)[3]
            painting: Tensor = decoder(adain(features, *style.taps[3]), *photograph.shape[2:])
            return painting

        return self.sheet.paint(self.encoder, paint)


def train(flags: Flags) -> None:
    """Run the training described by the flags; see `train.loop.run_training`."""
    run_training(flags, DecoderRecipe)


if __name__ == "__main__":
    run(train, parse_flags(Flags))
