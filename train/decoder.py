"""Train the decoder of the `paper` model (Huang & Belongie 2017), top to bottom.

    python -m train.decoder --content 'content-*.tar' --style 'style-*.tar' --out runs/decoder

The defaults are the paper's recipe: shorter side 512, random 256 crop, batch 8, Adam 1e-4 with
1 / (1 + 5e-5 t) decay, style weight 10, 160,000 iterations. See train/README.md for others.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from livestyle.model.adain import adain
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder
from train import checkpoint
from train.data import CropRecipe, CropStream, batches, index_pictures, read_picture, to_tensor
from train.losses import TapStats, content_loss, style_loss, tap_stats, total_variation
from train.runtime import flag, parse_flags, pick_device, stop_on_signal


@dataclass(frozen=True)
class Flags:
    """Train the decoder of the `paper` model."""

    content: tuple[str, ...] = flag("photographs: folders, tar shards or globs")
    style: tuple[str, ...] = flag("artworks: folders, tar shards or globs")
    out: Path = flag("folder for checkpoints, samples, log and the finished decoder.safetensors")
    encoder: Path = flag("normalised encoder weights", Path("weights/vgg16.safetensors"))
    arch: str = flag("vgg16 or vgg19", "vgg16")
    steps: int = flag("iterations in all, warm-up included", 160_000)
    batch: int = flag("pictures an iteration", 8)
    crop: int = flag("side of the training crops, in pixels", 256)
    scale_min: float = flag("content: shorter side before cropping, at least this times the crop", 2.0)
    scale_max: float = flag("content: shorter side before cropping, at most this times the crop", 2.0)
    style_scale_min: float = flag("style: the same", 2.0)
    style_scale_max: float = flag("style: the same", 2.0)
    style_side: int = flag("0: style statistics of fresh crops; else of whole works at this shorter side, computed once a work", 0)
    lr: float = flag("Adam's learning rate", 1e-4)
    schedule: str = flag("paper: lr / (1 + 5e-5 t); cosine: to zero at the last step", "paper")
    content_weight: float = flag("weight of the content loss", 1.0)
    style_weight: float = flag("weight of the style loss", 10.0)
    tv_weight: float = flag("weight of the total variation", 0.0)
    warmup: int = flag("first iterations that only reconstruct photographs (L1)", 0)
    warmup_lr: float = flag("learning rate of the warm-up", 5e-4)
    ema: float = flag("decay of the averaged weights that are shipped; 0: the last ones are", 0.0)
    seed: int = flag("seed of data order and initial weights", 0)
    workers: int = flag("processes that read pictures", 1)
    checkpoint_every: int = flag("iterations between checkpoints", 500)
    log_every: int = flag("iterations between log lines", 20)
    resume: bool = flag("go on from the newest good checkpoint in --out", False)
    device: str = flag("auto, cpu, cuda", "auto")
    bf16: bool = flag("bfloat16 autocast (pays where the hardware has it)", False)


def learning_rate(flags: Flags, step: int) -> float:
    """The learning rate of a step."""
    if step < flags.warmup:
        return flags.warmup_lr
    t, total = step - flags.warmup, max(1, flags.steps - flags.warmup)
    if flags.schedule == "cosine":
        return flags.lr * min(1.0, (t + 1) / 50) * 0.5 * (1 + math.cos(math.pi * t / total))
    return flags.lr / (1 + 5e-5 * t)


class WholeWorkStats:
    """Style statistics of whole artworks, each computed when first drawn."""

    def __init__(self, encoder: VGGEncoder, stream: CropStream, side: int, device: torch.device) -> None:
        self.encoder, self.stream, self.side, self.device = encoder, stream, side, device
        self.known: dict[int, TapStats] = {}

    def batch(self, samples: range) -> TapStats:
        """Statistics for the stream's sample numbers, stacked along N."""
        each = [self._one(self.stream.picture_index(n)) for n in samples]
        return [
            (torch.cat([s[tap][0] for s in each]), torch.cat([s[tap][1] for s in each]))
            for tap in range(4)
        ]

    def _one(self, index: int) -> TapStats:
        if index not in self.known:
            try:
                image = read_picture(self.stream.entries[index], self.side)
            except OSError:
                return self._one((index + 1) % len(self.stream.entries))
            with torch.no_grad():
                taps = self.encoder(to_tensor(image)[None].to(self.device))
            self.known[index] = tap_stats(taps)
        return self.known[index]


def save_samples(path: Path, decoder: Decoder, encoder: VGGEncoder, contents: list[Tensor], styles: list[Tensor]) -> None:
    """A grid PNG: photographs down the left, artworks along the top, paintings between."""
    side = contents[0].shape[-1]
    device = next(decoder.parameters()).device
    rows = [torch.cat([torch.ones(3, side, side), *styles], dim=2)]
    with torch.no_grad():
        stats = [tap_stats(encoder(s[None].to(device)))[3] for s in styles]
        for content in contents:
            features = encoder(content[None].to(device))[3]
            row = [decoder(adain(features, *s), side, side)[0].clamp(0, 1).cpu() for s in stats]
            rows.append(torch.cat([content, *row], dim=2))
    grid = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(np.ascontiguousarray(grid)).save(path)


