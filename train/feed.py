"""What a training step is fed: crops from wherever the pictures are, and style statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.model.losses import StyleTargets, style_targets
from livestyle.model.vgg import VGGEncoder
from train.cache import CachedCrops
from train.crops import CropRecipe, Crops, CropStream, IndexedPictures, NumberedCrops, Share
from train.data import evenly, index_pictures
from train.shards import StreamedCrops, is_streamed

Cache = Literal["none", "ram", "device"]


def open_crops(
    sources: tuple[str, ...], recipe: CropRecipe, *, seed: int, workers: int, cache: Cache, device: torch.device
) -> Crops:
    """Crops of the pictures in folders, tars and globs of them, or in streamed shards.

    Raises FileNotFoundError for a source without pictures, ValueError for streamed sources mixed
    with others or cached, MemoryError when a cache does not fit.
    """
    streamed = [source for source in sources if is_streamed(source)]
    if streamed and len(streamed) < len(sources):
        raise ValueError(f"{streamed[0]!r} is streamed, other sources are read by number: give only one kind")
    if streamed and cache != "none":
        raise ValueError(f"{streamed[0]!r} is streamed: --cache {cache} needs folders or uncompressed local tars")
    if streamed:
        return StreamedCrops(streamed, recipe, seed=seed, workers=workers)
    pictures = IndexedPictures(index_pictures(list(sources)))
    if cache == "none":
        return CropStream(pictures, recipe, seed=seed, workers=workers)
    where = device if cache == "device" else torch.device("cpu")
    return CachedCrops(pictures, recipe, seed=seed, device=where, workers=workers)


def as_pictures(crops: Tensor, device: torch.device) -> Tensor:
    """(N, 3, H, W) uint8 as float32 in [0, 1] on the device."""
    return crops.to(device, non_blocking=True).float().div_(255).contiguous(memory_format=torch.channels_last)


class WholeWorkStats:
    """Style statistics of whole artworks, each computed when first drawn."""

    def __init__(self, encoder: VGGEncoder, works: NumberedCrops, side: int, device: torch.device) -> None:
        self.encoder, self.works, self.side, self.device = encoder, works, side, device
        self.known: dict[int, StyleTargets] = {}

    def batches(self, steps: range, *, batch: int, share: Share) -> Iterator[StyleTargets]:
        """The targets of every step's samples."""
        for step in steps:
            yield self.targets(share.numbers(step, batch))

    def targets(self, samples: range) -> StyleTargets:
        """Targets for the works of these sample numbers, stacked along N."""
        each = [self._one(self.works.sampler.picture(n)) for n in samples]

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
            picture = self.works.whole(index, self.side)[None].to(self.device)
            self.known[index] = style_targets(picture, self.encoder(picture))
        return self.known[index]


def sample_pictures(crops: Crops, sources: tuple[str, ...], count: int, side: int) -> list[Tensor]:
    """The same few pictures at every call, (3, side, side) in [0, 1].

    They come from the sources (held-out ones) if there are any, else from the training's own.
    """
    if isinstance(crops, StreamedCrops) and not sources:
        streamed = as_pictures(next(crops.batches(range(1), batch=count, share=Share())), torch.device("cpu"))
        return list(F.interpolate(streamed, (side, side), mode="bicubic", antialias=True).clamp(0, 1))
    own = crops.pictures.entries if isinstance(crops, CropStream | CachedCrops) else []
    entries = index_pictures(list(sources)) if sources else own
    pictures = evenly(entries, count, side)
    if not pictures:
        raise OSError(f"none of the pictures chosen for the samples can be read, {entries[0].path} among them")
    return [p[:, (p.shape[1] - side) // 2 :, (p.shape[2] - side) // 2 :][:, :side, :side] for p in pictures]
