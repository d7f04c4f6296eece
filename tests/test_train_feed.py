"""What a step is fed: the right kind of crops for the sources, whole works' own statistics, sample pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from livestyle.model.losses import tap_stats
from livestyle.model.vgg import VGGEncoder
from tests.training import CPU, crop_stream, indexed, noise_pictures, pack, random_encoder, smooth_pictures
from train.cache import CachedCrops
from train.crops import CropRecipe, Crops, CropStream, Share
from train.feed import Cache, WholeWorkStats, as_pictures, open_crops, sample_pictures
from train.shards import StreamedCrops

RECIPE = CropRecipe(crop_px=24, scale_min=1.0, scale_max=2.0)


def opened(*sources: Path | str, cache: Cache = "none") -> Crops:
    return open_crops(tuple(map(str, sources)), RECIPE, seed=0, workers=0, cache=cache, device=CPU)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return noise_pictures(tmp_path / "a")


@pytest.fixture(scope="module")
def encoder() -> VGGEncoder:
    return random_encoder()


def test_sources_are_opened_by_their_kind(folder: Path) -> None:
    tar, packed = pack(folder, folder.with_name("a.tar")), pack(folder, folder.with_name("a.tar.gz"))
    assert isinstance(opened(folder, tar), CropStream)
    assert isinstance(opened(packed, "https://host/{000..099}.tar"), StreamedCrops)
    for cache in ("ram", "device"):
        kept = opened(folder, tar, cache=cache)
        assert isinstance(kept, CachedCrops) and len(kept) == 12


def test_streamed_sources_are_refused_among_others_and_in_memory(folder: Path) -> None:
    packed = str(pack(folder, folder.with_name("a.tar.gz")))
    with pytest.raises(ValueError, match="a.tar.gz' is streamed, other sources are read by number: give only one kind"):
        opened(folder, packed)
    for cache in ("ram", "device"):
        with pytest.raises(ValueError, match=f"a.tar.gz' is streamed: --cache {cache} needs folders or uncompressed"):
            opened(packed, cache=cache)


def test_pictures_are_float_in_0_to_1() -> None:
    crops = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    pictures = as_pictures(crops, CPU)
    assert pictures.dtype == torch.float32 and pictures.shape == (2, 3, 4, 4)
    torch.testing.assert_close(pictures[0, :, 0, 0], torch.tensor([0, 0.2, 1]))
    assert pictures.is_contiguous(memory_format=torch.channels_last)


def test_whole_work_statistics_are_the_works_own(tmp_path: Path, encoder: VGGEncoder) -> None:
    works = crop_stream(smooth_pictures(tmp_path / "style", 3, 1), recipe=RECIPE)
    stats = WholeWorkStats(encoder, works, 40, CPU)
    targets = stats.targets(range(4))
    assert targets.color[0].shape == targets.color[1].shape == (4, 5, 1, 1)
    for n in range(4):
        expected = tap_stats(encoder(works.whole(works.sampler.picture(n), 40)[None]))
        for (mean, std), (expected_mean, expected_std) in zip(targets.taps, expected, strict=True):
            torch.testing.assert_close(mean[n], expected_mean[0])
            torch.testing.assert_close(std[n], expected_std[0])
    assert len(stats.known) == 3
    steps = list(stats.batches(range(1, 3), batch=4, share=Share(1, 2)))
    assert len(steps) == 2
    assert torch.equal(steps[1].color[0], stats.targets(range(10, 12)).color[0])


def test_whole_works_come_from_memory_too(tmp_path: Path, encoder: VGGEncoder) -> None:
    folder = smooth_pictures(tmp_path / "style", 3, 1, grain=1)
    pair = [opened(folder, cache=cache) for cache in ("none", "ram")]
    from_disk, from_memory = (
        WholeWorkStats(encoder, works, 40, CPU).targets(range(3))
        for works in pair
        if isinstance(works, CropStream | CachedCrops)
    )
    for a, b in zip(from_disk.color, from_memory.color, strict=True):
        torch.testing.assert_close(a, b, atol=0.01, rtol=0)


def test_sample_pictures_are_the_same_each_time(tmp_path: Path) -> None:
    folder = smooth_pictures(tmp_path / "a", 5, 0)
    for cache in ("none", "ram"):
        crops = opened(folder, cache=cache)
        for side in (20, 64):  # smaller and larger than the pictures
            first, again = sample_pictures(crops, (), 2, side), sample_pictures(crops, (), 2, side)
            assert [p.shape for p in first] == [(3, side, side)] * 2
            assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
            assert not torch.equal(*first)


def test_sample_pictures_are_the_held_out_ones_if_there_are_any(tmp_path: Path) -> None:
    held_out = smooth_pictures(tmp_path / "held-out", 2, 7)
    crops = opened(smooth_pictures(tmp_path / "a", 5, 0))
    pictures = sample_pictures(crops, (str(held_out),), 4, 40)
    assert len(pictures) == 2
    assert torch.equal(pictures[0], crop_stream(held_out, recipe=RECIPE).whole(0, 40)[:, :, 8:48])


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset closes none of its files
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_samples_of_streamed_pictures_are_the_first_crops(folder: Path) -> None:
    crops = opened(pack(folder, folder.with_name("a.tar.gz")))
    for side in (16, 40):
        first, again = sample_pictures(crops, (), 3, side), sample_pictures(crops, (), 3, side)
        assert [p.shape for p in first] == [(3, side, side)] * 3
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert all(p.min() >= 0 and p.max() <= 1 for p in first)
    held_out = sample_pictures(crops, (str(folder),), 3, 16)
    assert torch.equal(held_out[0], sample_pictures(opened(folder), (), 3, 16)[0])


def test_samples_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no")
    with pytest.raises(OSError, match="none of the pictures chosen for the samples can be read, .*x.png"):
        sample_pictures(CropStream(indexed(tmp_path), RECIPE, seed=0), (), 4, 16)
