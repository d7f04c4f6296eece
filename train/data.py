"""Pictures from tar shards or folders, as a stateless stream of random crops.

Sample number n is a pure function of (seed, n): which picture, which scale, which crop. A run
that resumes at a step therefore sees exactly what an uninterrupted one would have seen. Pictures
are read from disk when needed; nothing is held in memory but the index.
"""

from __future__ import annotations

import glob
import io
import math
import os
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

# What Pillow raises on damaged bytes, beside OSError.
_DAMAGED = (Image.DecompressionBombError, SyntaxError, ValueError, EOFError, IndexError, struct.error)


class Entry(NamedTuple):
    """Where one picture's bytes are: `size` bytes from `offset` of `path` (a file or a tar)."""

    name: str
    path: str
    offset: int
    size: int


def index_pictures(sources: list[str]) -> list[Entry]:
    """Find pictures, in a stable order. sources: folders, tar files or globs of them.

    Raises FileNotFoundError naming a source that matches nothing or holds no picture.
    """
    entries: list[Entry] = []
    for source in sources:
        paths = [Path(source)] if Path(source).exists() else [Path(p) for p in sorted(glob.glob(source))]
        found = [entry for path in paths for entry in _entries(path)]
        if not found:
            raise FileNotFoundError(
                f"{source!r} holds no pictures: give a folder of images, a .tar shard, or a glob of either (in quotes)"
            )
        entries += found
    return entries


def _entries(path: Path) -> Iterator[Entry]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                yield Entry(file.name, str(file), 0, file.stat().st_size)
    elif path.suffix == ".tar":
        with tarfile.open(path, "r:") as tar:  # uncompressed: pictures are read by their offsets
            for member in tar:
                if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                    yield Entry(member.name, str(path), member.offset_data, member.size)
    elif path.suffix.lower() in SUFFIXES:
        yield Entry(path.name, str(path), 0, path.stat().st_size)


def read_picture(entry: Entry, shortest_side: int | None = None) -> Image.Image:
    """Decode an entry to RGB, its shorter side resized to `shortest_side` pixels if given.

    Raises OSError when the bytes are no readable picture.
    """
    with open(entry.path, "rb") as file:
        file.seek(entry.offset)
        data = file.read(entry.size)
    try:
        encoded = Image.open(io.BytesIO(data))
        if shortest_side:
            encoded.draft("RGB", (shortest_side, shortest_side))
        image = encoded.convert("RGB")
    except _DAMAGED as error:
        raise OSError(f"{entry.name}: {error}") from error
    if shortest_side and min(image.size) != shortest_side:
        k = shortest_side / min(image.size)
        size = (max(round(image.width * k), shortest_side), max(round(image.height * k), shortest_side))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return image


def to_tensor(image: Image.Image) -> Tensor:
    """An RGB picture as (3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def evenly(entries: list[Entry], count: int, shortest_side: int) -> list[Tensor]:
    """Up to `count` pictures, (3, H, W) in [0, 1], a fixed stride apart; broken ones are named and left out."""
    pictures = []
    for entry in entries[:: max(1, len(entries) // count)][:count]:
        try:
            pictures.append(to_tensor(read_picture(entry, shortest_side)))
        except OSError:
            _name_broken(entry)
    return pictures


def _name_broken(entry: Entry) -> None:
    print(f"skipped, not a readable picture: {entry.name} in {entry.path}", flush=True)


@dataclass(frozen=True)
class CropRecipe:
    """How a training crop is cut: the shorter side is `crop_px` times a random scale."""

    crop_px: int
    scale_min: float
    scale_max: float

    def __post_init__(self) -> None:
        if not 1 <= self.scale_min <= self.scale_max:
            raise ValueError(f"crop scales {self.scale_min} to {self.scale_max}: give 1 <= smallest <= largest")


class CropStream(Dataset[Tensor]):
    """Random square crops (3, crop, crop) uint8; item n depends on (seed, n) alone.

    A broken picture is replaced by the next readable one, and named in `broken`.
    """

    def __init__(self, entries: list[Entry], recipe: CropRecipe, *, seed: int, length: int) -> None:
        self.entries = entries
        self.recipe = recipe
        self.seed = seed
        self.length = length
        self.broken: set[str] = set()

    def __len__(self) -> int:
        return self.length

    def picture_index(self, n: int) -> int:
        """Which picture sample n shows: every epoch is its own permutation."""
        epoch, position = divmod(n, len(self.entries))
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.entries))
        return int(order[position])

    def __getitem__(self, n: int) -> Tensor:
        rng = np.random.default_rng((self.seed, 1 << 32, n))
        recipe = self.recipe
        scale = math.exp(rng.uniform(math.log(recipe.scale_min), math.log(recipe.scale_max)))
        image = self.readable(self.picture_index(n), round(recipe.crop_px * scale))
        x = int(rng.integers(image.width - recipe.crop_px + 1))
        y = int(rng.integers(image.height - recipe.crop_px + 1))
        crop = np.array(image.crop((x, y, x + recipe.crop_px, y + recipe.crop_px)))
        if rng.random() < 0.5:
            crop = crop[:, ::-1].copy()
        return torch.from_numpy(crop).permute(2, 0, 1)

    def readable(self, index: int, shortest_side: int) -> Image.Image:
        """Picture `index`, or the first readable one after it. Raises OSError when there is none."""
        for step in range(len(self.entries)):
            entry = self.entries[(index + step) % len(self.entries)]
            try:
                return read_picture(entry, shortest_side)
            except OSError:
                if entry.name not in self.broken:
                    self.broken.add(entry.name)
                    _name_broken(entry)
        raise OSError(f"none of the {len(self.entries)} pictures can be read")


def batches(stream: CropStream, *, batch: int, start_step: int, workers: int) -> Iterator[Tensor]:
    """(batch, 3, crop, crop) uint8 batches from `start_step` on, one a step, in order."""
    steps = range(start_step, stream.length // batch)
    yield from DataLoader(
        stream,
        batch_sampler=[list(range(step * batch, (step + 1) * batch)) for step in steps],
        num_workers=workers,
        worker_init_fn=_leave_signals_to_parent,
        pin_memory=torch.cuda.is_available(),
    )


def _leave_signals_to_parent(_worker: int) -> None:
    """Ctrl-C and `timeout` signal the whole process group: a reader that died would cost the last checkpoint."""
    if hasattr(os, "setsid"):
        os.setsid()