def sample_pictures(stream: CropStream, count: int, side: int = 256) -> list[Tensor]:
    """The same few pictures at every call, centre-cropped to (3, side, side) in [0, 1]."""
    chosen = stream.entries[:: max(1, len(stream.entries) // count)][:count]
    pictures = [to_tensor(read_picture(e, side)) for e in chosen]
    return [p[:, (p.shape[1] - side) // 2 :, (p.shape[2] - side) // 2 :][:, :side, :side] for p in pictures]


def train(flags: Flags) -> None:
    """Run the training described by the flags; leaves `decoder.safetensors` in flags.out."""
    device = pick_device(flags.device)
    torch.manual_seed(flags.seed)
    flags.out.mkdir(parents=True, exist_ok=True)
    (flags.out / "flags.json").write_text(json.dumps(asdict(flags), default=str, indent=1))

    encoder = VGGEncoder(flags.arch).eval().requires_grad_(False)  # type: ignore[arg-type]
    encoder.load_state_dict({k: v.float() for k, v in load_file(flags.encoder).items()})
    decoder = Decoder(flags.arch)  # type: ignore[arg-type]
    encoder.to(device, memory_format=torch.channels_last)
    decoder.to(device, memory_format=torch.channels_last)
    average = {k: v.detach().clone() for k, v in decoder.state_dict().items()}
    optimizer = torch.optim.Adam(decoder.parameters(), lr=flags.lr)

    samples = flags.steps * flags.batch
    content_stream = CropStream(
        index_pictures(list(flags.content)), CropRecipe(flags.crop, flags.scale_min, flags.scale_max),
        seed=flags.seed, length=samples)
    style_stream = CropStream(
        index_pictures(list(flags.style)), CropRecipe(flags.crop, flags.style_scale_min, flags.style_scale_max),
        seed=flags.seed + 1, length=samples)
    whole = WholeWorkStats(encoder, style_stream, flags.style_side, device)

    start = 0
    state = checkpoint.load_latest(flags.out) if flags.resume else None
    if state is not None:
        start = state["step"]
        decoder.load_state_dict(state["decoder"])
        optimizer.load_state_dict(state["optimizer"])
        average = {k: v.to(device) for k, v in state["average"].items()}
        print(f"resumed at step {start}", flush=True)

    def snapshot(step: int) -> dict[str, Any]:
        return {"step": step, "decoder": decoder.state_dict(), "optimizer": optimizer.state_dict(),
                "average": average, "flags": json.dumps(asdict(flags), default=str)}

    def painter() -> Decoder:
        shipped = Decoder(flags.arch)  # type: ignore[arg-type]
        shipped.load_state_dict(average if flags.ema else decoder.state_dict())
        return shipped.to(device)

    def export(step: int) -> None:
        checkpoint.save(flags.out, step, snapshot(step))
        part = flags.out / "decoder.safetensors.part"
        save_file({k: v.half().contiguous() for k, v in painter().state_dict().items()}, part)
        os.replace(part, flags.out / "decoder.safetensors")
        save_samples(flags.out / f"samples-{step:07d}.png", painter(), encoder,
                     sample_pictures(content_stream, 4), sample_pictures(style_stream, 6))

    content_batches = batches(content_stream, batch=flags.batch, start_step=start, workers=flags.workers)
    style_batches = (
        itertools.repeat(None) if flags.style_side
        else batches(style_stream, batch=flags.batch, start_step=start, workers=flags.workers))
    clock, logged_step, step = time.monotonic(), start, start
    with stop_on_signal() as stop, open(flags.out / "log.jsonl", "a") as log:
        for step, crops, style_crops in zip(range(start, flags.steps), content_batches, style_batches):
            content = crops.to(device, non_blocking=True).float().div_(255).contiguous(memory_format=torch.channels_last)
            lr = learning_rate(flags, step)
            for group in optimizer.param_groups:
                group["lr"] = lr
            with torch.autocast(device.type, torch.bfloat16, enabled=flags.bf16):
                with torch.no_grad():
                    content_features = encoder(content)[3]
                losses: dict[str, Tensor] = {}
                if step < flags.warmup:
                    painting = decoder(content_features, flags.crop, flags.crop)
                    losses["reconstruction"] = F.l1_loss(painting.float(), content)
                    loss = losses["reconstruction"]
                else:
                    if style_crops is None:
                        style = whole.batch(range(step * flags.batch, (step + 1) * flags.batch))
                    else:
                        with torch.no_grad():
                            style = tap_stats(encoder(style_crops.to(device).float().div_(255)))
                    target = adain(content_features, *style[3])
                    painting = decoder(target, flags.crop, flags.crop)
                    taps = encoder(painting)
                    losses["content"] = content_loss(taps[3], target)
                    losses["style"] = style_loss(taps, style)
                    losses["tv"] = total_variation(painting)
                    loss = (flags.content_weight * losses["content"] + flags.style_weight * losses["style"]
                            + flags.tv_weight * losses["tv"])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            # A young average forgets faster, so that it never drags the first steps along.
            decay = min(flags.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                for k, v in decoder.state_dict().items():
                    average[k].lerp_(v, 1 - decay)

            done = step + 1
            if done % flags.log_every == 0:
                rate = (done - logged_step) / (time.monotonic() - clock)
                clock, logged_step = time.monotonic(), done
                row = {"step": done, "lr": lr, "it_per_s": round(rate, 3)}
                row |= {k: round(v.item(), 4) for k, v in losses.items()}
                log.write(json.dumps(row) + "\n")
                log.flush()
                left_min = (flags.steps - done) / rate / 60
                print(f"{row}  {rate * flags.batch:.1f} images/s  {left_min:.0f} min left", flush=True)
            if stop:
                break
            if done % flags.checkpoint_every == 0 and done < flags.steps:
                export(done)
    export(min(step + 1, flags.steps))


if __name__ == "__main__":
    train(parse_flags(Flags))
