"""An evaluation from the command line to table and sheet, on tiny pictures and random weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from livestyle.assets import asset_dir
from livestyle.engine import choose_engine
from livestyle.errors import SettingError
from livestyle.frame import Picture
from livestyle.looks.style import palette_of
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import VGGEncoder, normalise_activations
from livestyle.painting.color import match_palette
from livestyle.sources.images import load_image
from tests.media import write_clip
from train import evaluate
from train.metrics import Judge
from train.sheet import Record, draw_sheet, table
from train.systems import Sample, Weights, at_side

pytest.importorskip("skimage")

SIDE = 48


def random_picture(seed: int, height: int = SIDE, width: int = 64) -> Picture:
    """A gradient of some colours with noise."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, width)[None, :, None] * np.linspace(1, 0.3, height)[:, None, None]
    return (ramp * rng.integers(80, 230, 3) + rng.integers(0, 25, (height, width, 3))).astype(np.uint8)


def write_pictures(folder: Path, names: str, seed: int) -> Path:
    folder.mkdir()
    for i, name in enumerate(names):
        Image.fromarray(random_picture(seed + i)).save(folder / f"{name}.png")
    return folder


def write_manifest(folder: Path) -> None:
    entries = {
        name: {
            "file": f"{name}.safetensors", "arch": "vgg16", "origin": "", "licence": "", "command": "",
            "sha256": hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest(),
        }
        for name in ("encoder", "decoder")
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps({"weights": entries}), encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Three photographs, three artworks, one network as a weights folder and as a training run."""
    folder = tmp_path_factory.mktemp("evaluation")
    weights, run = folder / "weights", folder / "run"
    weights.mkdir(), run.mkdir()
    torch.manual_seed(0)
    encoder = normalise_activations(VGGEncoder(), [torch.rand(1, 3, 32, 32)])
    save_file(encoder.state_dict(), weights / "encoder.safetensors")
    decoder = Decoder()
    for convolution in decoder.children():  # PyTorch's own initial weights would paint plain grey
        assert isinstance(convolution, torch.nn.Conv2d)
        torch.nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    save_file(decoder.state_dict(), weights / "decoder.safetensors")
    write_manifest(weights)
    shutil.copytree(weights, run / "weights")
    return SimpleNamespace(
        content=write_pictures(folder / "content", "abc", 0),
        style=write_pictures(folder / "style", "xyz", 10),
        weights=weights,
        run=run,
        encoder=weights / "encoder.safetensors",
    )


Run = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture
def run(made: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Evaluate 2 x 2 pairs at side 48 into tmp_path / "out"; returns the JSON and what was printed."""

    def call(*arguments: str) -> tuple[dict[str, Any], str]:
        common = {
            "--content": made.content, "--style": made.style, "--count-content": 2, "--count-style": 2,
            "--side": SIDE, "--measure-with": made.encoder, "--time-size": "32x24",
            "--time-runs": 2, "--device": "cpu", "--out": tmp_path / "out",
        }  # fmt: skip
        evaluate.main([*(str(part) for pair in common.items() for part in pair), *arguments])
        return json.loads((tmp_path / "out" / "table.json").read_text(encoding="utf-8")), capsys.readouterr().out

    return call


def figures(row: dict[str, Any]) -> list[float]:
    return [row[name] for name in ("content", "style", "style_median", "ssim")]


def test_three_kinds_of_systems_in_one_table(made: SimpleNamespace, tmp_path: Path, run: Run) -> None:
    run("--systems", f"mine={made.weights}", "--keep-pictures")
    kept = tmp_path / "out" / "pictures" / "mine"
    assert {p.name for p in kept.iterdir()} == {f"{c}__{s}.png" for c in "ab" for s in "xy"}
    peer = Path(shutil.move(kept, tmp_path / "peer"))
    result, said = run(
        "--systems", f"mine={made.weights}", f"run 2={made.run}", f"+3=paper:{made.weights}", f"peer=pictures:{peer}"
    )

    protocol, rows = result["protocol"], result["rows"]
    assert (protocol["photographs"], protocol["artworks"], protocol["side_px"]) == (2, 2, SIDE)
    assert protocol["precision"] == "float32" and "CPU" in protocol["device"]
    assert protocol["measured_with"] == "vgg16-" + hashlib.sha256(made.encoder.read_bytes()).hexdigest()[:8]
    assert [(r["system"], r["palette"], r["pairs"]) for r in rows] == [
        ("mine", True, 4), ("run 2", True, 4), ("+3", True, 4), ("peer", None, 4),
    ]  # fmt: skip
    assert figures(rows[0]) == figures(rows[1]) == figures(rows[2]) == figures(rows[3])
    assert all(r["warping"] is None and r["left_out"] == [] for r in rows)
    assert all(r["p50_ms"] > 0 and r["p95_ms"] >= r["p50_ms"] for r in rows[:3])
    assert rows[3]["p50_ms"] is None

    text = (tmp_path / "out" / "table.md").read_text(encoding="utf-8")
    assert text in said
    assert [line.split("|")[1].strip() for line in text.splitlines()[-4:]] == ["mine", "run 2", "+3", "peer"]
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"table.md", "table.json", "sheet.png", "pictures"}
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        # 6 cells of 383 px, 24 px around them, gaps of 8, 20, 8, 8 and 8; two rows of 3:4 under a header.
        assert sheet.size == (6 * 383 + 2 * 24 + 52, 59 + 2 * 287 + 8 + 24)


