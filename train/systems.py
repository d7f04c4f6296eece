"""The systems that an evaluation compares: weights that paint, and pictures that another program painted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open

from livestyle.engine.eager import EagerEngine, StyleCode
from livestyle.errors import SettingError, WeightsError
from livestyle.frame import Picture
from livestyle.looks.style import Palette
from livestyle.model.refining import Refiner
from livestyle.model.weights import OWN_NETWORK, ModelName, WeightsEntry, models_in
from livestyle.painting.color import match_palette
from livestyle.painting.size import fit_size
from livestyle.resize import resized
from livestyle.sources.images import load_image
from train.metrics import CLIP_LINES_PX


class Sample(NamedTuple):
    """A photograph or an artwork: its file's name without suffix, and HxWx3 uint8 RGB."""

    stem: str
    rgb: Picture


class Weights:
    """A system that paints: the program's own plain engine."""

    def __init__(self, name: str, folder: Path, *, palette: bool, half: bool, refine: bool, device: str) -> None:
        """folder: of weights, or a training run's; MODEL:FOLDER where it has several models.

        refine: each artwork first, where the model is fast. Raises WeightsError.
        """
        self.name, self.palette = name, palette
        weights, model = weights_in(folder)
        self.engine = EagerEngine(device, model=model, half=half, reason="evaluated", weights=weights)
        self._refiner = Refiner(weights, device=device) if refine and model == "fast" else None
        self._styles: dict[str, tuple[StyleCode, Palette]] = {}

    def style(self, artwork: Sample) -> tuple[StyleCode, Palette]:
        """The artwork as a style, computed once."""
        if artwork.stem not in self._styles:
            stats = self.engine.style_stats(artwork.rgb)
            if self._refiner:
                stats = self._refiner.refine(stats)
            self._styles[artwork.stem] = self.engine.style_code(stats), stats.palette
        return self._styles[artwork.stem]

    def network(self, rgb: Picture, artwork: Sample) -> Picture:
        """Paint without the palette step: HxWx3 uint8 RGB in and out."""
        return self.engine.stylize(rgb, self.style(artwork)[0], 1.0)

    def paint(self, photograph: Sample, artwork: Sample) -> Picture:
        """The program's painting: HxWx3 uint8 RGB."""
        painting = self.network(photograph.rgb, artwork)
        return match_palette(painting, self.style(artwork)[1]) if self.palette else painting

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


def weights_in(folder: Path) -> tuple[Path, ModelName]:
    """The weights folder and the model that a folder means: of weights, of a training run, or MODEL:FOLDER.

    Without a model's name it is the first of paper and fast that is there. Raises WeightsError.
    """
    wanted, _, rest = str(folder).partition(":")
    named = wanted in OWN_NETWORK  # and not a drive letter
    place = Path(rest) if named else folder
    for weights in (place, place / "weights"):
        if (weights / "manifest.json").exists():
            there = models_in(weights)
            for model in there:
                if model == wanted or not named:
                    return weights, model
            raise WeightsError(f"{weights / 'manifest.json'} has {' and '.join(there) or 'no model'}, not {wanted!r}")
    raise WeightsError(f"{place} holds no manifest.json: give a weights folder or the --out folder of a training")


def weights_entry(file: Path) -> WeightsEntry:
    """A file of weights that no manifest describes. Raises WeightsError or OSError."""
    try:
        with safe_open(file, framework="pt") as tensors:
            names = set(tensors.keys())
    except SafetensorError as error:
        raise WeightsError(f"{file} is no safetensors file ({error})") from None
    arch = "vgg19" if "conv3_4.weight" in names else "vgg16"
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
