"""Weights files: what is loaded, and what is refused with which words."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from livestyle.errors import WeightsError
from livestyle.model.weights import WeightsEntry, load_into, manifest, read_verified


def network(seed: int = 0, width: int = 3) -> nn.Module:
    """A small network."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, 2, 1))


def entry_of(file: Path, *, sha256: str | None = None) -> WeightsEntry:
    """An entry whose checksum is the file's own unless one is given."""
    digest = sha256 or hashlib.sha256(file.read_bytes()).hexdigest()
    return WeightsEntry(file=file, arch="vgg16", sha256=digest, origin="a test", licence="none", command="pytest")


def saved(folder: Path, module: nn.Module) -> Path:
    """The module's weights in half precision, as shipped ones are."""
    file = folder / "tiny.safetensors"
    save_file({k: v.half() for k, v in module.state_dict().items()}, file)
    return file


def check_message(error: pytest.ExceptionInfo[WeightsError], file: Path) -> str:
    """One line that names the file and says what to do; returned."""
    message = str(error.value)
    assert "\n" not in message
    assert str(file) in message
    assert "reinstall livestyle, or fetch the file again" in message
    return message


def write_manifest(folder: Path, **changes: Any) -> None:
    fields = {
        "file": "tiny.safetensors",
        "arch": "vgg16",
        "sha256": "0" * 64,
        "origin": "a test",
        "licence": "none",
        "command": "pytest",
    } | changes
    (folder / "manifest.json").write_text(json.dumps({"weights": {"decoder": fields}}), encoding="utf-8")


def test_loads_half_weights_as_float32(tmp_path: Path) -> None:
    source, target = network(seed=1), network(seed=2)
    load_into(target, entry_of(saved(tmp_path, source)))
    for (name, got), expected in zip(target.state_dict().items(), source.state_dict().values(), strict=True):
        assert got.dtype == torch.float32
        assert torch.equal(got, expected.half().float()), name


def test_manifest_names_the_files_of_its_folder(tmp_path: Path) -> None:
    write_manifest(tmp_path, sha256="ab" * 32)
    entries = manifest(tmp_path)
    assert list(entries) == ["decoder"]
    assert entries["decoder"] == WeightsEntry(
        file=tmp_path / "tiny.safetensors",
        arch="vgg16",
        sha256="ab" * 32,
        origin="a test",
        licence="none",
        command="pytest",
    )


def test_manifest_leads_to_loaded_weights(tmp_path: Path) -> None:
    file = saved(tmp_path, network(seed=1))
    write_manifest(tmp_path, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    target = network(seed=2)
    load_into(target, manifest(tmp_path)["decoder"])
    assert torch.equal(target.state_dict()["0.bias"], network(seed=1).state_dict()["0.bias"].half().float())


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"weights": []}',
        '{"weights": {"decoder": 3}}',
        '{"weights": {"decoder": {"file": "a"}}}',
        '{"weights": {"decoder": {"file": "a", "surprise": 1}}}',
    ],
)
def test_missing_or_damaged_manifest(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError) as error:
        manifest(tmp_path)
    check_message(error, tmp_path / "manifest.json")


def test_manifest_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(WeightsError) as error:
        manifest(tmp_path)
    check_message(error, tmp_path / "manifest.json")


def test_missing_file(tmp_path: Path) -> None:
    entry = entry_of(tmp_path / "absent.safetensors", sha256="0" * 64)
    with pytest.raises(WeightsError) as error:
        load_into(network(), entry)
    assert "No such file" in check_message(error, entry.file)


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as error:
        read_verified(entry_of(tmp_path, sha256="0" * 64))
    check_message(error, tmp_path)


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    file = saved(tmp_path, network())
    entry = entry_of(file)
    assert read_verified(entry) == file.read_bytes()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    target = network(seed=5)
    before = {k: v.clone() for k, v in target.state_dict().items()}
    with pytest.raises(WeightsError) as error:
        load_into(target, entry)
    message = check_message(error, file)
    assert "damaged" in message and entry.sha256[:12] in message
    assert all(torch.equal(v, before[k]) for k, v in target.state_dict().items())


@pytest.mark.parametrize("kept", [0, 4, 100, -7])
def test_truncated_file_with_a_matching_checksum(tmp_path: Path, kept: int) -> None:
    file = saved(tmp_path, network())
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(WeightsError) as error:
        load_into(network(), entry_of(file))
    check_message(error, file)


def test_wrong_shapes(tmp_path: Path) -> None:
    file = saved(tmp_path, network(width=4))
    with pytest.raises(WeightsError) as error:
        load_into(network(width=3), entry_of(file))
    assert "size mismatch" in check_message(error, file)


def test_missing_and_surplus_names(tmp_path: Path) -> None:
    file = saved(tmp_path, nn.Sequential(nn.Conv2d(3, 3, 3)))
    with pytest.raises(WeightsError) as error:
        load_into(network(), entry_of(file))
    assert "Missing key" in check_message(error, file)
    file = saved(tmp_path, network())
    with pytest.raises(WeightsError) as error:
        load_into(nn.Sequential(nn.Conv2d(3, 3, 3)), entry_of(file))
    assert "Unexpected key" in check_message(error, file)


class _Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    file = tmp_path / "pickled.safetensors"
    trap = pickle.dumps(_Trap(sprung))
    pickle.loads(trap)
    assert sprung.exists()  # the trap works
    sprung.unlink()
    file.write_bytes(trap)
    with pytest.raises(WeightsError) as error:
        load_into(network(), entry_of(file))
    check_message(error, file)
    assert not sprung.exists()


def test_a_torch_checkpoint_is_refused(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    file = tmp_path / "checkpoint.safetensors"
    torch.save({"weight": torch.zeros(2), "trap": _Trap(sprung)}, file)
    with pytest.raises(WeightsError) as error:
        load_into(network(), entry_of(file))
    check_message(error, file)
    assert not sprung.exists()