def test_figures_are_those_of_the_kept_pictures(made: SimpleNamespace, tmp_path: Path, run: Run) -> None:
    result, _ = run("--systems", f"mine={made.weights}", "--keep-pictures", "--no-palette")
    judge = Judge(evaluate.weights_entry(made.encoder), torch.device("cpu"))
    scores = []
    for c in "ab":
        for s in "xy":
            photograph, artwork = load_image(made.content / f"{c}.png"), load_image(made.style / f"{s}.png")
            painting = load_image(tmp_path / "out" / "pictures" / "mine" / f"{c}__{s}.png")
            style = [
                (t.mean((2, 3), True), (t.var((2, 3), False, keepdim=True) + 1e-5).sqrt()) for t in judge.taps(artwork)
            ]
            scores.append(judge.scores(painting, photograph, judge.taps(photograph)[3], style))
    content, style_distances, similarity = zip(*scores, strict=True)
    expected = [np.mean(content), np.mean(style_distances), np.median(style_distances), np.mean(similarity)]
    assert figures(result["rows"][0]) == pytest.approx(expected, rel=1e-4)
    assert result["rows"][0]["palette"] is False
    assert len(set(style_distances)) == 4


@pytest.mark.parametrize("model", ["paper", "fast"])
def test_weights_paint_to_the_bit_as_the_program(model: str) -> None:
    engine = choose_engine("cpu", model=model)
    system = Weights(
        "shipped", Path(f"{model}:{asset_dir('weights')}"), palette=True, half=False, refine=False, device="cpu"
    )
    photograph, artwork = Sample("p", random_picture(0, 41, 50)), Sample("a", random_picture(1))
    plain = engine.stylize(photograph.rgb, engine.style_code(engine.style_stats(artwork.rgb)), 1.0)
    assert np.array_equal(system.network(photograph.rgb, artwork), plain)
    assert np.array_equal(system.paint(photograph, artwork), match_palette(plain, palette_of(artwork.rgb)))


def test_missing_and_broken_pictures_are_named_and_left_out(made: SimpleNamespace, tmp_path: Path, run: Run) -> None:
    peer = write_pictures(tmp_path / "peer", "ab", 5)
    for old, new in (("a", "a__x"), ("b", "b__y")):
        (peer / f"{old}.png").rename(peer / f"{new}.png")
    (peer / "b__x.png").write_bytes(b"no picture")
    content = Path(shutil.copytree(made.content, tmp_path / "content"))
    (content / "aa.png").write_bytes(b"no picture")
    result, said = run("--content", str(content), "--count-content", "3", "--systems", f"peer=pictures:{peer}")
    assert result["protocol"]["photographs"] == 2
    assert "aa.png" in said
    row = result["rows"][0]
    assert row["pairs"] == 2 and len(row["left_out"]) == 2
    assert "a__y.png: no such file" in said and "b__x.png is not an image" in said


