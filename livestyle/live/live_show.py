"""Assembles a live show from the options of a command, runs it and reports its speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livestyle.live import hud
from livestyle.live.app import Director, LiveShow, Sink
from livestyle.live.engine_thread import Finished
from livestyle.live.heaps import few_heaps
from livestyle.live.outputs import Outputs
from livestyle.meters import Meters, process_age_seconds
from livestyle.options.setup import Setup
from livestyle.painting.pipeline import Painter
from livestyle.painting.rate import RateHold
from livestyle.show.changes import Change
from livestyle.show.state import Show
from livestyle.sinks.window import Window
from livestyle.sources import Source
from livestyle.sources.pacing import CaptureThread

CPU_SIDE_PX = {"paper": 176, "fast": 720}
"""Shorter side of live paintings on a CPU, at most: with `paper` small enough to move, with `fast` to draw."""


@dataclass(frozen=True)
class LiveOptions:
    """What can differ between one live show and another."""

    size: tuple[int, int] | int | None = None
    """Of the paintings; None: the source's own, no larger than CPU_SIDE_PX on a CPU."""
    hold: RateHold | None = None
    """Holds a frame rate by painting at a smaller size; None: never smaller."""
    window: Window | None = None
    sinks: Sequence[Sink] = ()
    outputs: Outputs | None = None
    """None: only a recording, when one is asked for."""
    director: Director | None = None
    on_change: Callable[[Change], None] | None = None
    """Is told, in the engine thread, how the look changes."""
    snapshot_dir: Path = Path(".")
    seconds: float | None = None
    """End so long after the first painting."""


def run_show(setup: Setup, open_source: Callable[[], Source], show: Show, options: LiveOptions) -> Meters:
    """Run a show to its end and say how fast it was. Raises LivestyleError."""
    few_heaps()

    def make_painter() -> Painter:
        engine, largest = setup.engine, None
        if options.size is None and engine.name in ("torch-cpu", "openvino"):
            largest = CPU_SIDE_PX[engine.model]
            setup.say(f"painting at {largest} lines at most: on a CPU smaller pictures move; --size sets another size")
        return Painter(engine, setup.bank, size=options.size, largest=largest, hold=options.hold)

    report = _Report(setup)
    meters = LiveShow(
        CaptureThread(open_source),
        make_painter,
        show,
        window=options.window,
        sinks=[*options.sinks, report],
        outputs=options.outputs or Outputs(options.snapshot_dir, setup.say),
        director=options.director,
        on_change=options.on_change,
        snapshot_dir=options.snapshot_dir,
        seconds=options.seconds,
    ).run()
    report.close(meters)
    return meters


class _Report:
    """A sink that says once how long the first painting took, and at the end how fast the show was."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._said = False
        self._size_text = ""

    def __call__(self, finished: Finished) -> None:
        age_seconds = process_age_seconds()
        if not self._said and age_seconds is not None:
            self._setup.say(f"first painting {age_seconds:.1f} s after the start of the program")
        self._said = True
        height, width = finished.painting.rgb.shape[:2]
        if finished.painting.working_size:
            self._size_text = f", at last {hud.size_text(width, height, finished.painting.working_size)}"

    def close(self, meters: Meters) -> None:
        """Say what the show's meters have."""
        p50, p95 = meters.latency.percentiles_ms()
        stages = ", ".join(f"{stage} {times.percentiles_ms()[0]:.1f}" for stage, times in meters.stages.items())
        self._setup.say(
            f"{meters.shown} paintings{self._size_text}, {meters.fps:.1f} fps, latency p50 {p50:.0f} ms "
            f"p95 {p95:.0f} ms (stages p50 in ms: {stages})"
        )
