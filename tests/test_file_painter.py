"""Painters of files: which of them paint the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from livestyle.engine import Engine
from livestyle.files.file_painter import LookPainter, looks_digest
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painter
from livestyle.script.script import Timeline, read_script, timeline, unchanging
from livestyle.show.state import new_show

WAVE = Look((("wave", 1.0),), stability=0.0)
SCRIPT = "[[cue]]\nat = 1\nstyle = 'scream'\nfade = 2\n[[cue]]\nat = 2\nalpha = 0.5\nover = 3\n"


def looks(bank: Bank, folder: Path, text: str, start: Look = WAVE) -> Timeline:
    (folder / "s.toml").write_text(text, encoding="utf-8")
    return timeline(read_script(folder / "s.toml"), new_show(bank.names, start))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("[[cue]]", "# remark\n[[cue]]", True),
        ("fade = 2", "fade = 2.0", True),
        ("fade = 2", "fade = 3", False),
        ("at = 1", "at = 1.5", False),
        ("scream", "dragon", False),
        ("over = 3", "over = 2.5", False),
        ("over = 3", "mirror = true", False),
        ("0.5", "0.4", False),
    ],
)
def test_what_is_painted_otherwise_has_another_identity(
    bank: Bank, tmp_path: Path, before: str, after: str, same: bool
) -> None:
    one, other = (looks(bank, tmp_path, text) for text in (SCRIPT, SCRIPT.replace(before, after, 1)))
    assert (looks_digest(one, bank) == looks_digest(other, bank)) is same


def test_frames_depend_on_those_before_where_some_look_is_steady(bank: Bank, engine: Engine, tmp_path: Path) -> None:
    plans = {
        "none": unchanging(WAVE),
        "start": unchanging(Look(WAVE.weights, stability=0.1)),
        "later": looks(bank, tmp_path, "[[cue]]\nat = 5\nstability = 0.3\n"),
        "ramp": looks(bank, tmp_path, "[[cue]]\nat = 5\nstability = 0\nover = 1", Look(WAVE.weights)),
        "other": looks(bank, tmp_path, SCRIPT),
    }
    painters = {name: LookPainter(Painter(engine, bank), plan, None) for name, plan in plans.items()}
    assert [name for name, painter in painters.items() if painter.looks_back] == ["start", "later", "ramp"]
    assert len({painter.identity for painter in painters.values()}) == 5
