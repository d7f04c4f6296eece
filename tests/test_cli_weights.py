"""`livestyle weights`, and --weights of the other commands, as a person types them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from livestyle.errors import WeightsError
from livestyle.files import preview
from livestyle.model import weights_store
from livestyle.model.weights import encoder_id, network_entries
from livestyle.model.weights_store import find_weights, own_dir
from tests.conftest import Result, Run
from tests.media import write_clip

Files = tuple[Path, Path]


def one_line(result: Result) -> str:
    """The refusal: exit code 2, and one line that begins with the program's name; returned."""
    lines = [line for line in result.err.splitlines() if line.startswith("livestyle: ")]
    assert result.code == 2 and len(lines) == 1 and "Traceback" not in result.err, result.err
    return lines[0]


@pytest.fixture
def adain(adain_weights: Path) -> Path:
    """The imported weights under the name adain in this test's data folder."""
    return Path(shutil.copytree(adain_weights, own_dir() / "adain"))


def test_the_life_of_imported_weights(run: Run, adain_files: Files) -> None:
    imported = run("weights", "import", *map(str, adain_files), "--name", "My AdaIN")
    assert imported.code == 0, imported.err
    assert "encoder float16, decoder float16" in imported.err and "--weights my_adain" in imported.err
    rows = json.loads(run("weights", "list", "--json").out)
    assert [(r["name"], r["arch"], r["models"], r["default"]) for r in rows] == [
        ("shipped", "vgg16", ["paper", "fast"], True),
        ("my_adain", "vgg19", ["paper"], False),
    ]
    folder = Path(rows[1]["folder"])
    assert sorted(p.name for p in folder.iterdir()) == ["decoder.safetensors", "manifest.json", "vgg19.safetensors"]
    assert rows[1]["decoder_sha256"] == hashlib.sha256((folder / "decoder.safetensors").read_bytes()).hexdigest()
    text = run("weights", "list").out
    assert text.count("used by default") == 1 and rows[1]["encoder_sha256"][:8] in text
    assert [p.name for p in own_dir().iterdir()] == ["my_adain"]
    assert run("weights", "remove", "my_adain").code == 0
    assert [r["name"] for r in json.loads(run("weights", "list", "--json").out)] == ["shipped"]
    assert not folder.exists()


def test_the_manifest_says_where_the_weights_are_from(run: Run, adain_files: Files) -> None:
    assert run("weights", "import", *map(str, adain_files), "-q").err == ""
    for entry, source in zip(network_entries(own_dir() / "decoder"), adain_files, strict=True):
        assert hashlib.sha256(source.read_bytes()).hexdigest() in entry.origin
        assert (entry.arch, entry.licence) == ("vgg19", "as the source files")
        assert entry.command == "livestyle weights import vgg_normalised.pth decoder.pth --name decoder"
        assert {tensor.dtype for tensor in load_file(entry.file).values()} == {torch.float16}


def test_a_network_that_float16_cannot_hold_is_kept_in_float32(run: Run, adain_files: Files, tmp_path: Path) -> None:
    decoder = torch.load(adain_files[1], weights_only=True)
    decoder["28.bias"][0] = 1e6
    torch.save(decoder, tmp_path / "large.pth")
    result = run("weights", "import", str(adain_files[0]), "large.pth")
    assert "encoder float16, decoder float32" in result.err
    encoder_entry, decoder_entry = network_entries(own_dir() / "large")
    assert {tensor.dtype for tensor in load_file(encoder_entry.file).values()} == {torch.float16}
    assert {tensor.dtype for tensor in load_file(decoder_entry.file).values()} == {torch.float32}


@pytest.mark.parametrize(
    ("file", "name"),
    [("decoder_iter_1.pth.tar", "decoder_iter_1"), ("Mein Bild.pth", "mein_bild"), ("画.pth", "imported")],
)
def test_the_default_name_is_the_decoder_files(
    run: Run, adain_files: Files, tmp_path: Path, file: str, name: str
) -> None:
    shutil.copy(adain_files[1], tmp_path / file)
    assert run("weights", "import", str(adain_files[0]), file).code == 0
    assert [p.name for p in own_dir().iterdir()] == [name]


