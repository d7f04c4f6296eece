"""Streamed shards: compressed, through a pipe, damaged; the same seed and start give the same crops."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.training import break_pictures, noise_pictures, pack
from train.crops import CropRecipe, Share
from train.shards import FRUITLESS, StreamedCrops, is_streamed

# webdataset closes none of the files that it opens
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

RECIPE = CropRecipe(crop_px=24, scale_min=1.0, scale_max=2.0)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return pack(noise_pictures(tmp_path / "a", 7), tmp_path / "a.tar.gz")


def take(
    urls: list[str], steps: range, *, seed: int = 0, batch: int = 4, share: Share | None = None, workers: int = 0
) -> list[Tensor]:
    crops = StreamedCrops(urls, RECIPE, seed=seed, workers=workers)
    return list(crops.batches(steps, batch=batch, share=share or Share()))


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("source", ["s/x.tar.gz", "x.tgz", "pipe:cat x.tar", "https://h/x.tar", "s3://b/{0..9}.tar"])
def test_sources_that_are_streamed(source: str) -> None:
    assert is_streamed(source)


@pytest.mark.parametrize("source", ["folder", "x.tar", "shards-*.tar", "picture.jpg"])
def test_sources_that_are_read_by_number(source: str) -> None:
    assert not is_streamed(source)


def test_a_compressed_shard_and_a_pipe_give_the_same_crops(shard: Path) -> None:
    plain = pack(shard.parent / "a", shard.parent / "plain.tar")
    from_gz = take([str(shard)], range(5))
    assert len(from_gz) == 5
    assert all(batch.shape == (4, 3, 24, 24) and batch.dtype == torch.uint8 for batch in from_gz)
    assert same(from_gz, take([f"pipe:cat {plain}"], range(5)))
    assert len({crop.numpy().tobytes() for batch in from_gz for crop in batch}) == 20


@pytest.mark.parametrize("source", ["pipe:cat DIR/s-{0..2}.tar.gz", "DIR/s-{0..2}.tar.gz", "DIR/s-*.tar.gz"])
def test_braces_and_globs_name_many_shards_and_all_are_drawn(tmp_path: Path, source: str) -> None:
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    for i, color in enumerate(colors):
        (tmp_path / f"{i}").mkdir()
        Image.new("RGB", (30, 40), color).save(tmp_path / f"{i}" / "one.png")
        pack(tmp_path / f"{i}", tmp_path / f"s-{i}.tar.gz")
    batches = take([source.replace("DIR", str(tmp_path))], range(8))
    seen = {tuple(crop[:, 0, 0].tolist()) for batch in batches for crop in batch}
    assert seen == set(colors)


def test_the_same_seed_and_start_give_the_same_crops(shard: Path) -> None:
    url = [str(shard)]
    first = take(url, range(3))
    assert same(first, take(url, range(3)))
    assert same(take(url, range(7, 10)), take(url, range(7, 10)))
    for other in (take(url, range(3), seed=1), take(url, range(7, 10))):
        assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_processes_and_readers_see_different_crops(shard: Path) -> None:
    shares = [take([str(shard)], range(3), batch=8, share=Share(rank, 2)) for rank in range(2)]
    readers = [take([str(shard)], range(2), workers=2) for _ in range(2)]
    assert same(*readers)
    crops = [crop.numpy().tobytes() for batch in itertools.chain(*shares, readers[0][1:]) for crop in batch]
    assert len(crops) == len(set(crops)) == 28


@pytest.mark.parametrize("workers", [0, 1])
def test_broken_pictures_are_named_and_counted_and_the_rest_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], workers: int
) -> None:
    folder = noise_pictures(tmp_path / "a", 3)
    damaged = break_pictures(folder)
    shard = pack(folder, tmp_path / "a.tar.gz")
    crops = StreamedCrops([str(shard)], RECIPE, seed=0, workers=workers)
    batches = list(crops.batches(range(20), batch=4, share=Share()))
    assert all(batch.shape == (4, 3, 24, 24) for batch in batches)
    said = capfd.readouterr().out
    assert all(f"{name.rsplit('.')[0]} in {shard}" in said for name in damaged)
    assert crops.broken >= said.count("skipped, not a readable picture") > 100  # a reader is a little ahead


def test_a_damaged_and_a_missing_shard_are_named_and_the_rest_goes_on(
    shard: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = shard.read_bytes()
    cut, absent = shard.with_name("cut.tar.gz"), shard.with_name("absent.tar.gz")
    cut.write_bytes(data[: len(data) // 2])
    crops = StreamedCrops([str(shard), str(cut), str(absent)], RECIPE, seed=0)
    batches = list(crops.batches(range(20), batch=4, share=Share()))
    assert len(batches) == 20
    said = capfd.readouterr().out
    assert str(cut) in said and str(absent) in said and str(shard) not in said
    assert crops.broken == said.count("skipped, not a readable picture or shard: shard") > 2


def test_pictures_before_the_cut_are_seen(shard: Path) -> None:
    plain = pack(shard.parent / "a", shard.parent / "plain.tar").read_bytes()
    cut = shard.with_name("cut.tar")
    cut.write_bytes(plain[: len(plain) // 2])
    assert len(take([f"pipe:cat {cut}"], range(3))) == 3


def test_shards_without_a_single_picture_end_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.md").write_text("no picture", encoding="utf-8")
    empty = pack(tmp_path / "a", tmp_path / "a.tar.gz")
    for url in (str(empty), str(tmp_path / "absent.tar.gz")):
        with pytest.raises(OSError, match=f"{FRUITLESS} shards in a row hold no picture that can be had, .*{url}"):
            take([url], range(1))
    (tmp_path / "a" / "x.png").write_bytes(b"no")
    with pytest.raises(OSError, match=f"none of {FRUITLESS} pictures in a row can be read, shard/x"):
        take([str(pack(tmp_path / "a", tmp_path / "b.tar.gz"))], range(1))
