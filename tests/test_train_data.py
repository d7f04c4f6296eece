"""Pictures in folders and tars: found in a stable order, read by their offsets, broken ones an error of one kind."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training import break_pictures, noise_pictures, pack
from train.data import decode_picture, evenly, index_pictures, read_picture, to_tensor


def test_tar_and_folder_hold_the_same_pictures(tmp_path: Path) -> None:
    folder = noise_pictures(tmp_path / "a")
    loose, packed = index_pictures([str(folder)]), index_pictures([str(pack(folder, tmp_path / "a.tar"))])
    assert [Path(e.name).name for e in packed] == [e.name for e in loose]
    assert len({e.offset for e in packed}) == 6
    for a, b in zip(loose, packed, strict=True):
        assert np.array_equal(read_picture(a), read_picture(b))


def test_sources_may_be_globs_and_odd_names(tmp_path: Path) -> None:
    noise_pictures(tmp_path / "a")
    pack(tmp_path / "a", tmp_path / "s-0.tar")
    pack(noise_pictures(tmp_path / "b", 3), tmp_path / "s-1.tar")
    assert len(index_pictures([str(tmp_path / "s-*.tar")])) == 9
    assert len(index_pictures([str(tmp_path / "a" / "*.png"), str(tmp_path / "s-1.tar")])) == 6
    noise_pictures(tmp_path / "odd [1]")
    assert len(index_pictures([str(tmp_path / "odd [1]")])) == 6
    names = [entry.name for entry in index_pictures([str(tmp_path / "a")])]
    assert names == ["p0.png", "p1.jpg", "p2.png", "p3.jpg", "p4.png", "p5.jpg"]


def test_a_source_without_pictures_is_named(tmp_path: Path) -> None:
    noise_pictures(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "absent", tmp_path / "none-*.tar"):
        with pytest.raises(FileNotFoundError) as error:
            index_pictures([str(tmp_path / "a"), str(source)])
        assert repr(str(source)) in str(error.value)


def test_a_tar_that_is_compressed_or_cut_off_is_named(tmp_path: Path) -> None:
    folder = noise_pictures(tmp_path / "a")
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as tar:
        tar.add(folder, arcname="a")
    whole = pack(folder, tmp_path / "whole.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 3])
    for name in ("packed.tar", "cut.tar"):
        with pytest.raises(OSError, match=f"{name} is no whole uncompressed tar"):
            index_pictures([str(tmp_path / name)])


def test_every_kind_of_damage_is_an_oserror_with_the_name(tmp_path: Path) -> None:
    folder = noise_pictures(tmp_path / "a", 3)
    damaged = break_pictures(folder)
    for entry in index_pictures([str(folder)]):
        if entry.name in damaged:
            with pytest.raises(OSError, match=entry.name):
                read_picture(entry, 24)
        else:
            read_picture(entry, 24)


def test_read_picture_resizes_the_shorter_side(tmp_path: Path) -> None:
    Image.new("L", (90, 31), 200).save(tmp_path / "grey.jpg")
    (entry,) = index_pictures([str(tmp_path)])
    assert read_picture(entry).size == (90, 31)
    for side in (8, 31, 62):
        picture = read_picture(entry, side)
        assert picture.mode == "RGB" and picture.height == side
        assert abs(picture.width - 90 * side / 31) < 2  # a JPEG is decoded small, its sides rounded up
        same = decode_picture((tmp_path / "grey.jpg").read_bytes(), "grey", side)
        assert np.array_equal(picture, same)
    tensor = to_tensor(read_picture(entry))
    assert tensor.shape == (3, 31, 90) and tensor.dtype == torch.float32
    assert abs(tensor.mean().item() - 200 / 255) < 0.01


def test_evenly_takes_a_stride_and_leaves_out_the_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = noise_pictures(tmp_path / "a", 6)
    entries = index_pictures([str(folder)])
    for picture, entry in zip(evenly(entries, 3, 20), entries[::2], strict=True):
        assert torch.equal(picture, to_tensor(read_picture(entry, 20)))
    assert len(evenly(entries, 50, 20)) == 6
    (folder / "p2.png").write_bytes(b"no")
    assert len(evenly(entries, 3, 20)) == 2
    assert "p2.png" in capsys.readouterr().out
