"""The commands as a person types them: results, and one line with exit code 2 for bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

import livestyle.live.live_show
import livestyle.sinks.window
from livestyle import __version__, assets
from livestyle.errors import OutputError
from livestyle.live.live_show import LiveOptions
from livestyle.model import weights
from tests.conftest import Run


def test_version(run: Run) -> None:
    assert run("--version").out.strip() == f"livestyle {__version__}"


def test_image(run: Run, photo: Path, tmp_path: Path) -> None:
    result = run("image", str(photo), "-o", "painting.png", "-s", "wave:0.7,scream:0.3", "--device", "cpu")
    assert result.code == 0, result.err
    with Image.open(tmp_path / "painting.png") as painting:
        assert painting.size == (128, 96)
        assert np.asarray(painting).std() > 5


def test_images_into_a_folder(run: Run, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, tmp_path / "second.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "second.png").rename(tmp_path / "in" / "second.png")
    result = run("image", "photo.png", "in", "-o", "out", "--size", "40", "-q", "--device", "cpu")
    assert (result.code, result.err) == (0, "")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["photo.png", "second.png"]
    with Image.open(tmp_path / "out" / "photo.png") as painting:
        assert min(painting.size) == 40


def test_image_as_style_and_preserve_color(run: Run, photo: Path) -> None:
    result = run("image", "photo.png", "-o", "p.png", "-s", "photo.png", "--preserve-color", "-v", "--device", "cpu")
    assert result.code == 0 and "style 100% photo" in result.err


BAD_IMAGE_COMMANDS = {
    "unknown style": (["photo.png", "-s", "stary_night"], "starry_night"),
    "missing style file": (["photo.png", "-s", "nothing.jpg"], "no such file"),
    "small style": (["photo.png", "-s", "small.png"], "32 px"),
    "style is no image": (["photo.png", "-s", "text.jpg"], "text.jpg"),
    "alpha": (["photo.png", "--alpha", "1.5"], "alpha 1.5"),
    "bad weight": (["photo.png", "-s", "wave:x"], "'x'"),
    "zero weights": (["photo.png", "-s", "wave:0"], "above 0"),
    "size": (["photo.png", "--size", "640*360"], "640*360"),
    "device": (["photo.png", "--device", "tpu"], "tpu"),
    "missing": (["nothing.png"], "nothing.png"),
    "empty": (["empty.png"], "empty.png"),
    "no image": (["text.jpg"], "text.jpg"),
    "truncated": (["truncated.png"], "truncated.png"),
    "verbose and quiet": (["photo.png", "-v", "-q"], "exclude"),
}


@pytest.mark.parametrize("case", BAD_IMAGE_COMMANDS)
def test_bad_input_is_one_line_and_leaves_nothing(run: Run, photo: Path, tmp_path: Path, case: str) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("these are words", encoding="utf-8")
    (tmp_path / "truncated.png").write_bytes(photo.read_bytes()[:300])
    Image.new("RGB", (31, 64)).save(tmp_path / "small.png")
    before = sorted(p.name for p in tmp_path.iterdir())
    arguments, said = BAD_IMAGE_COMMANDS[case]
    result = run("image", *arguments, "-o", "out.png")
    assert result.code == 2
    lines = [line for line in result.err.splitlines() if line.startswith("livestyle: ")]
    assert len(lines) == 1 and said in lines[0], result.err
    assert "Traceback" not in result.err
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.endswith("-home")) == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_asked_for_but_absent(run: Run, photo: Path) -> None:
    result = run("image", "photo.png", "-o", "out.png", "--device", "cuda")
    assert result.code == 2 and "--device auto" in result.err


@pytest.mark.parametrize("file", ["fast.safetensors", "vgg16.safetensors"])
def test_damaged_weights(run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    shutil.copytree(assets.asset_dir("weights"), tmp_path / "weights")
    data = bytearray((tmp_path / "weights" / file).read_bytes())
    data[5000] ^= 1
    (tmp_path / "weights" / file).write_bytes(data)
    monkeypatch.setattr(weights, "asset_dir", lambda name: tmp_path / name)
    result = run("image", "photo.png", "-o", "out.png")
    assert result.code == 2
    assert result.err.startswith("livestyle: ") and "damaged" in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("out", "said"), [("missing/out.png", "missing"), ("out.xyz", ".xyz"), ("photo.png/out.png", "photo.png")]
)
def test_unwritable_outputs(run: Run, photo: Path, out: str, said: str) -> None:
    result = run("image", "photo.png", "-o", out, "--device", "cpu")
    assert result.code == 2 and said in result.err and "Traceback" not in result.err


def test_two_pictures_of_one_name_do_not_overwrite_each_other(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(photo, tmp_path / "other" / "photo.png")
    assert "one name" in run("image", "photo.png", "other/photo.png", "-o", "out").err


def test_live_without_a_display(run: Run) -> None:
    result = run("live", "0")
    assert result.code == 2 and "no window can be opened" in result.err


@pytest.mark.parametrize("command", ["live", "demo"])
@pytest.mark.parametrize("fps", ["0.5", "241", "-3", "nan"])
def test_a_frame_rate_that_cannot_be_held(run: Run, command: str, fps: str) -> None:
    result = run(command, "--fps", fps)
    assert result.code == 2 and result.err.count("\n") == 1
    assert f"frame rate {fps}: choose 1 to 240 frames a second, or 0" in result.err


@pytest.mark.parametrize(("arguments", "budget_ms"), [((), 1000 / 30), (("--fps", "25"), 40), (("--fps", "0"), None)])
def test_the_frame_rate_reaches_the_show(run: Run, monkeypatch: pytest.MonkeyPatch, arguments, budget_ms) -> None:
    got: list[LiveOptions] = []
    monkeypatch.setattr(livestyle.live.live_show, "run_show", lambda setup, source, show, options: got.append(options))
    monkeypatch.setattr(livestyle.sinks.window, "Window", lambda title: None)
    for command in ("demo", "live"):
        assert run(command, *arguments).code == 0
    budgets = [options.hold.budget_ms if options.hold else None for options in got]
    assert budgets == [budget_ms, budget_ms]


def test_demo_without_a_display(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--size", "48", "--seconds", "2", "--device", "cpu")
    assert result.code == 0, result.err
    for words in ("no display", "first painting", "fps", "latency"):
        assert words in result.err
    with av.open(str(tmp_path / "livestyle-demo.mp4")) as movie:
        frames = list(movie.decode(video=0))
    assert len(frames) >= 3
    assert frames[0].height == 48
    with Image.open(tmp_path / "livestyle-demo.png") as sheet:
        assert sheet.width > 1000


def test_styles_life(run: Run, photo: Path) -> None:
    names = [style["name"] for style in json.loads(run("styles", "list", "--json").out)]
    assert "starry_night" in names and len(names) >= 16
    added = run("styles", "add", "photo.png", "--name", "my photo", "--device", "cpu")
    assert added.code == 0, added.err
    shown = json.loads(run("styles", "show", "my_photo", "--json").out)
    assert not shown["builtin"]
    with Image.open(shown["preview"]) as preview:
        assert min(preview.size) == 256
    assert run("styles", "add", "photo.png", "--name", "my_photo").code == 2
    assert run("styles", "remove", "my_photo").code == 0
    assert not Path(shown["preview"]).exists()
    assert run("styles", "remove", "wave").code == 2
    assert "Hokusai" in run("styles", "show", "wave").out


def test_bench_ends_in_json(run: Run) -> None:
    result = run("bench", "--size", "64x48,40", "--runs", "2", "--device", "cpu")
    rows = json.loads(result.out.splitlines()[-1])["rows"]
    assert [(r["width"], r["height"]) for r in rows] == [(64, 48), (72, 40)]
    assert all(r["p95_ms"] >= r["p50_ms"] > 0 and r["network_ms"] > 0 and r["precision"] == "float32" for r in rows)
    assert all(r["engine"] == "torch-cpu" and r["speedup"] is None for r in rows)


def test_doctor(run: Run) -> None:
    result = run("doctor", "--json")
    checks = {c["name"]: c for c in json.loads(result.out)}
    assert result.code == 0
    assert checks["weights"]["ok"] and checks["styles"]["ok"] and checks["packages"]["ok"]
    assert not checks["display"]["ok"] and checks["display"]["advice"]


def test_doctor_finds_damaged_weights(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "asset_dir", lambda name: tmp_path / name)
    result = run("doctor")
    assert result.code == 2 and "manifest" in result.out


def test_devices(run: Run) -> None:
    result = run("devices", "--json")
    assert result.code == 0 and isinstance(json.loads(result.out), list)


@pytest.mark.parametrize(
    ("source", "said"),
    [("rtsp://me:secret@host/street", "'livestyle - rtsp://host/street'"), ("http://[", "is no URL")],
)
def test_the_title_of_a_window_has_no_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    def no_window(title: str) -> None:
        raise OutputError(f"{title!r}")

    monkeypatch.setattr(livestyle.sinks.window, "Window", no_window)
    result = run("live", source)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1
