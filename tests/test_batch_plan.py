"""What a batch is of and where it goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livestyle.batch.plan import planned, up_to_date
from livestyle.errors import LivestyleError
from livestyle.files.jobs import Job
from livestyle.files.kinds import is_video
from livestyle.files.video_format import VideoFormat


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """in/2.mp4, in/10.AVI, in/day/a.jpg, in/day/deep/a.MOV; hidden files and others."""
    monkeypatch.chdir(tmp_path)
    for name in ("2.mp4", "10.AVI", "day/a.jpg", "day/deep/a.MOV", ".h.mp4", ".trash/b.mp4", "t.txt", "day/s.srt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path / "in"


def outputs(*named: str, out: str = "out", picture_format: str = "png") -> list[str]:
    plan = planned([Path(name) for name in named], Path(out), picture_format=picture_format)
    return [job.output.as_posix() for job in plan.jobs]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["in"], ["2.mp4", "10.mp4", "day/a.png", "day/deep/a.mov"]),
        (["in/2.mp4", "in/day"], ["2.mp4", "a.png", "deep/a.mov"]),
        (["in/*"], ["2.mp4", "10.mp4"]),
        (["in/**/*"], ["2.mp4", "10.mp4", "day/a.png", "day/deep/a.mov"]),
        (["in/**/*.MOV", "in/day/deep"], ["day/deep/a.mov"]),
    ],
)
def test_folders_are_searched_and_their_structure_is_kept(folder: Path, named: list[str], expected: list[str]) -> None:
    assert outputs(*named) == [f"out/{name}" for name in expected]
    assert all(Path(name).parent.is_dir() for name in outputs(*named))


def test_outputs_within_the_folder_are_not_painted_again(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "2.mp4").write_text("painted", encoding="utf-8")
    assert outputs("in", out="in/out") == [
        f"in/out/{name}" for name in ("2.mp4", "10.mp4", "day/a.png", "day/deep/a.mov")
    ]
    assert outputs("in/**/*.mp4", out="in/out") == ["in/out/2.mp4"]


def test_names_that_would_become_one_keep_their_suffixes(folder: Path) -> None:
    for name in ("2.avi", "2.jpg", "2.heic"):
        (folder / name).write_text("", encoding="utf-8")
    assert outputs("in/2.*", picture_format="JPG") == [
        "out/2.avi.mp4",
        "out/2.heic.jpg",
        "out/2.jpg.jpg",
        "out/2.mp4.mp4",
    ]


def test_what_is_neither_is_left_out_and_told(folder: Path) -> None:
    plan = planned([folder / "2.mp4", folder / "t.txt"], Path("out"))
    assert len(plan.jobs) == 1 and plan.left_out == [folder / "t.txt"]


BAD = {
    "nothing there": (["none"], "out", {}, "none: no such file or folder"),
    "an empty folder": (["in/.trash/../empty"], "out", {}, "holds no video and no picture"),
    "an idle pattern": (["in/*.webm"], "out", {}, "in/*.webm matches no video and no picture"),
    "only others": (["in/t.txt"], "out", {}, "no video and no picture is among these files"),
    "a file for a folder": (["in"], "in/t.txt", {}, "in/t.txt is a file: give a folder"),
    "over itself": (["in/2.mp4"], "in", {}, "in/2.mp4 would replace in/2.mp4 itself"),
    "one name twice": (["in/2.mp4", "in/day/2.mp4"], "out", {}, "have one name and would both become out/2.mp4"),
    "format": (["in"], "out", {"picture_format": "gif"}, "format 'gif': choose png, jpg"),
    "codec": (["in"], "out", {"video_format": VideoFormat(codec="xvid")}, "--codec xvid: there is no such codec"),
    "quality": (["in"], "out", {"quality": 80}, "--quality 80 is for jpg and webp"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_plans_are_one_line(folder: Path, case: str) -> None:
    (folder / "empty").mkdir()
    (folder / "day" / "2.mp4").write_text("", encoding="utf-8")
    named, out, options, said = BAD[case]
    with pytest.raises(LivestyleError) as error:
        planned([Path(name) for name in named], Path(out), **options)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_videos_keep_their_container_where_it_holds_the_codec(folder: Path) -> None:
    plan = planned([Path("in")], Path("out"), video_format=VideoFormat(codec="prores"))
    assert {job.output.suffix for job in plan.jobs if is_video(job.source)} == {".mov"}


def test_an_output_is_up_to_date_where_it_was_written_after_its_source(tmp_path: Path) -> None:
    job = Job(tmp_path / "a", tmp_path / "b")
    for path in (job.source, job.output):
        path.write_text("", encoding="utf-8")
    for times, expected in (((5, 6), True), ((6, 6), True), ((7, 6), False)):
        os.utime(job.source, (times[0], times[0]))
        os.utime(job.output, (times[1], times[1]))
        assert up_to_date(job) is expected
    job.output.unlink()
    assert not up_to_date(job)
