"""Pictures held in memory give the crops that the stream from disk gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training import CPU, break_pictures, crop_stream, indexed, noise_pictures
from train import cache
from train.cache import CachedCrops
from train.crops import CropRecipe, Share


def cached(*sources: Path, recipe: CropRecipe, seed: int = 0, workers: int = 0) -> CachedCrops:
    return CachedCrops(indexed(*sources), recipe, seed=seed, device=CPU, workers=workers)


def blobs(folder: Path) -> Path:
    """Six pictures of soft coloured blobs, upright and lying, about 20 pixels a blob."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i, size in enumerate([(120, 90), (90, 150), (101, 101), (160, 97), (93, 137), (118, 99)]):
        noise = Image.fromarray(rng.integers(0, 256, (size[1] // 20, size[0] // 20, 3), dtype=np.uint8))
        noise.resize(size, Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Mean absolute difference."""
    return (a.float() - b.float()).abs().mean().item()


@pytest.mark.parametrize(("crop_px", "scale"), [(24, 1.0), (16, 1.6), (30, 3.95)])
def test_at_a_fixed_scale_crops_are_bit_identical_to_the_streams(tmp_path: Path, crop_px: int, scale: float) -> None:
    folder, recipe = noise_pictures(tmp_path / "a", 7), CropRecipe(crop_px, scale, scale)
    kept, stream = cached(folder, recipe=recipe), crop_stream(folder, recipe=recipe)
    crops = kept.crops(range(70))
    assert crops.dtype == torch.uint8 and crops.shape == (70, 3, crop_px, crop_px)
    for n in range(70):
        assert torch.equal(crops[n], stream[n]), n


def test_at_varying_scales_crops_are_close_to_the_streams(tmp_path: Path) -> None:
    """0.96 grey levels on average, where unrelated crops differ by 72: the filters differ, some sides by a pixel."""
    folder, recipe = blobs(tmp_path / "a"), CropRecipe(32, 1.0, 2.5)
    kept, stream = cached(folder, recipe=recipe), crop_stream(folder, recipe=recipe)
    crops = kept.crops(range(60))
    apart = [distance(crops[n], stream[n]) for n in range(60)]
    assert np.mean(apart) < 1.2 and max(apart) < 6
    assert min(distance(crops[n], stream[n + 1]) for n in range(60)) > 40


def test_crops_never_reach_outside_their_picture(tmp_path: Path) -> None:
    """Each picture is of one colour, so a pixel of a neighbour in memory, or of nothing, would show."""
    (tmp_path / "a").mkdir()
    colors = [(255, 0, 9), (0, 255, 90), (0, 9, 255), (250, 250, 0)]
    for i, (color, size) in enumerate(zip(colors, [(41, 90), (97, 43), (33, 33), (64, 51)], strict=True)):
        Image.new("RGB", size, color).save(tmp_path / "a" / f"{i}.png")
    for scales in ((1.0, 1.0), (1.0, 4.0)):
        kept = cached(tmp_path / "a", recipe=CropRecipe(24, *scales), seed=3)
        for n, crop in enumerate(kept.crops(range(200))):
            color = torch.tensor(colors[kept.sampler.picture(n)], dtype=torch.uint8)
            assert torch.equal(crop, color[:, None, None].expand_as(crop)), n


def test_batches_are_the_samples_of_each_step_and_share(tmp_path: Path) -> None:
    kept = cached(noise_pictures(tmp_path / "a"), recipe=CropRecipe(24, 1.0, 2.0))
    expected = kept.crops(range(8, 16))
    assert torch.equal(torch.cat(list(kept.batches(range(2, 4), batch=4, share=Share()))), expected)
    (second_half,) = kept.batches(range(2, 3), batch=4, share=Share(1, 2))
    assert torch.equal(second_half, expected[2:4])


def test_whole_pictures_are_close_to_the_streams(tmp_path: Path) -> None:
    """Resized twice instead of once: 0.4 grey levels on average, and a side may be a pixel longer."""
    folder, recipe = blobs(tmp_path / "a"), CropRecipe(32, 1.0, 2.5)
    kept, stream = cached(folder, recipe=recipe), crop_stream(folder, recipe=recipe)
    compared = 0
    for side in (20, 61, 80, 88):
        for i in range(6):
            ours, theirs = kept.whole(i, side), stream.whole(i, side)
            assert min(ours.shape[1:]) == side and ours.min() >= 0 and ours.max() <= 1
            assert max(abs(a - b) for a, b in zip(ours.shape, theirs.shape, strict=True)) <= 1
            if ours.shape == theirs.shape:
                assert 255 * distance(ours, theirs) < 0.5
                compared += 1
    assert compared > 16


@pytest.mark.parametrize("workers", [0, 1])
def test_broken_pictures_are_counted_and_named_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], workers: int
) -> None:
    folder, recipe = noise_pictures(tmp_path / "a", 3), CropRecipe(24, 1.5, 1.5)
    damaged = break_pictures(folder)
    kept = cached(folder, recipe=recipe, workers=workers)
    assert len(kept) == 9 and kept.broken == 6
    said = capfd.readouterr().out
    assert all(said.count(f"not a readable picture: {name} in {folder}") == 1 for name in damaged)
    stream = crop_stream(folder, recipe=recipe)
    assert all(torch.equal(crop, stream[n]) for n, crop in enumerate(kept.crops(range(18))))


def test_pictures_that_do_not_fit_are_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, recipe = noise_pictures(tmp_path / "a"), CropRecipe(24, 1.0, 1.0)
    needed = cached(folder, recipe=recipe).nbytes
    assert needed == sum(3 * 24 * max(image.size) for image in (indexed(folder).read(i, 24) for i in range(6)))
    monkeypatch.setattr(cache, "free_bytes", lambda device: int(needed / cache.SHARE_OF_FREE_MEMORY) + 2)
    assert len(cached(folder, recipe=recipe)) == 6
    monkeypatch.setattr(cache, "free_bytes", lambda device: needed)
    with pytest.raises(MemoryError, match="6 pictures need about .* GB, cpu has room for .*--cache") as error:
        cached(folder, recipe=recipe)
    assert "\n" not in str(error.value)


def test_free_memory_is_the_machines() -> None:
    assert 10**6 < cache.free_bytes(CPU) < 10**14
