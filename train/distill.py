"""Train a smaller `fast` network to paint what a larger one does.

    python -m train.distill --teacher runs/fast/weights/fast.safetensors --content ... --style ... --out runs/small

It begins as the larger one without the channels that matter least (Li et al. 2017), and learns from its paintings
(Hinton et al. 2015): the encoder runs once per artwork, for its statistics, so it is five times as fast as
`train.fast`. Styles are those of artworks, and blends of two. What it sees has a camera's noise, what the larger one
sees has none, so it learns not to paint it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.model.fast import FastConfig, FastModel
from train.distributed import Team
from train.fast import FastNetRecipe, load_fast, style_numbers, texture_place
from train.feed import as_pictures
from train.learner import Learner
from train.loop import RunFlags, load_network, run_training
from train.runtime import flag, parse_flags, run


@dataclass(frozen=True)
class Flags(RunFlags):
    """Train a smaller `fast` network to paint what a larger one does."""

    teacher: Path = flag("the larger one's weights", Path("runs/fast/weights/fast.safetensors"))
    style_side: int = flag("statistics of whole works at this shorter side, once each", 256)
    picture_weight: float = flag("weight of the mean absolute error of the painting", 1.0)
    edges_weight: float = flag("weight of the mean absolute error of differences between neighbouring pixels", 1.0)


class Batch(NamedTuple):
    """What a step takes."""

    content: Tensor
    """(N, 3, H, W) in [0, 1]: what the teacher sees."""
    noisy: Tensor
    """The same from a worse camera: what the student sees."""
    numbers: Tensor
    """Of the styles, (N, STYLE_NUMBERS)."""
    at: tuple[int, int]
    """Where on the texture the pictures lie; see `FastNet.painted`."""


class Objective(nn.Module):
    """The losses of a batch."""

    def __init__(self, teacher: FastModel, model: FastModel) -> None:
        super().__init__()
        self.teacher, self.model = teacher, model

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses by name, unweighted."""
        with torch.no_grad():
            wanted = self.teacher.painted(batch.content, batch.numbers, 1.0, at=batch.at).clamp(-0.1, 1.1)
        painting = self.model.painted(batch.noisy, batch.numbers, 1.0, at=batch.at)
        off = painting - wanted
        return {
            "picture": off.abs().mean(),
            "edges": off.diff(dim=2).abs().mean() + off.diff(dim=3).abs().mean(),
        }


def narrowed(teacher: FastModel, config: FastConfig) -> FastModel:
    """A network of the smaller shape, with the teacher's channels that weigh most in what comes after them.

    Raises ValueError when the teacher is the smaller one, or reads styles in another way.
    """
    student = FastModel(config)
    net = teacher.net
    for part in ("half", "quarter", "eighth", "blocks", "kernel"):
        has, wants = getattr(net.config, part), getattr(config, part)
        if has < wants:
            raise ValueError(f"--teacher has {part} {has}, less than the {wants} of the network to be trained")
    for part in ("directions", "projection", "stroke_period_px"):
        has, wants = getattr(net.config, part), getattr(config, part)
        if has != wants:
            raise ValueError(f"--teacher has {part} {has}, the network to be trained {wants}: they must be equal")

    def kept(count: int, *after: nn.Module) -> Tensor:
        weight = sum(layer.get_parameter("weight").square().sum((0, 2, 3)) for layer in after)
        assert isinstance(weight, Tensor)
        return weight.topk(count).indices.sort().values

    blocks = [block for block in net.blocks if isinstance(block, nn.Sequential)][: config.blocks]
    inner = [kept(config.eighth, block[2]) for block in blocks]
    eighth = kept(config.eighth, *(block[0] for block in blocks), net.up1)
    quarter, merged1 = kept(config.quarter, net.down2, net.merge1), kept(config.quarter, net.up2)
    half, merged2 = kept(config.half, net.down1, net.merge2), kept(config.half, net.out)
    normalised = [eighth] * (1 + config.blocks) + [quarter, merged1, half, merged2]
    ends = np.cumsum([0, *net.config.normalised])
    starts = [*ends[: 1 + config.blocks], *ends[1 + net.config.blocks :]]
    rows = torch.cat([index + int(start) for index, start in zip(normalised, starts, strict=False)])
    rows = torch.cat([rows, rows + int(ends[-1])])
    cuts: dict[str, tuple[Tensor | None, Tensor | None]] = {  # of each layer: which outputs, which inputs
        "net.stem": (half, None),
        "net.down1": (quarter, half),
        "net.down2": (eighth, quarter),
        "net.up1": (quarter, eighth),
        "net.merge1": (merged1, quarter),
        "net.up2": (half, merged1),
        "net.merge2": (merged2, half),
        "net.out": (None, merged2),
        "projection.direct": (rows, None),
        "projection.out": (rows, None),
    }
    for number, index in enumerate(inner):
        cuts |= {f"net.blocks.{number}.0": (index, eighth), f"net.blocks.{number}.2": (eighth, index)}
    weights = teacher.state_dict()
    cut = {name: _cut(value, *cuts.get(name.rpartition(".")[0], (None, None))) for name, value in weights.items()}
    if config.kernel < net.config.kernel:
        edge = (net.config.kernel - config.kernel) // 2
        for number in range(config.blocks):
            cut[f"net.blocks.{number}.2.weight"] = cut[f"net.blocks.{number}.2.weight"][:, :, edge:-edge, edge:-edge]
    student.load_state_dict({name: cut[name] for name in student.state_dict()})
    return student


