"""Assembles a live show from the options of a command, runs it and reports its speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livestyle.app import Director, Finished, LiveShow, Sink
from livestyle.control import Show
from livestyle.meters import Meters, percentiles_ms, process_age_seconds
from livestyle.options import Setup
from livestyle.pacing import CaptureThread
from livestyle.pipeline import Painter
from livestyle.sinks.window import Window
from livestyle.sources import Source

CPU_SIDE_PX = 176
"""Shorter side of live paintings on a CPU: small enough to move."""


@dataclass(frozen=True)
class LiveOptions:
    """What can differ between one live show and another."""

    size: tuple[int, int] | int | None = None
    """Of the paintings; None: the source's own on a GPU, 176 lines on a CPU."""
    window: Window | None = None
    sinks: Sequence[Sink] = ()
    director: Director | None = None
    snapshot_dir: Path = Path(".")
    seconds: float | None = None
    """End so long after the first painting."""


def run_show(setup: Setup, open_source: Callable[[], Source], show: Show, options: LiveOptions) -> Meters:
    """Run a show to its end and say how fast it was. Raises LivestyleError."""

    def make_painter() -> Painter:
        size = options.size
        if size is None and setup.engine.name in ("torch-cpu", "openvino"):
            size = CPU_SIDE_PX
            setup.say(f"painting at {size} lines: on a CPU small pictures move; --size sets another")
        return Painter(setup.engine, setup.bank, size=size)

    meters = LiveShow(
        CaptureThread(open_source),
        make_painter,
        show,
        window=options.window,
        sinks=[*options.sinks, _FirstPainting(setup)],
        director=options.director,
        snapshot_dir=options.snapshot_dir,
        seconds=options.seconds,
    ).run()
    p50, p95 = percentiles_ms(meters.latency_ms)
    stages = ", ".join(f"{stage} {percentiles_ms(ms)[0]:.1f}" for stage, ms in meters.stage_ms.items())
    setup.say(
        f"{meters.shown} paintings, {meters.fps:.1f} fps, latency p50 {p50:.0f} ms p95 {p95:.0f} ms "
        f"(stages p50 in ms: {stages})"
    )
    return meters


class _FirstPainting:
    """A sink that says once how long the first painting took."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._said = False

    def __call__(self, finished: Finished) -> None:
        age_seconds = process_age_seconds()
        if not self._said and age_seconds is not None:
            self._setup.say(f"first painting {age_seconds:.1f} s after the start of the program")
        self._said = True
