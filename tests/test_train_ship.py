"""Weights folders that a training leaves: whole, described, and as livestyle loads them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder
from livestyle.model.weights import load_into, manifest, network_entries
from tests.training import random_encoder
from train.runtime import run
from train.ship import Flags, Network, encoder_network, ship, trained_network, write_weights


def small(file: str, data: bytes = b"data", **changes: Any) -> Network:
    entry = {"file": file, "arch": "vgg16", "origin": "o", "licence": "MIT", "command": "made by hand"}
    return Network(data, entry | changes)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run's folder."""
    networks = {"encoder": small("vgg.safetensors", b"the encoder"), "decoder": small("decoder.safetensors")}
    write_weights(tmp_path / "run" / "weights", networks)
    return tmp_path / "run"


def test_a_trained_decoder_and_its_encoder_load_in_livestyle(tmp_path: Path) -> None:
    encoder = random_encoder("vgg19")
    decoder = Decoder("vgg19")
    save_file(encoder.state_dict(), tmp_path / "mine.safetensors")
    networks = {
        "encoder": encoder_network(tmp_path / "mine.safetensors", "vgg19"),
        "decoder": trained_network("decoder", decoder.state_dict(), "vgg19", "python -m train.decoder ..."),
    }
    write_weights(tmp_path / "weights", networks)
    assert files(tmp_path / "weights") == {"mine.safetensors", "decoder.safetensors", "manifest.json"}
    assert {v.dtype for v in load_file(tmp_path / "weights" / "decoder.safetensors").values()} == {torch.float16}
    entries = dict(zip(("encoder", "decoder"), network_entries(tmp_path / "weights"), strict=True))
    assert entries == manifest(tmp_path / "weights")
    assert entries["decoder"].command == "python -m train.decoder ..."
    for name, network in (("encoder", encoder), ("decoder", decoder)):
        assert entries[name].arch == "vgg19"
        assert entries[name].sha256 == hashlib.sha256(entries[name].file.read_bytes()).hexdigest()
        loaded = VGGEncoder("vgg19") if name == "encoder" else Decoder("vgg19")
        load_into(loaded, entries[name])
        for key, tensor in loaded.state_dict().items():
            expected = network.state_dict()[key]
            assert torch.equal(tensor, expected if name == "encoder" else expected.half().float())


def test_the_encoder_is_described_as_in_the_manifest_beside_it(tmp_path: Path) -> None:
    write_weights(tmp_path / "w", {"encoder": small("vgg.safetensors", b"one", origin="Oxford", licence="CC BY")})
    described = encoder_network(tmp_path / "w" / "vgg.safetensors", "vgg16")
    assert described.data == b"one"
    assert (described.entry["origin"], described.entry["licence"]) == ("Oxford", "CC BY")
    (tmp_path / "w" / "vgg.safetensors").write_bytes(b"another under its name")
    blank = encoder_network(tmp_path / "w" / "vgg.safetensors", "vgg16").entry
    assert (blank["origin"], blank["licence"]) == ("vgg.safetensors", "as its source")


def test_a_weights_folder_is_replaced_as_a_whole(finished: Path) -> None:
    folder = finished / "weights"
    for leftover in ("weights.part", "weights.old"):  # of a run that was killed
        (finished / leftover).mkdir()
        (finished / leftover / "junk").write_text("junk", encoding="utf-8")
    write_weights(folder, {"decoder": small("other.safetensors", b"new")})
    assert files(finished) == {"weights"}
    assert files(folder) == {"other.safetensors", "manifest.json"}
    assert manifest(folder)["decoder"].sha256 == hashlib.sha256(b"new").hexdigest()


def test_a_crash_while_writing_leaves_the_folder_before(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: Path, _data: bytes) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", crash)
        with pytest.raises(OSError, match="No space"):
            write_weights(finished / "weights", {"decoder": small("decoder.safetensors", b"new")})
    assert (finished / "weights" / "decoder.safetensors").read_bytes() == b"data"
    assert set(manifest(finished / "weights")) == {"encoder", "decoder"}


@pytest.mark.parametrize(("given", "noted"), [("", "made by hand"), ("python -m train.decoder --lr 1", None)])
def test_shipping_copies_the_networks_and_notes_the_command(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, noted: str | None
) -> None:
    weights = tmp_path / "shipped"
    weights.mkdir()
    (weights / "README.md").write_text("kept", encoding="utf-8")
    (weights / "decoder.safetensors").write_bytes(b"the one before")
    ship(Flags(run=finished, command=given, weights=weights))
    assert files(weights) == {"README.md", "vgg.safetensors", "decoder.safetensors", "manifest.json"}
    encoder, decoder = network_entries(weights)
    assert (encoder.file.read_bytes(), decoder.file.read_bytes()) == (b"the encoder", b"data")
    assert decoder.sha256 == hashlib.sha256(b"data").hexdigest()
    assert (encoder.command, decoder.command) == ("made by hand", noted or given)
    assert str(weights / "manifest.json") in capsys.readouterr().out
    assert manifest(finished / "weights")["decoder"].command == "made by hand"


def test_a_networks_neighbours_stay_with_their_encoder(finished: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    write_weights(shipped, {"encoder": small("vgg.safetensors", b"the encoder"), "fast": small("f.safetensors", b"F")})
    ship(Flags(run=finished, weights=shipped))
    entries = manifest(shipped)
    assert set(entries) == {"encoder", "decoder", "fast"}
    assert all(e.sha256 == hashlib.sha256(e.file.read_bytes()).hexdigest() for e in entries.values())
    write_weights(shipped, {"encoder": small("vgg.safetensors", b"another"), "fast": small("f.safetensors", b"F")})
    with pytest.raises(ValueError, match="another encoder than fast in"):
        ship(Flags(run=finished, weights=shipped))
    assert (shipped / "vgg.safetensors").read_bytes() == b"another" and "decoder" not in manifest(shipped)


def test_a_folder_without_a_trained_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run" / "weights").mkdir(parents=True)
    (tmp_path / "run" / "weights" / "manifest.json").write_text(json.dumps({"weights": {}}), encoding="utf-8")
    for folder in (tmp_path / "run", tmp_path / "absent"):
        with pytest.raises(SystemExit) as stop:
            run(ship, Flags(run=folder, weights=tmp_path))
        assert stop.value.code == 2
        expected = f"error: {folder / 'weights'} holds no trained network: give the --out folder of a training\n"
        assert capsys.readouterr().err == expected
    assert os.listdir(tmp_path) == ["run"]