def _cut(value: Tensor, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
    if outputs is not None:
        value = value[outputs]
    if inputs is not None and value.dim() > 1:
        value = value[:, inputs]
    return value


NOISE = 0.025
"""Largest standard deviation of a camera's noise, in whites."""


def from_worse_camera(content: Tensor, seed: int, samples: range) -> Tensor:
    """Samples, (N, 3, H, W) in [0, 1], with noise of up to NOISE, of one pixel and of two by two."""
    return torch.stack([_noisy(one, (seed, 6 << 32, n)) for one, n in zip(content, samples, strict=True)])


def _noisy(picture: Tensor, seed: tuple[int, ...]) -> Tensor:
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
    colors, height, width = picture.shape
    fine = torch.randn(picture.shape, generator=generator)
    coarse = torch.randn(1, colors, -(-height // 2), -(-width // 2), generator=generator)
    coarse = F.interpolate(coarse, scale_factor=2)[0, :, :height, :width]
    of_fine, of_coarse = (float(deviation) for deviation in rng.uniform(0, NOISE, 2))
    return (picture + (of_fine * fine + 0.5 * of_coarse * coarse).to(picture)).clamp(0, 1)


def other_shares(seed: int, samples: range) -> Tensor:
    """How much of the next sample's style each sample's has, (N, 1): none, for half of them."""
    draws = (np.random.default_rng((seed, 5 << 32, n)).uniform(0, 1, 2) for n in samples)
    return torch.tensor([[share if mixed < 0.5 else 0.0] for share, mixed in draws])


class DistillRecipe(FastNetRecipe):
    """The smaller network's training; see `train.loop.Recipe`."""

    flags: Flags
    program = "train.distill"

    def __init__(self, flags: Flags, crew: Team) -> None:
        if flags.warmup:
            raise ValueError(f"--warmup {flags.warmup}: there is none here, leave it out")
        super().__init__(flags, flags.style_side, crew)
        teacher = load_fast(flags.teacher, "--teacher").eval().requires_grad_(False)
        if teacher.net.config == FastConfig():
            raise ValueError(f"--teacher {flags.teacher} is no larger: give what `train.fast --large` has trained")
        self.model = narrowed(teacher, FastConfig())
        if flags.init:
            load_network(self.model, flags.init)
        self.objective = Objective(teacher, self.model).to(crew.device).to(memory_format=torch.channels_last)
        self.learner = Learner(self.model, lr=flags.lr, ema=flags.ema, clip=flags.clip)

    def batches(self, start: int) -> Iterator[Batch]:
        """See `train.loop.Recipe`."""
        flags, share = self.flags, self.crew.share
        steps = range(start, flags.steps)
        for step, crops in zip(steps, self.photos.batches(steps, batch=flags.batch, share=share), strict=True):
            content = as_pictures(crops, self.crew.device)
            samples = share.numbers(step, flags.batch)
            numbers, others = (
                style_numbers(self.whole.targets(range(samples.start + next_one, samples.stop + next_one)))
                for next_one in (0, 1)
            )
            place = texture_place((flags.seed, 4 << 32, step))
            noisy = from_worse_camera(content, flags.seed, samples)
            yield Batch(
                content, noisy, torch.lerp(numbers, others, other_shares(flags.seed, samples).to(numbers)), place
            )


def train(flags: Flags) -> None:
    """Run the training described by the flags; see `train.loop.run_training`."""
    run_training(flags, DistillRecipe)


if __name__ == "__main__":
    run(train, parse_flags(Flags))
