"""Many pictures at once: what is meant, where each goes, and that one failure does not stop the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import LivestyleError, OutputError, SourceError, StyleError
from livestyle.files.jobs import Job
from livestyle.files.picture_jobs import paint_all, planned
from livestyle.sources.picture_files import picture_files
from tests.conftest import Run

FAST = ("--device", "cpu", "--model", "fast", "--size", "32")


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """2.jpg, 10.jpg, .hidden.jpg and notes.txt, and in folders of its own day/1.jpg and day/night/1.png."""
    monkeypatch.chdir(tmp_path)
    for name in ("2.jpg", "10.jpg", ".hidden.jpg", "day/1.jpg", "day/night/1.png"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((48, 32), 60).convert("RGB").save(path)
    (tmp_path / "album" / "notes.txt").write_text("not a picture", encoding="utf-8")
    return tmp_path / "album"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("album", ["2", "10"]),
        ("album/10.jpg", ["10"]),
        ("album/*.jpg", ["2", "10"]),
        ("album/*", ["2", "10"]),
        ("album/**/*.jpg", ["2", "10", "day/1"]),
        ("*/day/**", ["album/day/1", "album/day/night/1"]),
        ("album/[0-9].jpg", ["2"]),
    ],
)
def test_files_folders_and_patterns(album: Path, named: str, expected: list[str]) -> None:
    assert [file.name.as_posix() for file in picture_files([Path(named)])] == expected
    absolute = picture_files([album.parent / named])
    assert [file.name.as_posix() for file in absolute] == expected


def test_a_file_may_be_called_like_a_pattern(album: Path) -> None:
    (album / "2.jpg").rename(album / "a[1].jpg")
    assert [file.path.name for file in picture_files([album / "a[1].jpg"])] == ["a[1].jpg"]


def test_what_is_named_twice_is_painted_once(album: Path) -> None:
    files = picture_files([Path("album/10.jpg"), Path("album"), album / "2.jpg"])
    assert [file.path.name for file in files] == ["10.jpg", "2.jpg"]


@pytest.mark.parametrize("named", ["album/*.webp", "nothing/*", "album/*.txt"])
def test_a_pattern_without_images_is_said(album: Path, named: str) -> None:
    with pytest.raises(SourceError, match="matches no image"):
        picture_files([Path(named)])


def test_a_pattern_keeps_its_folders(album: Path, tmp_path: Path) -> None:
    jobs = planned(picture_files([Path("album/**/*.*")]), tmp_path / "out", file_format="JPG")
    names = [job.output.relative_to(tmp_path / "out").as_posix() for job in jobs]
    assert names == ["2.jpg", "10.jpg", "day/1.jpg", "day/night/1.jpg"]
    assert (tmp_path / "out" / "day" / "night").is_dir()


def test_names_that_differ_in_their_suffix_only_keep_it(album: Path, tmp_path: Path) -> None:
    (album / "2.jpg").rename(album / "10.heic")
    jobs = planned(picture_files([album]), tmp_path / "out")
    assert sorted(job.output.name for job in jobs) == ["10.heic.png", "10.jpg.png"]


BAD_PLANS = {
    "the picture itself": (["album/2.jpg"], "album/2.jpg", {}, "would replace album"),
    "by another way": (["album/2.jpg"], "album/../album/2.jpg", {}, "would replace album"),
    "its own folder": (["album"], "album", {"file_format": "jpg"}, "would replace album"),
    "one of the others": (["album/2.jpg", "album/day/1.jpg"], "album/day", {"file_format": "jpg"}, "would replace"),
    "format": (["album"], "out", {"file_format": "gif"}, "format 'gif': choose png, jpg"),
    "format and suffix": (["album/2.jpg"], "a.png", {"file_format": "jpg"}, "disagree"),
    "quality": (["album"], "out", {"file_format": "jpg", "quality": 101}, "quality 101: choose 1"),
    "quality of png": (["album"], "out", {"quality": 90}, "--quality 90 is for jpg and webp"),
    "quality of tiff": (["album/2.jpg"], "a.tiff", {"quality": 90}, "tiff keeps every pixel"),
    "a file for many": (["album"], "album/notes.txt", {}, "is a file: give a folder for 2"),
    "no folder": (["album"], "album/notes.txt/out", {}, "cannot be made"),
}


@pytest.mark.parametrize("case", BAD_PLANS)
def test_bad_plans_are_one_line(album: Path, case: str) -> None:
    named, out, options, said = BAD_PLANS[case]
    with pytest.raises(LivestyleError) as error:
        planned(picture_files(map(Path, named)), Path(out), **options)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_failure_does_not_stop_the_rest() -> None:
    jobs = [Job(Path(f"{n}.jpg"), Path(f"{n}.png")) for n in range(4)]
    done = []

    def paint(job: Job) -> None:
        if job.source.stem == "1":
            raise SourceError("1.jpg is damaged")
        if job.source.stem == "2":
            raise OutputError("2.png cannot be written")
        done.append(job.source.stem)

    assert paint_all(jobs, paint) == ["1.jpg is damaged", "2.png cannot be written"]
    assert done == ["0", "3"]
    with pytest.raises(SourceError):
        paint_all(jobs[1:2], paint)


def test_what_is_wrong_with_all_pictures_stops_at_once() -> None:
    def paint(job: Job) -> None:
        raise StyleError("no such style")

    with pytest.raises(StyleError):
        paint_all([Job(Path("a.jpg"), Path("a.png")), Job(Path("b.jpg"), Path("b.png"))], paint)


def test_failures_are_summed_up_at_the_end(run: Run, album: Path, tmp_path: Path) -> None:
    (album / "3.png").write_text("these are words", encoding="utf-8")
    Image.new("RGB", (6, 6)).save(album / "4.png")
    result = run("image", "album", "nothing.jpg", "-o", "out", "--format", "webp", "--quality", "80", *FAST[:4])
    assert result.code == 2 and "Traceback" not in result.err
    *_, head, words, small, nothing = result.err.splitlines()
    assert head == "livestyle: 3 of 5 pictures failed:"
    assert "3.png is not an image" in words and "6x6 pixels" in small and "nothing.jpg: no such file" in nothing
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["10.webp", "2.webp"]


def test_a_picture_is_not_replaced_by_its_painting(run: Run, album: Path) -> None:
    before = (album / "2.jpg").read_bytes()
    result = run("image", "album/2.jpg", "-o", "album/2.jpg", *FAST)
    assert result.code == 2 and result.err.count("\n") == 1 and "would replace" in result.err
    assert (album / "2.jpg").read_bytes() == before


def test_quality_reaches_the_file(run: Run, album: Path, tmp_path: Path) -> None:
    sizes = []
    for quality in ("10", "95"):
        assert run("image", "album/2.jpg", "-o", "a.jpg", "--quality", quality, *FAST).code == 0
        sizes.append((tmp_path / "a.jpg").stat().st_size)
    assert sizes[0] < 0.6 * sizes[1]


def test_a_note_is_said_with_the_file(run: Run, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    result = run("image", "a.gif", "-o", "a.png", *FAST)
    assert result.code == 0 and "a.gif: it is animated" in result.err and "livestyle video" in result.err
    with Image.open(tmp_path / "a.png") as painting:
        assert np.asarray(painting).shape == (32, 32, 3) and painting.info["icc_profile"]
