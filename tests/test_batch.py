"""`livestyle batch`: many files at once, with the shipped networks at a small size."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.batch.local import BatchOptions, LocalBatch, Outcome, exit_code
from livestyle.files.jobs import Job
from livestyle.options.painting import PaintingOptions
from livestyle.options.studio import Studio
from tests import media
from tests.conftest import Run

FAST = ("--device", "cpu", "--model", "fast", "--size", "32", "-s", "wave")


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """a.mp4, bad.mp4 (no video), cut.mp4 (cut short), notes.txt, and day/p.jpg."""
    folder = tmp_path / "footage"
    (folder / "day").mkdir(parents=True)
    media.ntsc_clip(folder / "a.mp4", frames=4)
    media.cut(media.noise_clip(tmp_path / "n.mp4"), folder / "cut.mp4", 0.5)
    (folder / "bad.mp4").write_text("no video", encoding="utf-8")
    (folder / "notes.txt").write_text("not for painting", encoding="utf-8")
    Image.effect_noise((48, 32), 60).convert("RGB").save(folder / "day" / "p.jpg")
    return folder


def test_what_can_be_painted_is_and_the_rest_is_told(run: Run, footage: Path, tmp_path: Path) -> None:
    result = run("batch", "footage", "-o", "out", *FAST)
    assert result.code == 2 and result.out == ""
    files = [path for path in (tmp_path / "out").rglob("*.*") if not path.name.startswith(".")]
    made = sorted(path.relative_to(tmp_path / "out").as_posix() for path in files)
    assert made == ["a.mp4", "cut.mp4", "day/p.png"]
    assert len(media.read_all(tmp_path / "out" / "a.mp4")) == 4
    said = result.err[result.err.index("4 files: 2 painted, 1 painted in part, 1 failed") :].splitlines()[1:]
    assert len(said) == 2 and "bad.mp4 is not a video" in said[0] and "cut.mp4 is truncated" in said[1]


def test_what_is_there_and_newer_is_left_as_it_is(run: Run, footage: Path, tmp_path: Path) -> None:
    (footage / "bad.mp4").unlink()
    (footage / "cut.mp4").unlink()
    assert run("batch", "footage", "-o", "out", *FAST).code == 0
    painted = tmp_path / "out" / "a.mp4"
    before = painted.read_bytes()
    painted.write_bytes(b"mine")
    result = run("batch", "footage", "-o", "out", *FAST)
    assert result.code == 0 and "2 files: 2 there already" in result.err and painted.read_bytes() == b"mine"
    assert "model fast" not in result.err, "nothing to do needs no network"
    os.utime(painted, (1, 1))
    assert "1 painted, 1 there already" in run("batch", "footage", "-o", "out", *FAST).err
    assert painted.read_bytes() == before
    assert "2 painted" in run("batch", "footage", "-o", "out", "--overwrite", *FAST).err


def test_json_is_an_object_a_file(run: Run, footage: Path) -> None:
    result = run("batch", "footage", "-o", "out", "--json", "-q", *FAST)
    objects = {entry["source"]: entry for entry in map(json.loads, result.out.splitlines())}
    assert {Path(source).name: entry["status"] for source, entry in objects.items()} == {
        "a.mp4": "painted",
        "bad.mp4": "failed",
        "cut.mp4": "damaged",
        "p.jpg": "painted",
    }
    clip = objects["footage/a.mp4"]
    assert (clip["output"], clip["frames"], clip["reason"]) == ("out/a.mp4", 4, "") and clip["seconds"] > 0
    assert objects["footage/bad.mp4"]["reason"].startswith("footage/bad.mp4 is not a video")
    assert "1 failed" in result.err and "model fast" not in result.err


def test_only_damaged_files_are_exit_code_three(run: Run, footage: Path) -> None:
    assert run("batch", "footage/cut.mp4", "-o", "out", *FAST).code == 3


def test_a_damaged_file_is_told_of_again_and_painted_again_when_it_has_changed(
    run: Run, footage: Path, tmp_path: Path
) -> None:
    painted = tmp_path / "out" / "cut.mp4"
    first = run("batch", "footage/cut.mp4", "-o", "out", *FAST)
    before = painted.read_bytes()
    second = run("batch", "footage/cut.mp4", "-o", "out", "--json", *FAST)
    assert (first.code, second.code) == (3, 3) and "model fast" not in second.err
    told = json.loads(second.out)
    assert told["status"] == "damaged" and "cut.mp4 is truncated" in told["reason"] and told["frames"] == 0
    assert painted.read_bytes() == before
    os.replace(media.noise_clip(tmp_path / "whole.mp4"), footage / "cut.mp4")
    os.utime(footage / "cut.mp4", (1, 1))  # whole, and older than its painting
    third, fourth = (run("batch", "footage/cut.mp4", "-o", "out", *FAST) for _ in range(2))
    assert (third.code, fourth.code) == (0, 0) and "1 there already" in fourth.err
    assert len(media.read_all(painted)) == 30
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cut.mp4"]


def test_a_batch_paints_as_the_single_commands_do(run: Run, footage: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        "[[cue]]\nat = 0\nstyle = 'scream'\nfade = 0\n[[cue]]\nat = 0.05\nmirror = true\n", encoding="utf-8"
    )
    run("batch", "footage/a.mp4", "footage/day", "-o", "out", *FAST, "--script", "s.toml")
    run("video", "footage/a.mp4", "a.mp4", *FAST, "--script", "s.toml")
    run("image", "footage/day/p.jpg", "-o", "p.png", *FAST[:-1], "scream")
    frames = zip(media.read_all(tmp_path / "out" / "a.mp4"), media.read_all(tmp_path / "a.mp4"), strict=True)
    assert all(np.array_equal(one.rgb, other.rgb) for one, other in frames)
    assert (tmp_path / "out" / "p.png").read_bytes() == (tmp_path / "p.png").read_bytes()


def test_each_file_has_its_own_colours_matched(run: Run, footage: Path, photo: Path, tmp_path: Path) -> None:
    Image.new("RGB", (48, 32), (200, 30, 30)).save(footage / "day" / "red.png")
    Image.new("RGB", (48, 32), (30, 30, 200)).save(footage / "day" / "blue.png")
    result = run("batch", "footage/day", "-o", "out", *FAST[:-1], "photo.png", "--match-color")
    assert result.code == 0, result.err
    means = {name: np.asarray(Image.open(tmp_path / "out" / f"{name}.png")).mean((0, 1)) for name in ("red", "blue")}
    assert means["red"][0] > means["red"][2] and means["blue"][2] > means["blue"][0]


def test_an_interrupted_batch_goes_on_inside_a_video(run: Run, footage: Path, tmp_path: Path) -> None:
    """A journal of segments beside the output, as a kill leaves it."""
    assert run("batch", "footage/a.mp4", "-o", "out", *FAST).code == 0
    whole = (tmp_path / "out" / "a.mp4").read_bytes()
    (tmp_path / "out" / "a.mp4").unlink()
    options = PaintingOptions(device="cpu", model="fast", size="32", style="wave", quiet=True)

    class Killed(BaseException):
        pass

    def kill(job: Job, done: int, expected: int | None) -> None:
        if done == 4:
            raise Killed

    with pytest.raises(Killed):
        list(LocalBatch(Studio(options), BatchOptions(kill)).paint([Job(Path("footage/a.mp4"), Path("out/a.mp4"))]))
    assert not (tmp_path / "out" / "a.mp4").exists()
    assert run("batch", "footage/a.mp4", "-o", "out", *FAST).code == 0
    assert (tmp_path / "out" / "a.mp4").read_bytes() == whole


def test_a_failure_that_nobody_foresaw_is_one_line_and_the_next_file_is_painted(
    run: Run, footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Studio.paint_picture

    def paint_picture(studio: Studio, job: Job, note: object, progress: object) -> None:
        if job.source.name == "p.jpg":
            raise RuntimeError("the card is gone\nand more")
        real(studio, job, note, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Studio, "paint_picture", paint_picture)
    shutil.copy(footage / "day" / "p.jpg", footage / "day" / "q.jpg")
    result = run("batch", "footage/day", "-o", "out", *FAST)
    assert result.code == 2 and "failed  footage/day/p.jpg: RuntimeError: the card is gone\n" in result.err
    assert (tmp_path / "out" / "q.png").exists() and "Traceback" not in result.err
    assert "Traceback" in run("batch", "footage/day/p.jpg", "-o", "out", "-v", *FAST).err


def test_exit_codes() -> None:
    outcomes = [Outcome(Path("a"), Path("b"), status) for status in ("painted", "skipped", "damaged", "failed")]  # type: ignore[arg-type]
    assert [exit_code(outcomes[:n]) for n in range(5)] == [0, 0, 0, 3, 2]
