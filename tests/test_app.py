"""The live loop with a quick engine and frames from memory: threads, freeze, snapshots, failures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import SourceError
from livestyle.frame import Frame, Picture
from livestyle.live import hud, snapshots
from livestyle.live.app import LiveShow
from livestyle.live.demo import SHOT_SECONDS, ContactSheet, Walk, shots
from livestyle.live.engine_thread import Finished
from livestyle.live.live_show import LiveOptions, run_show
from livestyle.live.outputs import Outputs
from livestyle.live.snapshots import PLACES
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painter, Painting
from livestyle.painting.rate import RateHold
from livestyle.show.state import pick
from livestyle.sources.pacing import CaptureThread
from tests.conftest import CountingEngine
from tests.running import PATIENCE_SECONDS, Camera, NoWindow, SmallHold, make_show


def live(bank: Bank, engine: CountingEngine, source: Callable[[], Camera], **options: Any) -> LiveShow:
    """A show without a window."""
    return LiveShow(CaptureThread(source), lambda: Painter(engine, bank), make_show(bank), window=None, **options)


def test_a_show_without_a_window_runs_its_sinks_and_ends(bank: Bank, counting_engine: CountingEngine) -> None:
    got: list[Finished] = []
    show = live(
        bank,
        counting_engine,
        Camera,
        sinks=[got.append],
        seconds=0.5,
    )
    show.press(",")
    while show.show.look.stability:
        show.press(",")
    meters = show.run()
    assert meters.shown == len(got) >= 3
    indices = [f.frame.index for f in got]
    assert indices == sorted(set(indices))
    for finished in got:
        np.testing.assert_array_equal(finished.painting.rgb, 255 - finished.frame.rgb)
    assert meters.latency.count == meters.shown and min(meters.latency.recent) >= 0
    assert {"prepare", "network"} <= set(meters.stages)
    assert threading.active_count() < 10


def test_the_end_of_the_source_ends_a_show_without_a_window(bank: Bank, counting_engine: CountingEngine) -> None:
    show = live(bank, counting_engine, lambda: Camera(5))
    assert show.run().shown >= 1


def test_a_source_that_cannot_be_opened_is_raised(bank: Bank, counting_engine: CountingEngine) -> None:
    def no_camera() -> Camera:
        raise SourceError("camera 7 is not there")

    show = live(bank, counting_engine, no_camera)
    with pytest.raises(SourceError, match="camera 7"):
        show.run()


def test_a_painter_that_cannot_be_built_is_raised(bank: Bank) -> None:
    def no_painter() -> Painter:
        raise RuntimeError("no engine")

    with pytest.raises(RuntimeError, match="no engine"):
        LiveShow(CaptureThread(Camera), no_painter, make_show(bank), window=None).run()


def test_the_numbers_say_where_the_time_goes(
    bank: Bank, counting_engine: CountingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlays: list[hud.Overlay] = []
    real_draw = hud.draw

    def draw(rgb: Picture, overlay: hud.Overlay) -> Picture:
        overlays.append(overlay)
        return real_draw(rgb, overlay)

    monkeypatch.setattr(hud, "draw", draw)
    painter = Painter(counting_engine, bank, hold=SmallHold())
    window: Any = NoWindow()
    meters = LiveShow(CaptureThread(Camera), lambda: painter, make_show(bank), window=window, seconds=0.5).run()
    assert list(meters.stages) == ["wait", "prepare", "steady", "style", "network", "enlarge", "show"]
    assert min(meters.stages["show"].recent) >= 20
    size, stages, _ = overlays[-1].lines
    assert "64x48 painted at 32x24" in size
    assert "show " in stages and stages.endswith("ms   counting float32")


@dataclass
class Parts:
    """What `run_show` needs of a Setup."""

    engine: CountingEngine
    bank: Bank
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize(("hold", "said"), [(SmallHold(), "64x48 painted at 32x24, "), (None, "64x48, ")])
def test_the_report_names_the_size_of_the_work(
    bank: Bank, counting_engine: CountingEngine, hold: RateHold | None, said: str
) -> None:
    setup: Any = Parts(counting_engine, bank)
    run_show(setup, lambda: Camera(5), make_show(bank), LiveOptions(hold=hold))
    assert said in setup.said[-1] and " fps, latency" in setup.said[-1] and "network" in setup.said[-1]


def test_snapshot_saves_the_clean_painting(bank: Bank, counting_engine: CountingEngine, tmp_path: Path) -> None:
    shown: list[Picture] = []
    messages: list[str] = []

    def press_s(finished: Finished) -> None:
        shown.append(finished.painting.rgb)
        if len(shown) == 3:
            show.press("s")
            messages.append(show.show.message)
            show.press("q")

    show = live(
        bank,
        counting_engine,
        Camera,
        sinks=[press_s],
        snapshot_dir=tmp_path,
    )
    show.run()
    (file,) = tmp_path.glob("livestyle-*.png")
    np.testing.assert_array_equal(np.asarray(Image.open(file)), shown[2])
    assert file.name in messages[0]


def test_snapshot_that_cannot_be_saved_is_a_message(
    bank: Bank, counting_engine: CountingEngine, tmp_path: Path
) -> None:
    said: list[str] = []

    def press_s(_: Finished) -> None:
        show.press("s")
        show.press("q")

    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    show = live(
        bank,
        counting_engine,
        Camera,
        sinks=[press_s],
        snapshot_dir=tmp_path / "file",
        outputs=Outputs(tmp_path, said.append),
    )
    show.run()
    assert said[0].startswith("no snapshot: ") and str(tmp_path / "file") in said[0]


def test_a_slow_disk_for_snapshots_stops_no_painting(
    bank: Bank, counting_engine: CountingEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = threading.Event()
    said: list[str] = []
    shown: list[Finished] = []

    def slow(path: Path, rgb: Picture) -> None:
        assert seen.wait(PATIENCE_SECONDS), "the show waited"

    def press(finished: Finished) -> None:
        shown.append(finished)
        show.press("s")
        said.append(show.show.message)
        if len(shown) == PLACES + 10:
            seen.set()
            show.press("q")

    monkeypatch.setattr(snapshots, "save_image", slow)
    show = live(
        bank, counting_engine, Camera, sinks=[press], snapshot_dir=tmp_path, outputs=Outputs(tmp_path, said.append)
    )
    show.run()
    assert any("others still wait for the disk" in text for text in said)
    assert sum(text.startswith("saved ") for text in said) >= PLACES


def test_walk_visits_the_shots_until_the_person_takes_over(bank: Bank) -> None:
    walk, show = Walk(bank.names), make_show(bank)
    show = replace(show, look=Look(((bank.names[0], 1.0),), palette=False))
    seen = []
    for second in range(0, 60):
        show = walk(show, float(second))
        seen.append(show.look.weights)
    assert [w for w in shots(bank.names) if w in seen] == shots(bank.names)
    assert max(len(w) for w in seen) == 3
    show = pick(show, bank.names[8], 60.0)
    for second in range(61, 80):
        show = walk(show, float(second))
    assert show.look.weights == ((bank.names[8], 1.0),)
    assert SHOT_SECONDS > 0


def test_autoplay_ends_the_walk(bank: Bank) -> None:
    walk, show = Walk(bank.names), make_show(bank)
    for second in range(8):
        show = walk(show, float(second))
    walked = show.look.weights
    for second in range(8, 30):
        show = walk(replace(show, shuffle=second < 20), float(second))
    assert show.look.weights == walked


def test_contact_sheet_spreads_over_the_time(tmp_path: Path) -> None:
    sheet = ContactSheet(seconds=9.0)
    for i in range(90):
        frame = Frame(np.zeros((36, 64, 3), np.uint8), i, Fraction(i, 10), grabbed_at=100 + i / 10)
        sheet(
            Finished(frame, Painting(np.full((36, 64, 3), 2 * i, np.uint8), {}), Look((("wave", 1.0),), palette=False))
        )
    sheet.save(tmp_path / "sheet.png")
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))
    cells = [picture[240 * r + 20, 426 * c + 20, 0] for r in range(3) for c in range(3)]
    assert cells == [20 * i for i in range(9)]
