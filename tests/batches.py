"""Batches of footage, painted here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from PIL import Image

from livestyle.batch.local import BatchOptions, LocalBatch, Outcome
from livestyle.batch.plan import planned
from livestyle.files.jobs import Job
from livestyle.options.painting import PaintingOptions
from livestyle.options.studio import Studio
from tests import media

OPTIONS = PaintingOptions(device="cpu", model="fast", size="48", style="wave", quiet=True)
ARGUMENTS = ("--device", "cpu", "--model", "fast", "--size", "48", "-s", "wave")
"""The same."""


def make_footage(folder: Path) -> Path:
    """film.mp4: five segments with sound; cut.mp4: cut short; bad.mp4: no video; day/p.jpg."""
    (folder / "day").mkdir(parents=True)
    media.write_clip(
        folder / "film.mp4",
        [20 * n for n in range(430)],
        size=(64, 48),
        rate=Fraction(5),
        time_base=Fraction(1, 100),
        options={"bf": "2", "g": "40"},
        sound_starts=(0.0,),
    )
    whole = media.noise_clip(folder / "n.mp4")
    media.cut(whole, folder / "cut.mp4", 0.5)
    whole.unlink()
    (folder / "bad.mp4").write_text("no video", encoding="utf-8")
    Image.effect_noise((64, 48), 60).convert("RGB").save(folder / "day" / "p.jpg")
    return folder


def paint_here(footage: Path, out: Path) -> list[Outcome]:
    """Paint it without a cluster."""
    batch = LocalBatch(Studio(OPTIONS), BatchOptions(unseen))
    return list(batch.paint(planned([footage], out).jobs))


def unseen(job: Job, done: int, expected: int | None) -> None:
    """No progress bar."""
