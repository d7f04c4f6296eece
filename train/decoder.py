"""Train the decoder of the `paper` model (Huang & Belongie 2017), top to bottom.

    python -m train.decoder --content 'content-*.tar' --style 'style-*.tar' --out runs/decoder

The defaults are the paper's recipe: shorter side 512, random 256 crop, batch 8, Adam 1e-4 with
1 / (1 + 5e-5 t) decay, style weight 10, 160,000 iterations. See train/README.md for others.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from livestyle.model.adain import adain
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import Arch, VGGEncoder
from train import checkpoint
from train.data import CropRecipe, CropStream, batches, index_pictures, to_tensor
from train.losses import StyleTargets, color_loss, content_loss, style_loss, style_targets, total_variation
from train.runtime import StepLog, flag, parse_flags, pick_device, stop_on_signal
from train.samples import sample_pictures, save_samples
from train.warmup import warmup_losses


@dataclass(frozen=True)
class Flags:
    """Train the decoder of the `paper` model."""

    content: tuple[str, ...] = flag("photographs: folders, tar shards or globs")
    style: tuple[str, ...] = flag("artworks: folders, tar shards or globs")
    out: Path = flag("folder for checkpoints, samples, log and the finished decoder.safetensors")
    encoder: Path = flag("normalised encoder weights", Path("weights/vgg16.safetensors"))
    arch: Arch = flag("the encoder's network", "vgg16")
    steps: int = flag("iterations in all, warm-up included", 160_000)
    batch: int = flag("pictures an iteration", 8)
    crop: int = flag("side of the training crops, in pixels", 256)
    scale_min: float = flag("content: shorter side before cropping, at least this times the crop", 2.0)
    scale_max: float = flag("content: shorter side before cropping, at most this times the crop", 2.0)
    style_scale_min: float = flag("style: the same", 2.0)
    style_scale_max: float = flag("style: the same", 2.0)
    style_side: int = flag("0: statistics of fresh style crops; else of whole works at this shorter side, once each", 0)
    lr: float = flag("Adam's learning rate", 1e-4)
    schedule: Literal["paper", "cosine"] = flag("paper: lr / (1 + 5e-5 t); cosine: to zero at the end", "paper")
    content_weight: float = flag("weight of the content loss", 1.0)
    style_weight: float = flag("weight of the style loss", 10.0)
    color_weight: float = flag("weight of the colour loss: mean and std of RGB and opponent colours", 0.0)
    tv_weight: float = flag("weight of the total variation", 0.0)
    warmup: int = flag("first iterations that only invert the encoder, on photographs and artworks", 0)
    warmup_apart: int = flag("of these, the first in which the decoder's blocks learn apart", 0)
    warmup_lr: float = flag("learning rate of the warm-up", 5e-4)
    ema: float = flag("decay of the averaged weights that are shipped; 0: the last ones are", 0.0)
    seed: int = flag("seed of data order and initial weights", 0)
    workers: int = flag("processes that read pictures", 1)
    checkpoint_every: int = flag("iterations between checkpoints", 500)
    log_every: int = flag("iterations between log lines", 20)
    sample_side: int = flag("side of the pictures on the sample sheets, in pixels", 256)
    resume: bool = flag("go on from the newest good checkpoint in --out", False)
    device: str = flag("auto, cpu, cuda", "auto")
    bf16: bool = flag("bfloat16 autocast (pays where the hardware has it)", False)


def learning_rate(flags: Flags, step: int) -> float:
    """The learning rate of a step."""
    if step < flags.warmup:
        return flags.warmup_lr
    t, total = step - flags.warmup, max(1, flags.steps - flags.warmup)
    if flags.schedule == "cosine":
        return flags.lr * min(1.0, (t + 1) / 100) * 0.5 * (1 + math.cos(math.pi * t / total))
    return flags.lr / (1 + 5e-5 * t)


def as_pictures(crops: Tensor, device: torch.device) -> Tensor:
    """(N, 3, H, W) uint8 as float32 in [0, 1] on the device."""
    return crops.to(device, non_blocking=True).float().div_(255).contiguous(memory_format=torch.channels_last)


class WholeWorkStats:
    """Style statistics of whole artworks, each computed when first drawn."""

    def __init__(self, encoder: VGGEncoder, stream: CropStream, side: int, device: torch.device) -> None:
        self.encoder, self.stream, self.side, self.device = encoder, stream, side, device
        self.known: dict[int, StyleTargets] = {}

    def batch(self, samples: range) -> StyleTargets:
        """Targets for the stream's sample numbers, stacked along N."""
        each = [self._one(self.stream.picture_index(n)) for n in samples]

        def stacked(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
            means, stds = zip(*pairs, strict=True)
            return torch.cat(means), torch.cat(stds)

        return StyleTargets(
            taps=[stacked([targets.taps[tap] for targets in each]) for tap in range(4)],
            color=stacked([targets.color for targets in each]),
        )

    @torch.no_grad()
    def _one(self, index: int) -> StyleTargets:
        if index not in self.known:
            picture = to_tensor(self.stream.readable(index, self.side))[None].to(self.device)
            self.known[index] = style_targets(picture, self.encoder(picture))
        return self.known[index]


def style_batches(
    flags: Flags, encoder: VGGEncoder, stream: CropStream, start: int, device: torch.device
) -> Iterator[StyleTargets]:
    """The style targets of every step from `start` on."""
    if flags.style_side:
        works = WholeWorkStats(encoder, stream, flags.style_side, device)
        for step in range(start, flags.steps):
            yield works.batch(range(step * flags.batch, (step + 1) * flags.batch))
    else:
        for crops in batches(stream, batch=flags.batch, start_step=start, workers=flags.workers):
            pictures = as_pictures(crops, device)
            with torch.no_grad():
                targets = style_targets(pictures, encoder(pictures))
            yield targets


def initialised(decoder: Decoder) -> Decoder:
    """He initialisation, and a grey picture to start from: every layer learns from the first step."""
    *_, last = convolutions = [m for m in decoder.children() if isinstance(m, torch.nn.Conv2d)]
    for convolution in convolutions:
        torch.nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        torch.nn.init.constant_(convolution.bias, 0.5 if convolution is last else 0.0)  # type: ignore[arg-type]
    with torch.no_grad():
        last.weight.mul_(0.3)
    return decoder


class Learner:
    """The decoder, its optimizer and its running average: what a checkpoint holds."""

    def __init__(self, flags: Flags, device: torch.device) -> None:
        self.flags = flags
        self.decoder = initialised(Decoder(flags.arch)).to(device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.decoder.parameters(), lr=flags.lr)
        self.average = {k: v.detach().clone() for k, v in self.decoder.state_dict().items()}

    def forget_gradients(self) -> None:
        """Start Adam afresh.

        The style loss has gradients far larger than the warm-up's. Divided by the warm-up's second
        moments its first steps are so large that the picture dies.
        """
        self.optimizer = torch.optim.Adam(self.decoder.parameters(), lr=self.flags.lr)

    def update(self, loss: Tensor, step: int, lr: float) -> None:
        """One step of Adam, then of the average."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        # A young average forgets faster, so that it never drags the first steps along.
        decay = min(self.flags.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for k, v in self.decoder.state_dict().items():
                self.average[k].lerp_(v, 1 - decay)

    def state(self, step: int) -> checkpoint.State:
        """Everything that the steps after `step` depend on."""
        return {
            "step": step,
            "decoder": self.decoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "flags": json.dumps(asdict(self.flags), default=str),
        }

    def restore(self, state: checkpoint.State) -> int:
        """Go back to a state; returns its step."""
        self.decoder.load_state_dict(state["decoder"])
        self.optimizer.load_state_dict(state["optimizer"])
        for k, v in state["average"].items():
            self.average[k].copy_(v)
        return int(state["step"])

    def shipped(self) -> Decoder:
        """The decoder as it would be shipped now."""
        decoder = Decoder(self.flags.arch)
        decoder.load_state_dict(self.average if self.flags.ema else self.decoder.state_dict())
        return decoder.to(next(self.decoder.parameters()).device)


def open_streams(flags: Flags) -> tuple[CropStream, CropStream]:
    """The content and the style stream."""
    content_crops = CropRecipe(flags.crop, flags.scale_min, flags.scale_max)
    style_crops = CropRecipe(flags.crop, flags.style_scale_min, flags.style_scale_max)
    length = flags.steps * flags.batch
    return (
        CropStream(index_pictures(list(flags.content)), content_crops, seed=flags.seed, length=length),
        CropStream(index_pictures(list(flags.style)), style_crops, seed=flags.seed + 1, length=length),
    )


def painting_losses(encoder: VGGEncoder, decoder: Decoder, content: Tensor, style: StyleTargets) -> dict[str, Tensor]:
    """The paper's losses (eqs. 11 to 13) and the two that help short runs, unweighted."""
    with torch.no_grad():
        target = adain(encoder(content)[3], *style.taps[3])
    painting = decoder(target, *content.shape[-2:])
    taps = encoder(painting)
    return {
        "content": content_loss(taps[3], target),
        "style": style_loss(taps, style.taps),
        "color": color_loss(painting, style.color),
        "tv": total_variation(painting),
    }


def warmup_pictures(flags: Flags, content: Tensor, works: Iterator[Tensor], device: torch.device) -> Tensor:
    """A batch of which half is photographs and half artworks: colours that photographs lack matter too."""
    half = flags.batch // 2
    return torch.cat([content[half:], as_pictures(next(works), device)]) if half else content


def train(flags: Flags) -> None:
    """Run the training described by the flags; leaves `decoder.safetensors` in flags.out.

    Raises FileExistsError when flags.out holds another run's checkpoints.
    """
    if not flags.resume and any(flags.out.glob("step-*.pt")):
        raise FileExistsError(f"{flags.out} holds a run's checkpoints: add --resume, or give another --out")
    device = pick_device(flags.device)
    torch.manual_seed(flags.seed)
    flags.out.mkdir(parents=True, exist_ok=True)
    (flags.out / "flags.json").write_text(json.dumps(asdict(flags), default=str, indent=1))

    encoder = VGGEncoder(flags.arch).eval().requires_grad_(False)
    encoder.load_state_dict({k: v.float() for k, v in load_file(flags.encoder).items()})
    encoder.to(device).to(memory_format=torch.channels_last)
    learner = Learner(flags, device)
    state = checkpoint.load_latest(flags.out) if flags.resume else None
    start = learner.restore(state) if state else 0
    print(f"starting at step {start} of {flags.steps}", flush=True)

    content_stream, style_stream = open_streams(flags)
    contents = batches(content_stream, batch=flags.batch, start_step=start, workers=flags.workers)
    works = batches(style_stream, batch=max(1, flags.batch // 2), start_step=start, workers=flags.workers)
    styles = style_batches(flags, encoder, style_stream, max(start, flags.warmup), device)
    sheet = sample_pictures(content_stream, 4, flags.sample_side), sample_pictures(style_stream, 6, flags.sample_side)
    weights = {
        "content": flags.content_weight,
        "style": flags.style_weight,
        "color": flags.color_weight,
        "tv": flags.tv_weight,
    }
    log = StepLog(flags.out / "log.jsonl", every=flags.log_every, steps=flags.steps, batch=flags.batch, start=start)

    def export(done: int) -> None:
        checkpoint.save(flags.out, done, learner.state(done))
        decoder = learner.shipped()
        part = flags.out / "decoder.safetensors.part"
        save_file({k: v.half().contiguous() for k, v in decoder.state_dict().items()}, part)
        os.replace(part, flags.out / "decoder.safetensors")
        save_samples(flags.out / f"samples-{done:07d}.png", decoder, encoder, *sheet)

    done = start
    with stop_on_signal() as stop:
        for step, crops in enumerate(contents, start):
            content = as_pictures(crops, device)
            if step == flags.warmup:
                learner.forget_gradients()
            with torch.autocast(device.type, torch.bfloat16, enabled=flags.bf16):
                if step < flags.warmup:
                    pictures = warmup_pictures(flags, content, works, device)
                    losses = warmup_losses(encoder, learner.decoder, pictures, apart=step < flags.warmup_apart)
                else:
                    losses = painting_losses(encoder, learner.decoder, content, next(styles))
            lr = learning_rate(flags, step)
            learner.update(torch.stack([weights.get(k, 1.0) * v for k, v in losses.items()]).sum(), step, lr)
            done = step + 1
            log.step(done, lr, losses)
            if stop:
                break
            if done % flags.checkpoint_every == 0 and done < flags.steps:
                export(done)
    export(done)


if __name__ == "__main__":
    train(parse_flags(Flags))
