"""Crops of pictures that stream by: remote or compressed tar shards, read with webdataset.

What can be had by its number is not streamed (`train.data`): only there is the order exact. Here
shards are drawn with replacement and their pictures shuffled in a buffer, so that any number of
readers and processes may share any number of shards.
"""

from __future__ import annotations

import glob
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from train.crops import CropRecipe, Share, cut, random_crop
from train.data import SUFFIXES, decode_picture
from train.readers import reading

SHUFFLED_PICTURES = 1000
FRUITLESS = 100
"""So many shards or pictures in a row that give nothing end a run: nothing ever will."""


def is_streamed(source: str) -> bool:
    """Whether a source can only be read from its beginning: a URL, a `pipe:` command, a compressed tar."""
    return "://" in source or source.startswith("pipe:") or source.endswith((".tar.gz", ".tgz"))


class StreamedCrops:
    """An endless stream of crops from tar shards.

    The order depends on the seed, the step it starts at, the number of readers and the process:
    a resumed run sees other crops than an uninterrupted one.
    """

    def __init__(self, urls: list[str], recipe: CropRecipe, *, seed: int, workers: int = 0) -> None:
        """urls: as webdataset takes them: URLs, `pipe:` commands, paths and globs; braces like {000..099} expand."""
        self.urls, self.recipe, self.seed, self.workers = urls, recipe, seed, workers
        self._broken = torch.zeros(1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    @property
    def broken(self) -> int:
        """How many pictures and shards were left out, each time they were met."""
        return int(self._broken)

    def batches(self, steps: range, *, batch: int, share: Share) -> Iterator[Tensor]:
        """See `train.crops.Crops.batches`. Raises OSError when shards or pictures in a row give nothing."""
        loader = reading(
            _Reader(self, (self.seed, steps.start, share.rank)),
            workers=self.workers,
            batch_size=batch // share.of,
            pin_memory=torch.cuda.is_available(),
        )
        yield from islice(loader, len(steps))

    def leave_out(self, name: object, error: Exception) -> bool:
        """Name and count what cannot be read, and go on."""
        self._broken += 1
        print(f"skipped, not a readable picture or shard: {name} ({' '.join(str(error).split())[:200]})", flush=True)
        return True


class _Reader(IterableDataset[Tensor]):
    def __init__(self, source: StreamedCrops, key: tuple[int, ...]) -> None:
        self.source, self.key = source, key
        self.fruitless = 0
        """Shards since the last that gave a picture."""

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        rng = np.random.default_rng((*self.key, worker.id if worker else 0))
        source, unreadable = self.source, 0
        for sample in self._samples(rng):
            crop = random_crop(source.recipe, rng)
            try:
                image = decode_picture(_picture_bytes(sample), sample["__key__"], crop.side)
            except OSError as error:
                source.leave_out(f"{sample['__key__']} in {sample['__url__']}", error)
                unreadable += 1
                if unreadable == FRUITLESS:
                    raise OSError(f"none of {FRUITLESS} pictures in a row can be read, {error} among them") from None
                continue
            unreadable = 0
            yield cut(image, crop, source.recipe.crop_px)

    def _samples(self, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        import webdataset as wds

        urls = [shard for url in self.source.urls for shard in _shards(url)]
        seeds = [int(seed) for seed in rng.integers(1 << 31, size=2)]
        shards = wds.ResampledShards(urls, seed=seeds[0], worker_seed=lambda: 0, deterministic=True)
        samples = wds.tariterators.tarfile_samples(
            self._counted(shards), handler=lambda error: self.source.leave_out("shard", error), select_files=_is_picture
        )
        yield from wds.shuffle(SHUFFLED_PICTURES, seed=seeds[1])(self._fruits(samples))

    def _counted(self, shards: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for shard in shards:
            if self.fruitless == FRUITLESS:
                raise OSError(f"{FRUITLESS} shards in a row hold no picture that can be had, {shard['url']} among them")
            self.fruitless += 1
            yield shard

    def _fruits(self, samples: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for sample in samples:
            self.fruitless = 0
            yield sample


def _shards(url: str) -> list[str]:
    """What a source stands for: braces expand everywhere, globs where they are of local files."""
    import webdataset as wds

    urls: list[str] = wds.shardlists.expand_urls(url)
    remote = "://" in url or url.startswith("pipe:")
    return urls if remote else [path for url in urls for path in sorted(glob.glob(url)) or [url]]


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _picture_bytes(sample: dict[str, Any]) -> bytes:
    data = next(value for key, value in sample.items() if not key.startswith("__"))
    return data.read() if isinstance(data, io.IOBase) else bytes(data)