REFUSED_IMPORTS = {
    "wrong order": (["d.pth", "v.pth"], "v.pth first"),
    "two decoders": (["d.pth", "d.pth"], "looks like a decoder"),
    "two encoders": (["v.pth", "v.pth"], "looks like an encoder"),
    "absent": (["v.pth", "none.pth"], "none.pth does not exist"),
    "a folder": (["v.pth", "."], "is no file"),
    "words": (["text.pth", "d.pth"], "text.pth holds no plain tensors"),
    "a module": (["v.pth", "module.pth"], "whole pickled network"),
    "missing layers": (["part.pth", "d.pth"], "part.pth has no 2.weight"),
    "taken name": (["v.pth", "d.pth", "--name", "adain"], "`livestyle weights remove adain` first"),
    "shipped": (["v.pth", "d.pth", "--name", "shipped"], "choose another --name"),
}


@pytest.mark.parametrize("case", REFUSED_IMPORTS)
def test_a_refused_import_is_one_line_and_leaves_nothing(
    run: Run, adain: Path, adain_files: Files, tmp_path: Path, case: str
) -> None:
    for source, name in zip(adain_files, ("v.pth", "d.pth"), strict=True):
        (tmp_path / name).symlink_to(source)
    (tmp_path / "text.pth").write_text("words", encoding="utf-8")
    torch.save(torch.nn.Conv2d(3, 3, 1), tmp_path / "module.pth")
    torch.save({"0.weight": torch.zeros(3, 3, 1, 1), "0.bias": torch.zeros(3)}, tmp_path / "part.pth")
    arguments, said = REFUSED_IMPORTS[case]
    line = one_line(run("weights", "import", *arguments))
    assert said.replace("v.pth first", "vgg_normalised.pth first") in line
    assert [p.name for p in own_dir().iterdir()] == ["adain"]


def test_a_full_disk_leaves_nothing(run: Run, adain_files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights_store.os, "rename", full)
    assert "No space left on device" in one_line(run("weights", "import", *map(str, adain_files)))
    assert list(own_dir().iterdir()) == []


def test_only_weights_of_ones_own_can_be_removed(run: Run, adain: Path) -> None:
    assert "stay" in one_line(run("weights", "remove", "shipped"))
    for name in ("none", "..", "", str(adain)):
        assert "of your own there are: adain" in one_line(run("weights", "remove", name))
    (adain / "manifest.json").write_text("{", encoding="utf-8")
    listed = run("weights", "list", "--json")
    assert listed.code == 0 and "left out" in listed.err and len(json.loads(listed.out)) == 1
    doctor = run("doctor", "--json")
    assert doctor.code == 0 and "manifest.json cannot be read" in doctor.out
    assert run("weights", "remove", "adain").code == 0
    assert "none" in one_line(run("weights", "remove", "adain"))


def test_a_picture_with_other_weights(run: Run, adain: Path, photo: Path, tmp_path: Path) -> None:
    result = run("image", "photo.png", "--weights", "adain", "-s", "photo.png", "-o", "p.png", "--size", "32")
    assert result.code == 0, result.err
    assert "weights adain" in result.err
    by_folder = run("image", "photo.png", "--weights", str(adain), "-s", "photo.png", "-o", "q.png", "--size", "32")
    assert by_folder.code == 0, by_folder.err
    shipped = run("image", "photo.png", "--weights", "shipped", "-s", "photo.png", "-o", "r.png", "--size", "32")
    assert shipped.code == 0, shipped.err
    p, q, r = (np.asarray(Image.open(tmp_path / name)) for name in ("p.png", "q.png", "r.png"))
    assert p.shape == (32, 42, 3)
    assert (p == q).all() and (p != r).any()


def test_a_video_with_other_weights(run: Run, adain: Path, photo: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "in.mp4", (0, 1001), size=(32, 32))
    result = run("video", "in.mp4", "out.mp4", "--weights", "adain", "-s", "photo.png", "-q")
    assert result.code == 0, result.err
    with av.open(str(tmp_path / "out.mp4")) as movie:
        assert len(list(movie.decode(video=0))) == 2


