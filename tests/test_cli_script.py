"""Scripts on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livestyle.looks.look import Look
from livestyle.show.presets import looks_path, save_look
from tests import media
from tests.conftest import Run

FAST = ("--device", "cpu", "--model", "fast", "--size", "64")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of pictures that all look the same."""
    return media.write_clip(tmp_path / "clip.mp4", [3003 * i for i in range(10)])


def test_video_paints_each_frame_in_the_look_of_its_time(run: Run, clip: Path, photo: Path, tmp_path: Path) -> None:
    save_look(looks_path(), "calm", Look((("dragon", 1.0),), palette=False))
    (tmp_path / "s.toml").write_text(
        "fade = 0\n[[cue]]\nat = 0.3\nstyle = 'photo.png'\n[[cue]]\nat = 0.65\nlook = 'calm'\n", encoding="utf-8"
    )
    times = [frame.pts_seconds for frame in media.read_all(clip)]
    options = {"cues": ["-s", "wave", "--script", "s.toml"], "wave": ["-s", "wave"]}
    options |= {"photo": ["-s", "photo.png"], "calm": ["--look", "calm"]}
    frames = {}
    for name, option in options.items():
        result = run("video", "clip.mp4", f"{name}.mp4", *FAST, "--stability", "0", *option)
        assert result.code == 0, result.err
        frames[name] = [frame.rgb.astype(int) for frame in media.read_all(tmp_path / f"{name}.mp4")]
    for n, time in enumerate(times):
        expected = "wave" if time < 0.3 else "photo" if time < 0.65 else "calm"
        difference = {name: np.abs(frames["cues"][n] - frames[name][n]).mean() for name in ("wave", "photo", "calm")}
        assert min(difference, key=difference.__getitem__) == expected, (n, difference)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[cue]]\nat = 0\nstyle = 'weave'", "s.toml, line 3: style 'weave': not in the bank; nearest: wave"),
        ("[[cue]]\nat = 0\nstyle = 'none.png'", "s.toml, line 3: style 'none.png': no such file"),
        (
            "[[cue]]\nat = 0\nstyle = 'photo.png'\n[[cue]]\nat = 1\nedge = 1",
            "s.toml, line 6: edge 1: there is no split",
        ),
    ],
)
@pytest.mark.parametrize("command", [["video", "clip.mp4", "o.mp4"], ["live", "clip.mp4", "--no-window"]])
def test_a_mistake_is_said_before_any_work(
    run: Run, clip: Path, photo: Path, tmp_path: Path, command: list[str], text: str, said: str
) -> None:
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    result = run(*command, "--script", "s.toml", *FAST)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


def test_a_script_and_matched_colours_exclude_each_other(run: Run, clip: Path) -> None:
    result = run("video", "clip.mp4", "o.mp4", "--script", "s.toml", "--match-color", "-s", "wave")
    assert result.code == 2 and "--script and --match-color exclude each other" in result.err


def test_live_plays_a_script_and_saves_what_it_played(run: Run, clip: Path, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        "[[cue]]\nat = 0\nstyle = 'photo.png'\nfade = 0\n[[cue]]\nat = 0.1\nalpha = 0.25\n", encoding="utf-8"
    )
    result = run(
        "live", "clip.mp4", "--no-window", "--seconds", "1", "--script", "s.toml", "--save-script", "t.toml", *FAST
    )
    assert result.code == 0, result.err
    saved = (tmp_path / "t.toml").read_text(encoding="utf-8")
    assert f'style = "{photo.resolve()}"\nfade = 0.0' in saved and "alpha = 0.25" in saved
    assert "saved the looks in t.toml" in result.err
    again = run("video", "clip.mp4", "o.mp4", "--script", "t.toml", *FAST)
    assert again.code == 0, again.err
