"""The systems that an evaluation compares: weights that paint, and pictures that another program painted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from livestyle.color import match_palette
from livestyle.errors import SettingError, WeightsError
from livestyle.frame import Picture
from livestyle.model.adain import adain, mean_std
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import Arch, VGGEncoder
from livestyle.pipeline import resized
from livestyle.settings import fit_size
from livestyle.sources.images import load_image
from livestyle.style import Palette, palette_of
from livestyle.weights import WeightsEntry, load_into, manifest
from train.metrics import CLIP_LINES_PX, as_batch


class Sample(NamedTuple):
    """A photograph or an artwork: its file's name without suffix, and HxWx3 uint8 RGB."""

    stem: str
    rgb: Picture


class Style(NamedTuple):
    """relu4_1's mean and std, (1, 512, 1, 1) float32 each on the painter's device, and the colours."""

    mean: Tensor
    std: Tensor
    palette: Palette


class Weights:
    """A system that paints: encoder, AdaIN and decoder, to the bit as `livestyle.engine.eager` runs them."""

    def __init__(
        self, name: str, folder: Path, *, encoder: Path, palette: bool, dtype: torch.dtype, device: torch.device
    ) -> None:
        """folder: of weights, or a training run's. encoder: for a folder with a decoder alone. Raises WeightsError."""
        self.name, self.palette, self.dtype, self.device = name, palette, dtype, device
        entries = weights_in(folder, encoder)
        if entries[0].arch != entries[1].arch:
            raise WeightsError(f"{name}: {entries[1].file} mirrors {entries[1].arch}: give --encoder of that network")
        self.encoder, self.decoder = VGGEncoder(entries[0].arch), Decoder(entries[1].arch)
        for module, entry in zip((self.encoder, self.decoder), entries, strict=True):
            load_into(module, entry)
            module.eval().requires_grad_(False)
            module.to(device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._styles: dict[str, Style] = {}

    def style(self, artwork: Sample) -> Style:
        """The artwork's statistics, computed once."""
        if artwork.stem not in self._styles:
            with torch.inference_mode():
                mean, std = mean_std(self.encoder.relu4_1(as_batch(artwork.rgb, self.device, self.dtype)))
            self._styles[artwork.stem] = Style(mean, std, palette_of(artwork.rgb))
        return self._styles[artwork.stem]

    @torch.inference_mode()
    def network(self, rgb: Picture, style: Style) -> Picture:
        """Paint without the palette step: HxWx3 uint8 RGB in and out."""
        content = self.encoder.relu4_1(as_batch(rgb, self.device, self.dtype))
        painting = self.decoder(adain(content, style.mean, style.std), *rgb.shape[:2])
        pixels = painting[0].float().clamp_(0, 1).mul_(255).round_().to(torch.uint8)
        return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())

    def paint(self, photograph: Sample, artwork: Sample) -> Picture:
        """The program's painting: HxWx3 uint8 RGB."""
        style = self.style(artwork)
        painting = self.network(photograph.rgb, style)
        return match_palette(painting, style.palette) if self.palette else painting

    def paint_clip(self, clip: Path, artwork: Sample) -> Iterator[Picture]:
        """The clip's frames, each painted on its own at 360 lines or the clip's, if it has fewer."""
        for rgb in clip_frames(clip):
            height, width = rgb.shape[:2]
            larger = min(height, width) > CLIP_LINES_PX
            size = fit_size(width, height, CLIP_LINES_PX if larger else None)
            yield self.paint(Sample("", resized(rgb, *size)), artwork)


class Pictures:
    """A system whose pictures and clips another program painted before."""

    palette = None

    def __init__(self, name: str, folder: Path) -> None:
        """Raises SettingError when the folder holds nothing of the kind."""
        self.name, self.folder = name, folder
        if not any(folder.glob("*__*")):
            raise SettingError(f"--systems {name}=pictures:{folder} holds no <content>__<style>.png, .mp4 or .mkv")

    def paint(self, photograph: Sample, artwork: Sample) -> Picture:
        """What the other program painted, of any size. Raises SourceError when it is missing or broken."""
        return load_image(self.folder / f"{photograph.stem}__{artwork.stem}.png")

    def paint_clip(self, clip: Path, artwork: Sample) -> Iterator[Picture]:
        """The frames of the clip that the other program painted. Raises SourceError."""
        name = f"{clip.stem}__{artwork.stem}"
        mkv = self.folder / f"{name}.mkv"
        return clip_frames(mkv if mkv.exists() else self.folder / f"{name}.mp4")


System = Weights | Pictures


def painting_dtype(precision: str, device: torch.device) -> torch.dtype:
    """As the program chooses it: half is float16 on a GPU, where it is also the default, and bfloat16 on the CPU."""
    if device.type == "cpu":
        return torch.bfloat16 if precision == "half" else torch.float32
    return torch.float32 if precision == "float32" else torch.float16


def weights_in(folder: Path, encoder: Path) -> tuple[WeightsEntry, WeightsEntry]:
    """Encoder and decoder of a weights folder or a training run; `encoder` where only a decoder is there.

    Raises WeightsError.
    """
    for place in (folder, folder / "weights"):
        if (place / "manifest.json").exists():
            entries = manifest(place)
            if not {"encoder", "decoder"} <= entries.keys():
                raise WeightsError(f"{place / 'manifest.json'} names no encoder or no decoder")
            return entries["encoder"], entries["decoder"]
    if (folder / "decoder.safetensors").exists():
        return weights_entry(encoder), weights_entry(folder / "decoder.safetensors")
    raise WeightsError(f"{folder} holds neither manifest.json nor decoder.safetensors: give a folder that does")


def weights_entry(file: Path) -> WeightsEntry:
    """A file of weights that no manifest describes. Raises WeightsError or OSError."""
    try:
        with safe_open(file, framework="pt") as tensors:
            names = set(tensors.keys())
    except SafetensorError as error:
        raise WeightsError(f"{file} is no safetensors file ({error})") from None
    arch: Arch = "vgg19" if "conv3_4.weight" in names else "vgg16"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return WeightsEntry(file, arch, sha256, origin="", licence="", command="")


def at_side(image: Image.Image, side: int) -> Picture:
    """HxWx3 uint8 RGB with this shorter side."""
    k = side / min(image.size)
    size = (round(image.width * k), round(image.height * k))
    return np.array(image if image.size == size else image.resize(size, Image.Resampling.LANCZOS))


def clip_frames(path: Path) -> Iterator[Picture]:
    """HxWx3 uint8 RGB, one by one. Raises SourceError when the clip is missing or broken."""
    from livestyle.sources.video import VideoSource  # late: machines that train have no PyAV

    with VideoSource(path) as source:
        while frame := source.read():
            yield frame.rgb
