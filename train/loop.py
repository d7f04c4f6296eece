"""The training loop that all networks share: flags, steps, log, checkpoints, samples, a clean stop."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from livestyle.frame import Picture
from livestyle.model.precision import has_bf16
from livestyle.model.vgg import Arch, VGGEncoder
from train import checkpoint
from train.cache import CachedCrops
from train.crops import CropRecipe, Crops
from train.distributed import Team, team
from train.feed import Cache, open_crops, sample_pictures
from train.learner import Learner
from train.log import RunLog
from train.runtime import flag, stop_on_signal
from train.samples import Samples, save_sheet
from train.ship import Network, write_weights

F = TypeVar("F", bound="RunFlags")


@dataclass(frozen=True)
class RunFlags:
    """What every training is told."""

    content: tuple[str, ...] = flag("photographs: folders, tar shards, globs or webdataset URLs")
    style: tuple[str, ...] = flag("artworks: the same")
    out: Path = flag("folder for checkpoints, samples, log and the finished weights")
    val_content: tuple[str, ...] = flag("photographs for the samples, never trained on", ())
    val_style: tuple[str, ...] = flag("artworks for the samples, never trained on", ())
    encoder: Arch = flag("the encoder's network", "vgg16")
    encoder_weights: Path = flag("its normalised weights", Path("weights/vgg16.safetensors"))
    init: Path | None = flag("weights to start from, a safetensors file", None)
    steps: int = flag("iterations in all, warm-up included", 160_000)
    batch: int = flag("pictures an iteration, over all processes", 8)
    crop: int = flag("side of the training crops, in pixels", 256)
    scale_min: float = flag("content: shorter side before cropping, at least this times the crop", 2.0)
    scale_max: float = flag("content: shorter side before cropping, at most this times the crop", 2.0)
    style_scale_min: float = flag("style: the same", 2.0)
    style_scale_max: float = flag("style: the same", 2.0)
    cache: Cache = flag("keep all pictures as uint8 in main memory (ram) or on the GPU (device)", "none")
    lr: float = flag("Adam's learning rate", 1e-4)
    schedule: Literal["paper", "cosine"] = flag("paper: lr / (1 + 5e-5 t); cosine: to zero at the end", "paper")
    clip: float = flag("largest norm of the gradient; 0: any", 0.0)
    warmup: int = flag("first iterations, without style", 0)
    warmup_lr: float = flag("learning rate of the warm-up", 5e-4)
    ema: float = flag("decay of the averaged weights that are shipped; 0: the last ones are", 0.0)
    seed: int = flag("seed of data order and initial weights", 0)
    workers: int = flag("processes that read pictures, for each process that trains", 1)
    checkpoint_every: int = flag("iterations between checkpoints", 500)
    log_every: int = flag("iterations between log lines", 20)
    sample_side: int = flag("side of the pictures on the sample sheets, in pixels", 256)
    tensorboard: bool = flag("write TensorBoard files into --out/tensorboard", True)
    resume: str = flag("auto: from the newest good checkpoint in --out; or a checkpoint file", "", bare="auto")
    device: str = flag("auto, cpu, cuda", "auto")
    precision: Literal["auto", "float32", "bf16"] = flag("autocast; auto: bf16 where the hardware has it", "auto")
    compile: bool = flag("torch.compile the losses", False)


class Recipe(ABC):
    """What is particular to one network's training."""

    flags: RunFlags
    learner: Learner
    objective: nn.Module
    """From a batch to losses by name."""
    photos: Crops
    works: Crops

    @cached_property
    def sheet(self) -> Samples:
        """The photographs and artworks of the sample sheets; opened by the process that paints them."""
        flags = self.flags
        return Samples(
            sample_pictures(self.photos, flags.val_content, 4, flags.sample_side),
            sample_pictures(self.works, flags.val_style, 6, flags.sample_side),
        )

    @abstractmethod
    def batches(self, start: int) -> Iterator[Any]:
        """What the objective takes, one a step, from step `start` on."""

    @abstractmethod
    def networks(self) -> dict[str, Network]:
        """The weights folder as it would be shipped now."""

    @abstractmethod
    def samples(self) -> tuple[dict[str, float], Picture]:
        """Figures on the sample pairs, and their sheet."""


def loss_weights(flags: RunFlags) -> dict[str, float]:
    """The weight of each loss that has a flag: `style` is weighed by --style-weight. Others count once."""
    return {name.removesuffix("_weight"): value for name, value in asdict(flags).items() if name.endswith("_weight")}


def learning_rate(flags: RunFlags, step: int) -> float:
    """The learning rate of a step."""
    if step < flags.warmup:
        return flags.warmup_lr
    t, total = step - flags.warmup, max(1, flags.steps - flags.warmup)
    if flags.schedule == "cosine":
        return flags.lr * min(1.0, (t + 1) / 100) * 0.5 * (1 + math.cos(math.pi * t / total))
    return flags.lr / (1 + 5e-5 * t)


