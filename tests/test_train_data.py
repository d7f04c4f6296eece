"""The picture stream: sources, broken pictures, and that sample n depends on (seed, n) only."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from train.data import CropRecipe, CropStream, batches, evenly, index_pictures, read_picture, to_tensor

RECIPE = CropRecipe(crop_px=24, scale_min=1.0, scale_max=2.0)


def write_pictures(folder: Path, count: int = 6) -> Path:
    """Noise over a gradient, of different shapes, as PNG and JPEG."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    for i in range(count):
        height, width = 30 + 7 * i, 64 - 5 * i
        ramp = np.linspace(0, 180, width)[None, :, None] + rng.integers(0, 70, (height, width, 3))
        Image.fromarray(ramp.astype(np.uint8)).save(folder / f"p{i}.{'jpg' if i % 2 else 'png'}")
    return folder


def pack(folder: Path, tar_path: Path) -> Path:
    """The folder's files as a tar shard, in name order, among files that are no pictures."""
    with tarfile.open(tar_path, "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, arcname=f"shard/{file.name}")
            label = tarfile.TarInfo(f"shard/{file.stem}.txt")
            label.size = 5
            tar.addfile(label, io.BytesIO(b"label"))
    return tar_path


def stream(sources: list[Path], *, seed: int = 0, length: int = 40, recipe: CropRecipe = RECIPE) -> CropStream:
    return CropStream(index_pictures([str(s) for s in sources]), recipe, seed=seed, length=length)


def test_a_sample_depends_on_seed_and_number_only(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a")
    first, second = stream([folder], length=40), stream([folder], length=1000)
    backwards = [second[n] for n in reversed(range(14))][::-1]
    assert all(torch.equal(first[n], backwards[n]) for n in range(14))
    other_seed = stream([folder], seed=1)
    assert any(not torch.equal(first[n], other_seed[n]) for n in range(14))
    assert len({first[n].numpy().tobytes() for n in range(14)}) == 14


def test_samples_are_uint8_crops(tmp_path: Path) -> None:
    crops = stream([write_pictures(tmp_path / "a")])
    assert len(crops) == 40
    for n in range(12):
        assert crops[n].shape == (3, 24, 24) and crops[n].dtype == torch.uint8


def test_every_epoch_is_another_permutation(tmp_path: Path) -> None:
    crops = stream([write_pictures(tmp_path / "a")])
    epochs = [[crops.picture_index(epoch * 6 + i) for i in range(6)] for epoch in range(4)]
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_crops_are_pieces_of_the_picture_some_mirrored(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    ramp = np.broadcast_to(np.arange(24, 224, 8, dtype=np.uint8)[None, :, None], (25, 25, 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "a" / "ramp.png")
    crops = stream([tmp_path / "a"], recipe=CropRecipe(25, 1.0, 1.0))
    whole = torch.from_numpy(np.ascontiguousarray(ramp)).permute(2, 0, 1)
    mirrored = [torch.equal(crops[n], whole.flip(2)) for n in range(20)]
    assert all(m or torch.equal(crops[n], whole) for n, m in enumerate(mirrored))
    assert 0 < sum(mirrored) < 20


def test_tar_and_folder_deliver_the_same_pictures(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a")
    tar = pack(folder, tmp_path / "a.tar")
    from_folder, from_tar = stream([folder]), stream([tar])
    assert len(from_folder.entries) == len(from_tar.entries) == 6
    for n in range(12):
        assert torch.equal(from_folder[n], from_tar[n])


def test_sources_may_be_globs_and_odd_names(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a")
    pack(tmp_path / "a", tmp_path / "s-0.tar")
    pack(write_pictures(tmp_path / "b", 3), tmp_path / "s-1.tar")
    assert len(index_pictures([str(tmp_path / "s-*.tar")])) == 9
    assert len(index_pictures([str(tmp_path / "a" / "*.png"), str(tmp_path / "s-1.tar")])) == 6
    write_pictures(tmp_path / "odd [1]")
    assert len(index_pictures([str(tmp_path / "odd [1]")])) == 6
    assert [e.name for e in index_pictures([str(tmp_path / "a")])] == [
        "p0.png",
        "p1.jpg",
        "p2.png",
        "p3.jpg",
        "p4.png",
        "p5.jpg",
    ]


def test_a_source_without_pictures_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "absent", tmp_path / "none-*.tar"):
        with pytest.raises(FileNotFoundError) as error:
            index_pictures([str(tmp_path / "a"), str(source)])
        assert repr(str(source)) in str(error.value)


def test_a_compressed_tar_is_refused(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a")
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as tar:
        tar.add(folder, arcname="a")
    with pytest.raises(tarfile.ReadError):
        index_pictures([str(tmp_path / "packed.tar")])


def break_pictures(folder: Path) -> dict[str, bytes]:
    """Damaged files of several kinds, by name."""
    png, jpeg = (folder / "p0.png").read_bytes(), (folder / "p1.jpg").read_bytes()
    middle = len(png) // 2
    damaged = {
        "q0-empty.png": b"",
        "q1-text.jpg": b"this is no picture",
        "q2-cut.png": png[:middle],
        "q3-cut.jpg": jpeg[: len(jpeg) // 2],
        "q4-flipped.png": png[:middle] + bytes(64) + png[middle + 64 :],
        "q5-header-only.jpg": jpeg[:20],
    }
    for name, data in damaged.items():
        (folder / name).write_bytes(data)
    return damaged


def test_broken_pictures_are_skipped_and_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "a", 3)
    damaged = break_pictures(folder)
    crops = stream([folder])
    assert len(crops.entries) == 9
    assert all(crops[n].shape == (3, 24, 24) for n in range(27))
    assert crops.broken == set(damaged)
    said = capsys.readouterr().out
    for name in damaged:
        assert said.count(f"not a readable picture: {name} in {folder}") == 1


def test_a_broken_picture_is_replaced_by_the_next(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a", 3)
    (folder / "p1.jpg").write_bytes(b"")
    crops = stream([folder])
    assert np.array_equal(np.array(crops.readable(1, 30)), np.array(crops.readable(2, 30)))


def test_only_broken_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no")
    with pytest.raises(OSError, match="none of the 1 pictures"):
        stream([tmp_path])[0]


def test_read_picture_resizes_the_shorter_side(tmp_path: Path) -> None:
    Image.new("L", (90, 31), 200).save(tmp_path / "grey.jpg")
    (entry,) = index_pictures([str(tmp_path)])
    assert read_picture(entry).size == (90, 31)
    for side in (8, 31, 62):
        picture = read_picture(entry, side)
        assert picture.mode == "RGB" and picture.height == side
        assert abs(picture.width - 90 * side / 31) < 2  # a JPEG is decoded small, its sides rounded up
    tensor = to_tensor(read_picture(entry))
    assert tensor.shape == (3, 31, 90) and tensor.dtype == torch.float32
    assert abs(tensor.mean().item() - 200 / 255) < 0.01


def test_evenly_takes_a_stride_and_leaves_out_the_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "a", 6)
    entries = index_pictures([str(folder)])
    for picture, entry in zip(evenly(entries, 3, 20), entries[::2], strict=True):
        assert torch.equal(picture, to_tensor(read_picture(entry, 20)))
    assert len(evenly(entries, 50, 20)) == 6
    (folder / "p2.png").write_bytes(b"no")
    assert len(evenly(entries, 3, 20)) == 2
    assert "p2.png" in capsys.readouterr().out


@pytest.mark.parametrize("scales", [(0.5, 2.0), (2.0, 1.0), (float("nan"), 2.0)])
def test_impossible_crops_are_refused(scales: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="1 <= smallest <= largest"):
        CropRecipe(32, *scales)


def test_batches_are_the_samples_in_order_from_any_step(tmp_path: Path) -> None:
    crops = stream([write_pictures(tmp_path / "a")], length=10)
    whole = list(batches(crops, batch=3, start_step=0, workers=0))
    assert len(whole) == 3 and whole[0].shape == (3, 3, 24, 24)
    assert torch.equal(torch.cat(whole), torch.stack([crops[n] for n in range(9)]))
    rest = list(batches(crops, batch=3, start_step=2, workers=0))
    assert len(rest) == 1 and torch.equal(rest[0], whole[2])
    assert list(batches(crops, batch=3, start_step=3, workers=0)) == []


def test_worker_processes_deliver_the_same(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "a")
    program = """
import sys, torch
from train.data import CropRecipe, CropStream, batches, index_pictures
crops = CropStream(index_pictures([sys.argv[1]]), CropRecipe(24, 1.0, 2.0), seed=0, length=12)
plain = torch.cat(list(batches(crops, batch=3, start_step=1, workers=0)))
assert torch.equal(plain, torch.cat(list(batches(crops, batch=3, start_step=1, workers=2))))
print("same", len(plain))
"""
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "same 9", done.stderr
