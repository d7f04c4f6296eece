"""Films painted in batches by the CUDA engine on a simulated GPU, whatever their looks do and wherever they go on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from livestyle.files.file_painter import LookPainter
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.model.weights import models_in
from livestyle.painting.pipeline import Painter
from livestyle.script.script import read_script, timeline
from livestyle.show.state import new_show
from tests import media
from tests.simulated_gpu import SimulatedGpu, furthest, simulated

LOOKS = """
[[cue]]
at = 3
style = "scream"
fade = 4
[[cue]]
at = 8
bypass = true
[[cue]]
at = 8.5
bypass = false
[[cue]]
at = 12
alpha = 0.3
over = 4
[[cue]]
at = 17
regions = { left = "wave", right = "original" }
[[cue]]
at = 18
regions = { left = "wave", right = "scream" }
[[cue]]
at = 19
regions = {}
stability = 0
[[cue]]
at = 23
stability = 0.7
[[cue]]
at = 25
color = true
[[cue]]
at = 31
palette = false
"""


class Film(LookPainter):
    """Paints with LOOKS, with a simulated engine, and keeps what it painted."""

    def __init__(self, folder: Path, batch: int, fails_at_seconds: float = 1e9) -> None:
        script = folder / "looks.toml"
        script.write_text(LOOKS, encoding="utf-8")
        show = new_show(("wave", "scream"), Look((("wave", 1.0),)))
        self.gpu = SimulatedGpu(batch)
        self.paintings: list[Picture] = []
        self._fails_at_seconds = fails_at_seconds
        painter = Painter(simulated(models_in()[-1], batch=batch, gpu=self.gpu), Bank())
        self.gpu.replays.clear()
        super().__init__(painter, timeline(read_script(script), show), None)

    def start(self, rgb: Picture, pts_seconds: Fraction) -> object:
        if pts_seconds > self._fails_at_seconds:
            raise RuntimeError("the network is gone")
        return super().start(rgb, pts_seconds)

    def finish(self, started: object) -> Picture:
        self.paintings.append(super().finish(started))
        return self.paintings[-1]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments: 36 s at 4 fps, 48x32."""
    ticks = [25 * n for n in range(4 * 36)]
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    rate, tick = Fraction(4), Fraction(1, 100)
    return media.write_clip(path, ticks, size=(48, 32), rate=rate, time_base=tick, draw=media.moving_picture)


def test_a_film_in_batches_is_the_one_that_is_painted_frame_by_frame(source: Path, tmp_path: Path) -> None:
    films = [Film(tmp_path, batch) for batch in (1, 8)]
    for film in films:
        media.transcode(source, tmp_path / f"{len(film.paintings)}.mp4", film, resume=False)
    one, eight = films
    assert len(one.paintings) == len(eight.paintings) > 4 * 36  # with those that lead in
    assert max(furthest(a, b) for a, b in zip(one.paintings, eight.paintings, strict=True)) <= 3
    assert set(one.gpu.replays) == {1} and set(eight.gpu.replays) == {1, 8}
    fade = 4 * 4  # frames of a crossfade have kernels of their own, so they are batches of their own
    in_regions = 4 * 2
    assert eight.gpu.replays.count(1) == in_regions
    assert eight.gpu.replays.count(8) < fade + (len(one.gpu.replays) - fade - in_regions) / 6


@pytest.mark.parametrize("seconds", [30, 34])
def test_a_film_that_is_gone_on_with_is_the_one_that_was_not_interrupted(
    source: Path, tmp_path: Path, seconds: float
) -> None:
    whole = Film(tmp_path, 8)
    media.transcode(source, tmp_path / "whole.mp4", whole)
    output = tmp_path / "parts.mp4"
    with pytest.raises(RuntimeError):
        media.transcode(source, output, Film(tmp_path, 8, fails_at_seconds=seconds))
    rest = Film(tmp_path, 8)
    report = media.transcode(source, output, rest)
    assert report.resumed == 4 * 20
    assert all(np.array_equal(a, b) for a, b in zip(rest.paintings[::-1], whole.paintings[::-1], strict=False))
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