def test_clips_are_painted_and_compared(made: SimpleNamespace, tmp_path: Path, run: Run) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [0, 1001, 2002])
    peer = tmp_path / "peer"
    peer.mkdir()
    shutil.copy(clip, peer / "clip__z.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    result, said = run(
        *("--systems", f"mine={made.weights}", f"peer=pictures:{peer}", "--clips", str(tmp_path / "*.mp4")),
        *("--clip-style", "z", "--clip-frames", "2", "--count-content", "1", "--count-style", "1"),
    )
    mine, peers = result["rows"]
    assert result["protocol"]["clip_style"] == "z"
    assert mine["clips"].keys() == peers["clips"].keys() == {"clip"}
    assert peers["clips"]["clip"]["frames"] == 2
    assert peers["warping"] == peers["warping_input"] == mine["warping_input"] > 0
    assert mine["warping"] not in (None, mine["warping_input"])
    assert "broken.mp4 is not a video" in said


WRONG = {
    "a count": (["--count-style", "0"], "--count-style 0"),
    "a side": (["--side", "8"], "--side 8"),
    "a size": (["--time-size", "360"], "--time-size 360"),
    "a system without a folder": (["--systems", "mine"], "NAME=FOLDER"),
    "a name that leaves the folder": (["--systems", "../x=weights"], "NAME=FOLDER"),
    "two of one name": (["--systems", "a={weights}", "a={run}"], "'a'"),
    "an empty folder": (["--systems", "a={style}"], "holds no manifest.json"),
    "a model that is not there": (["--systems", "a=fast:{weights}"], "has paper, not 'fast'"),
    "no pictures of pairs": (["--systems", "a=pictures:{style}"], "holds no <content>__<style>.png"),
    "no photographs": (["--content", "nowhere"], "'nowhere' holds no pictures"),
    "no such clip": (["--clips", "nowhere.mp4"], "nowhere.mp4"),
    "no such style": (["--clip-style", "w"], "--clip-style 'w'"),
    "no weights": (["--measure-with", "{content}/a.png"], "no safetensors file"),
    "no file": (["--measure-with", "nowhere.safetensors"], "nowhere.safetensors"),
    "an unknown device": (["--device", "tpu"], "--device"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_flags_are_said_in_one_line(
    made: SimpleNamespace, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    arguments, expected = WRONG[case]
    with pytest.raises(SystemExit) as stop:
        run("--systems", f"mine={made.weights}", *(a.format(**vars(made)) for a in arguments))
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "error: " in error and expected in error
    assert not (tmp_path / "out").exists()


def test_pictures_of_one_name_are_refused(made: SimpleNamespace, tmp_path: Path) -> None:
    shutil.copy(made.content / "a.png", tmp_path / "a.jpg")
    entries = evaluate.index_pictures([str(made.content), str(tmp_path)])
    with pytest.raises(SettingError, match="two pictures are named 'a'"):
        evaluate.read_samples(entries, SIDE)


def test_pictures_are_brought_to_the_side() -> None:
    assert at_side(Image.new("RGB", (120, 60)), 48).shape == (48, 96, 3)
    assert at_side(Image.new("RGB", (30, 40)), 48).shape == (64, 48, 3)


def test_machines_without_pyav_and_openvino_can_evaluate() -> None:
    code = "import sys; sys.modules['av'] = sys.modules['openvino'] = None; import train.evaluate"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_clips_without_pyav_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "find_spec", lambda name: None)
    assert evaluate.find_clips(()) == []
    with pytest.raises(SettingError, match="pip install av"):
        evaluate.find_clips(("a.mp4",))


def test_clips_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / name).touch()
    assert evaluate.find_clips((str(tmp_path / "a.mp4"), str(tmp_path / "*.mp4"))) == [tmp_path / "a.mp4"]
    with pytest.raises(SettingError, match="two are named 'a'"):
        evaluate.find_clips((str(tmp_path / "a.*"),))


def test_an_empty_record_is_a_row_of_dashes() -> None:
    lines = table([Record("nothing", None)]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["nothing", "-", "0", *["-"] * 8]


def test_a_sheet_of_many_systems_is_not_too_wide() -> None:
    picture = random_picture(0)
    names = [f"a system with a long name, number {i}" for i in range(12)]
    sheet = draw_sheet(names, [[picture] * 13 + [None]])
    assert 2300 < sheet.shape[1] <= 2400
    assert sheet.dtype == np.uint8