def open_both(flags: RunFlags, crew: Team) -> tuple[Crops, Crops]:
    """The content and the style crops."""
    device = crew.device
    content = CropRecipe(flags.crop, flags.scale_min, flags.scale_max)
    style = CropRecipe(flags.crop, flags.style_scale_min, flags.style_scale_max)
    both = (
        open_crops(flags.content, content, seed=flags.seed, workers=flags.workers, cache=flags.cache, device=device),
        open_crops(flags.style, style, seed=flags.seed + 1, workers=flags.workers, cache=flags.cache, device=device),
    )
    for kind, crops in zip(("content", "style"), both, strict=True):
        if crew.leads and isinstance(crops, CachedCrops):
            print(f"{kind}: {len(crops)} pictures in memory, {crops.nbytes / 1e9:.2f} GB", flush=True)
    return both


def read_weights(file: Path) -> dict[str, Tensor]:
    """A safetensors file's numbers as float32. Raises ValueError, one line, when it is none."""
    try:
        return {name: value.float() for name, value in load_file(file).items()}
    except SafetensorError as error:
        raise ValueError(f"{file} is no whole safetensors file ({error})") from None


def load_network(network: nn.Module, file: Path) -> None:
    """Fill a network from a safetensors file. Raises ValueError, one line, when it does not fit."""
    try:
        network.load_state_dict(read_weights(file), strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"{file} does not fit (is it of another network?): {reason}") from None


def load_encoder(flags: RunFlags) -> VGGEncoder:
    """The frozen encoder. Raises ValueError when the weights are another network's."""
    encoder = VGGEncoder(flags.encoder).eval().requires_grad_(False)
    load_network(encoder, flags.encoder_weights)
    return encoder


def wants_bf16(flags: RunFlags, device: torch.device) -> bool:
    """Whether to autocast to bfloat16."""
    if flags.precision != "auto":
        return flags.precision == "bf16"
    return has_bf16(device)


def run_training(flags: F, make_recipe: Callable[[F, Team], Recipe]) -> None:
    """Train what the recipe says; leaves checkpoints, samples, log and `weights/` in flags.out.

    Raises FileExistsError when flags.out holds another run's checkpoints, ValueError for a
    batch or a checkpoint that cannot be, FloatingPointError when a loss is not finite.
    """
    with team(flags.device) as crew:
        crew.check_batch(flags.batch)
        state = checkpoint.load_for(flags.out, flags.resume)
        crew.wait()  # nobody writes before everybody has looked
        torch.manual_seed(flags.seed)
        if state is None:  # --resume auto, and nothing there yet
            flags = replace(flags, resume="")
        _run(flags, crew, make_recipe(flags, crew), state)


def _run(flags: RunFlags, crew: Team, recipe: Recipe, state: checkpoint.State | None) -> None:
    learner, bf16, weights = recipe.learner, wants_bf16(flags, crew.device), loss_weights(flags)
    start = learner.restore(state) if state else 0
    if flags.compile:
        recipe.objective.compile()
    losses_of = crew.wrap(recipe.objective)
    leader = Leader(flags, crew, recipe, start) if crew.leads else None
    done = start
    with stop_on_signal() as stop:
        for step, batch in enumerate(recipe.batches(start), start):
            if step == flags.warmup:
                learner.forget_gradients()
            with torch.autocast(crew.device.type, torch.bfloat16, enabled=bf16):
                losses: dict[str, Tensor] = losses_of(batch)
            lr = learning_rate(flags, step)
            total = torch.stack([weights.get(k, 1.0) * v for k, v in losses.items()]).sum()
            learner.update(total, step, lr)
            done = step + 1
            if leader:
                leader.log.step(done, lr, losses, broken=recipe.photos.broken + recipe.works.broken)
            if crew.any_at(done, bool(stop)):
                break
            if leader and done % flags.checkpoint_every == 0 and done < flags.steps:
                leader.export(done)
    if leader:
        leader.export(done)
        leader.log.close()
    crew.wait()


class Leader:
    """The process that writes files and talks."""

    def __init__(self, flags: RunFlags, crew: Team, recipe: Recipe, start: int) -> None:
        self.flags, self.recipe = flags, recipe
        _ = recipe.sheet  # pictures that are not there are refused now, not at the first checkpoint
        flags.out.mkdir(parents=True, exist_ok=True)
        (flags.out / "flags.json").write_text(json.dumps(asdict(flags), default=str, indent=1), encoding="utf-8")
        precision = "bf16" if wants_bf16(flags, crew.device) else "float32"
        print(
            f"step {start} of {flags.steps}, {crew.device} x {crew.size}, {precision}, "
            f"batch {flags.batch} of {flags.crop} px",
            flush=True,
        )
        self.log = RunLog(
            flags.out, every=flags.log_every, steps=flags.steps, batch=flags.batch, start=start, device=crew.device,
            tensorboard=flags.tensorboard,
        )  # fmt: skip

    def export(self, done: int) -> None:
        """Write what there is after `done` steps: checkpoint, weights, samples."""
        out = self.flags.out
        checkpoint.save(out, done, self.recipe.learner.state(done, self.flags))
        write_weights(out / "weights", self.recipe.networks())
        values, sheet = self.recipe.samples()
        save_sheet(out / f"samples-{done:07d}.png", sheet)
        self.log.validation(done, values, sheet)
