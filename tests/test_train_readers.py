"""Processes that read ahead hold nothing of the one that started them."""

from __future__ import annotations

import gc
from pathlib import Path

import av
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from livestyle.assets import asset_dir
from train.readers import reading


class Collecting(Dataset[Tensor]):
    """Collects garbage at every sample."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, n: int) -> Tensor:
        gc.collect()
        return torch.full((2,), n)


def forgotten_decoder(clip: Path) -> None:
    """A decoder with threads that only the garbage collector finds: ending it waits for them."""
    container = av.open(str(clip))
    container.streams.video[0].thread_type = "AUTO"
    held: list[object] = [container, next(container.decode(video=0))]
    held.append(held)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_decoder_left_to_the_collector_holds_no_reader_up(workers: int) -> None:
    gc.disable()
    try:
        forgotten_decoder(asset_dir("media") / "demo.mp4")
        read = list(reading(Collecting(), workers=workers, batch_size=None))
    finally:
        gc.enable()
    assert torch.equal(torch.stack(read), torch.arange(3)[:, None].expand(3, 2))


def test_reading_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    assert len(list(reading(Collecting(), workers=0, batch_size=None))) == 3
    assert torch.equal(torch.get_rng_state(), before)
