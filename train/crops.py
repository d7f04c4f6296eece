"""Random crops of pictures, as a stateless stream.

Sample number n is a pure function of (seed, n): which picture, which scale, which place. A run that
resumes at a step therefore sees exactly what an uninterrupted one would have seen, and N processes
that share a step see together what one would have seen alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from train.data import Entry, name_broken, read_picture, to_tensor
from train.readers import reading


@dataclass(frozen=True)
class CropRecipe:
    """How a training crop is cut: the shorter side is `crop_px` times a random scale."""

    crop_px: int
    scale_min: float
    scale_max: float

    def __post_init__(self) -> None:
        if not 1 <= self.scale_min <= self.scale_max:
            raise ValueError(f"crop scales {self.scale_min} to {self.scale_max}: give 1 <= smallest <= largest")

    @property
    def largest_side(self) -> int:
        """The largest shorter side a picture is resized to, in pixels."""
        return round(self.crop_px * self.scale_max)


class Crop(NamedTuple):
    """One sample: a picture resized to a shorter side of `side` pixels, and what is cut from it."""

    side: int
    x: float
    """Place along the width, 0 (left) to 1 (right), 1 excluded."""
    y: float
    mirrored: bool

    def corner(self, width: int, height: int, crop_px: int) -> tuple[int, int]:
        """Left and upper pixel of the crop in the resized picture."""
        return int(self.x * (width - crop_px + 1)), int(self.y * (height - crop_px + 1))


@dataclass(frozen=True)
class CropSampler:
    """What sample n is, for a set of `pictures` pictures."""

    pictures: int
    recipe: CropRecipe
    seed: int

    def picture(self, n: int) -> int:
        """Which picture sample n shows: every epoch is its own permutation."""
        epoch, position = divmod(n, self.pictures)
        return int(_epoch_order(self.seed, epoch, self.pictures)[position])

    def crop(self, n: int) -> Crop:
        """How sample n is cut."""
        return random_crop(self.recipe, np.random.default_rng((self.seed, 1 << 32, n)))


@lru_cache(maxsize=8)
def _epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(count)


def random_crop(recipe: CropRecipe, rng: np.random.Generator) -> Crop:
    """Draw a crop: scales log-uniform, places and mirroring uniform."""
    scale = math.exp(rng.uniform(math.log(recipe.scale_min), math.log(recipe.scale_max)))
    scale = min(max(scale, recipe.scale_min), recipe.scale_max)  # exp(log(x)) may miss x by its last bit
    return Crop(round(recipe.crop_px * scale), rng.random(), rng.random(), bool(rng.random() < 0.5))


def cut(image: Image.Image, crop: Crop, crop_px: int) -> Tensor:
    """The crop of a picture already resized to `crop.side`, (3, crop_px, crop_px) uint8."""
    left, top = crop.corner(image.width, image.height, crop_px)
    pixels = np.array(image.crop((left, top, left + crop_px, top + crop_px)))
    if crop.mirrored:
        pixels = pixels[:, ::-1].copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)


class Share(NamedTuple):
    """Which part of every step's samples this process computes: the `rank`-th of `of` equal ones."""

    rank: int = 0
    of: int = 1

    def numbers(self, step: int, batch: int) -> range:
        """Sample numbers of a step whose batch, over all processes, is `batch` (a multiple of `of`)."""
        each = batch // self.of
        first = step * batch + self.rank * each
        return range(first, first + each)


class Crops(Protocol):
    """A source of training crops, wherever the pictures are."""

    @property
    def broken(self) -> int:
        """How many pictures were left out because they cannot be read."""

    def batches(self, steps: range, *, batch: int, share: Share) -> Iterator[Tensor]:
        """One uint8 tensor (batch / share.of, 3, crop, crop) a step, in order."""


class NumberedCrops(Crops, Protocol):
    """Crops of pictures that can be asked for by number."""

    sampler: CropSampler

    def whole(self, index: int, shortest_side: int) -> Tensor:
        """Picture `index` uncropped, (3, H, W) float in [0, 1], its shorter side as given."""


class IndexedPictures:
    """Pictures that can be asked for by number; broken ones are passed over, named and counted."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        # Shared with the processes that read, so that each is named once and all are counted.
        self._broken = torch.zeros(len(entries), dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]

    @property
    def broken(self) -> int:
        """How many were met that cannot be read."""
        return int(self._broken.sum())

    def read(self, index: int, shortest_side: int) -> Image.Image:
        """Picture `index`, or the first readable one after it. Raises OSError when there is none."""
        for step in range(len(self.entries)):
            at = (index + step) % len(self.entries)
            if self._broken[at]:
                continue
            try:
                return read_picture(self.entries[at], shortest_side)
            except OSError:
                self._broken[at] = 1
                name_broken(self.entries[at])
        raise OSError(f"none of the {len(self.entries)} pictures can be read")


class CropStream(Dataset[Tensor]):
    """Crops of pictures read from disk when they are needed; item n is (3, crop, crop) uint8."""

    def __init__(self, pictures: IndexedPictures, recipe: CropRecipe, *, seed: int, workers: int = 0) -> None:
        """workers: processes that read ahead; 0 reads in this one."""
        self.pictures = pictures
        self.sampler = CropSampler(len(pictures.entries), recipe, seed)
        self.workers = workers

    @property
    def broken(self) -> int:
        """See `Crops.broken`."""
        return self.pictures.broken

    def __getitem__(self, n: int) -> Tensor:
        crop = self.sampler.crop(n)
        return cut(self.pictures.read(self.sampler.picture(n), crop.side), crop, self.sampler.recipe.crop_px)

    def whole(self, index: int, shortest_side: int) -> Tensor:
        """See `NumberedCrops.whole`."""
        return to_tensor(self.pictures.read(index, shortest_side))

    def batches(self, steps: range, *, batch: int, share: Share) -> Iterator[Tensor]:
        """See `Crops.batches`."""
        yield from reading(
            self,
            workers=self.workers,
            batch_sampler=[list(share.numbers(step, batch)) for step in steps],
            pin_memory=torch.cuda.is_available(),
        )