UNKNOWN = {
    "a name": ("adian", "unknown"),
    "nothing": ("", "without a manifest.json"),
    "above": ("..", "without a manifest.json"),
    "an empty folder": ("empty", "without a manifest.json"),
    "a file": ("photo.png", "a file, not a folder"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_unknown_weights_name_what_there_is(run: Run, adain: Path, photo: Path, tmp_path: Path, case: str) -> None:
    (tmp_path / "empty").mkdir()
    name, said = UNKNOWN[case]
    line = one_line(run("image", "photo.png", "-o", "out.png", "--weights", name))
    assert said in line and "there are: shipped, adain; `livestyle weights import" in line
    assert not (tmp_path / "out.png").exists()


COMMANDS = {
    "live": ["live", "photo.png"],
    "demo": ["demo", "--seconds", "1"],
    "video": ["video", "in.mp4", "out.mp4"],
    "image": ["image", "photo.png", "-o", "out.png"],
    "bench": ["bench"],
    "styles add": ["styles", "add", "photo.png"],
    "styles list": ["styles", "list"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_unknown_weights(run: Run, photo: Path, command: str) -> None:
    assert "weights 'none': unknown" in one_line(run(*COMMANDS[command], "--weights", "none"))


@pytest.mark.parametrize("command", ["live", "demo", "image"])
def test_without_a_fitting_style_there_is_one_line(run: Run, adain: Path, photo: Path, command: str) -> None:
    result = run(*COMMANDS[command], "--weights", "adain")
    line = one_line(result)
    assert f"no style fits encoder {encoder_id(adain)}" in line
    assert "`livestyle styles add IMAGE --weights adain`" in line
    assert result.err.count("\n") == 1


def test_a_built_in_style_with_another_encoder(run: Run, adain: Path, photo: Path) -> None:
    line = one_line(run("image", "photo.png", "-o", "out.png", "--weights", "adain", "-s", "wave"))
    assert "'wave' was computed with encoder vgg16-" in line and "--weights adain" in line


def test_styles_for_another_encoder(
    run: Run, adain: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PREVIEW_SIDE_PX", 32)
    assert "styles add IMAGE --weights adain" in run("styles", "list", "--weights", "adain").err
    for weights in ([], ["--weights", "adain"]):
        added = run("styles", "add", "photo.png", "--name", "mine", *weights)
        assert added.code == 0, added.err
    listed = run("styles", "list", "--weights", "adain", "--json")
    rows = json.loads(listed.out)
    assert [row["name"] for row in rows] == ["mine"]
    assert listed.err.count("left out: 25 of the styles") == 1
    assert Path(rows[0]["preview"]).parent.name == encoder_id(adain)
    assert json.loads(run("styles", "show", "mine", "--json").out)["file"] != rows[0]["file"]
    shown = run("styles", "show", "mine", "--json", "--weights", "adain")
    assert json.loads(shown.out)["file"] == rows[0]["file"]
    painted = run("image", "photo.png", "-o", "p.png", "--weights", "adain", "--size", "32")
    assert painted.code == 0, painted.err
    demo = run("demo", "--weights", "adain", "--size", "32", "--seconds", "1", "--out", str(tmp_path))
    assert demo.code == 0, demo.err
    assert "--weights adain has no fast model" in one_line(run("styles", "refine", "mine", "--weights", "adain"))
    assert run("styles", "remove", "mine", "--weights", "adain").code == 0
    assert json.loads(run("styles", "list", "--weights", "adain", "--json").out) == []
    assert run("styles", "show", "mine").code == 0


def test_the_bench_needs_no_style_of_the_weights(run: Run, adain: Path) -> None:
    result = run("bench", "--weights", "adain", "--size", "32x32", "--runs", "1", "--device", "cpu")
    assert result.code == 0, result.err
    assert len(json.loads(result.out.splitlines()[-1])["rows"]) == 1


def test_a_decoder_trained_for_the_shipped_encoder_takes_all_styles(run: Run, photo: Path, tmp_path: Path) -> None:
    trained = tmp_path / "trained"
    shutil.copytree(find_weights("shipped"), trained)
    result = run("image", "photo.png", "-o", "p.png", "--weights", "trained", "-s", "wave", "--size", "32")
    assert result.code == 0 and "left out" not in result.err
    assert run("styles", "list", "--weights", "trained").out == run("styles", "list").out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder": None}, "names no encoder"),
        ({"decoder": None}, "names no decoder"),
        ({"encoder": {"arch": "vgg11"}}, "'vgg11': livestyle has vgg16 and vgg19"),
        ({"encoder": {"arch": ["vgg16"]}}, "livestyle has"),
        ({"decoder": {"sha256": "../../x"}}, "no sha256"),
        ({"decoder": {"sha256": None}}, "no sha256"),
    ],
)
def test_a_folder_whose_manifest_names_no_network(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    fields = {"file": "x", "arch": "vgg16", "sha256": "0" * 64, "origin": "", "licence": "", "command": ""}
    entries: dict[str, Any] = {"encoder": dict(fields), "decoder": dict(fields)}
    for role, changes in change.items():
        entries[role] = entries[role] | changes if changes else None
    present = {role: entry for role, entry in entries.items() if entry}
    (tmp_path / "manifest.json").write_text(json.dumps({"weights": present}), encoding="utf-8")
    for read in (network_entries, encoder_id) if "encoder" in change else (network_entries,):
        with pytest.raises(WeightsError, match=said):
            read(tmp_path)
