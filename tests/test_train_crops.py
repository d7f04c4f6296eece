"""The crop stream: sample n depends on (seed, n) only, whoever reads it, and broken pictures cost nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training import break_pictures, crop_stream, noise_pictures, pack
from train.crops import Crop, CropRecipe, CropSampler, Share, random_crop

RECIPE = CropRecipe(crop_px=24, scale_min=1.0, scale_max=2.0)
ALONE = Share()


def test_a_sample_depends_on_seed_and_number_only(tmp_path: Path) -> None:
    folder = noise_pictures(tmp_path / "a")
    first, second = (crop_stream(folder, recipe=RECIPE) for _ in range(2))
    backwards = [second[n] for n in reversed(range(14))][::-1]
    assert all(torch.equal(first[n], backwards[n]) for n in range(14))
    other_seed = crop_stream(folder, recipe=RECIPE, seed=1)
    assert sum(torch.equal(first[n], other_seed[n]) for n in range(14)) == 0
    assert len({first[n].numpy().tobytes() for n in range(14)}) == 14
    assert all(first[n].shape == (3, 24, 24) and first[n].dtype == torch.uint8 for n in range(14))


def test_every_epoch_is_another_permutation() -> None:
    sampler = CropSampler(6, RECIPE, seed=0)
    epochs = [[sampler.picture(epoch * 6 + i) for i in range(6)] for epoch in range(4)]
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    other_seed = CropSampler(6, RECIPE, seed=1)
    assert [other_seed.picture(n) for n in range(24)] != sum(epochs, [])


def test_scales_are_log_uniform_places_uniform_and_half_are_mirrored() -> None:
    rng = np.random.default_rng(0)
    crops = [random_crop(CropRecipe(100, 1.0, 4.0), rng) for _ in range(2000)]
    assert min(c.side for c in crops) >= 100 and max(c.side for c in crops) <= 400
    assert abs(sum(c.side < 200 for c in crops) / 2000 - 0.5) < 0.05  # half of the octaves
    assert abs(np.mean([c.mirrored for c in crops]) - 0.5) < 0.05
    for places in ([c.x for c in crops], [c.y for c in crops]):
        assert np.histogram(places, 10, (0, 1))[0].min() > 140


@pytest.mark.parametrize(("crop_px", "scale"), [(24, 1.0), (30, 3.95), (25, 2.78), (256, 2.0)])
def test_a_fixed_scale_is_one_size(crop_px: int, scale: float) -> None:
    """exp(log(3.95)) is a little less than 3.95, and 30 times it rounds to another size."""
    recipe = CropRecipe(crop_px, scale, scale)
    rng = np.random.default_rng(0)
    assert {random_crop(recipe, rng).side for _ in range(20)} == {recipe.largest_side}


def test_corners_reach_every_place_and_none_outside() -> None:
    for width, height in ((24, 24), (25, 40), (90, 24)):
        last = math.nextafter(1, 0)
        assert Crop(24, 0, 0, False).corner(width, height, 24) == (0, 0)
        assert Crop(24, last, last, False).corner(width, height, 24) == (width - 24, height - 24)


def test_crops_are_pieces_of_the_picture_some_mirrored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (25, 40, 3), dtype=np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(pixels).save(tmp_path / "a" / "noise.png")
    crops = crop_stream(tmp_path / "a", recipe=CropRecipe(25, 1.0, 1.0))
    whole = torch.from_numpy(pixels).permute(2, 0, 1)
    pieces = {whole[:, :, x : x + 25].numpy().tobytes(): x for x in range(16)}
    mirrored = {whole[:, :, x : x + 25].flip(2).numpy().tobytes(): x for x in range(16)}
    found = [crops[n].numpy().tobytes() for n in range(60)]
    assert all((piece in pieces) != (piece in mirrored) for piece in found)
    assert 15 < sum(piece in mirrored for piece in found) < 45
    assert len({(pieces | mirrored)[piece] for piece in found}) > 10


def test_tar_and_folder_deliver_the_same_crops(tmp_path: Path) -> None:
    folder = noise_pictures(tmp_path / "a")
    from_folder = crop_stream(folder, recipe=RECIPE)
    from_tar = crop_stream(pack(folder, tmp_path / "a.tar"), recipe=RECIPE)
    for n in range(12):
        assert torch.equal(from_folder[n], from_tar[n])


def test_broken_pictures_are_skipped_and_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = noise_pictures(tmp_path / "a", 3)
    damaged = break_pictures(folder)
    crops = crop_stream(folder, recipe=RECIPE)
    assert crops.broken == 0
    assert all(crops[n].shape == (3, 24, 24) for n in range(27))
    assert crops.broken == len(damaged) == 6
    said = capsys.readouterr().out
    assert all(said.count(f"not a readable picture: {name} in {folder}") == 1 for name in damaged)
    assert said.count("\n") == 6


def test_a_broken_picture_is_replaced_by_the_next(tmp_path: Path) -> None:
    folder = noise_pictures(tmp_path / "a", 3)
    (folder / "p1.jpg").write_bytes(b"")
    pictures = crop_stream(folder, recipe=RECIPE).pictures
    assert np.array_equal(pictures.read(1, 30), pictures.read(2, 30))
    assert not np.array_equal(pictures.read(0, 30), pictures.read(2, 30))


def test_only_broken_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no")
    with pytest.raises(OSError, match="none of the 1 pictures"):
        crop_stream(tmp_path, recipe=RECIPE)[0]


@pytest.mark.parametrize("scales", [(0.5, 2.0), (2.0, 1.0), (float("nan"), 2.0)])
def test_impossible_crops_are_refused(scales: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="1 <= smallest <= largest"):
        CropRecipe(32, *scales)


def test_shares_of_a_step_are_the_step(tmp_path: Path) -> None:
    assert ALONE.numbers(step=5, batch=6) == range(30, 36)
    shares = [Share(rank, 3).numbers(5, 6) for rank in range(3)]
    assert [n for share in shares for n in share] == list(range(30, 36))
    assert {len(share) for share in shares} == {2}


def test_batches_are_the_samples_in_order_from_any_step(tmp_path: Path) -> None:
    crops = crop_stream(noise_pictures(tmp_path / "a"), recipe=RECIPE)
    whole = list(crops.batches(range(3), batch=4, share=ALONE))
    assert len(whole) == 3 and whole[0].shape == (4, 3, 24, 24) and whole[0].dtype == torch.uint8
    assert torch.equal(torch.cat(whole), torch.stack([crops[n] for n in range(12)]))
    (rest,) = crops.batches(range(2, 3), batch=4, share=ALONE)
    assert torch.equal(rest, whole[2])
    halves = [list(crops.batches(range(3), batch=4, share=Share(rank, 2))) for rank in range(2)]
    assert all(torch.equal(torch.cat(pair), w) for pair, w in zip(zip(*halves, strict=True), whole, strict=True))
    assert list(crops.batches(range(3, 3), batch=4, share=ALONE)) == []


def test_reader_processes_deliver_the_same_and_broken_pictures_are_counted_here(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = noise_pictures(tmp_path / "a", 3)
    damaged = break_pictures(folder)
    plain = crop_stream(folder, recipe=RECIPE)
    expected = list(plain.batches(range(1, 6), batch=9, share=ALONE))
    capfd.readouterr()
    for workers in (1, 2):
        crops = crop_stream(folder, recipe=RECIPE, workers=workers)
        read = list(crops.batches(range(1, 6), batch=9, share=ALONE))
        assert all(torch.equal(a, b) for a, b in zip(read, expected, strict=True))
        assert crops.broken == 6
        said = capfd.readouterr().out
        if workers == 1:  # two may meet the same picture at the same moment, and both name it
            assert all(said.count(f"{name} in {folder}") == 1 for name in damaged)
