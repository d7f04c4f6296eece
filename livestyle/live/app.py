"""START HERE: the live show. Three threads and the queues between them.

    capture thread --newest frame--> engine thread --newest painting--> main thread (window, sinks, outputs)

Both queues hold one item and newer ones replace it, so a picture is never older than the work on
it. The main thread owns the state that commands change, from keys and from the outputs' inbox; the engine
thread reads it once a frame. Outputs and snapshots have threads of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from livestyle.frame import Picture
from livestyle.live import hud
from livestyle.live.engine_thread import EngineThread, Finished
from livestyle.live.interrupt import stopped_by_signals
from livestyle.live.mouse import pointed
from livestyle.live.outputs import Outputs
from livestyle.live.snapshots import Snapshots
from livestyle.meters import IDLE_STAGE, Meters
from livestyle.painting.pipeline import Painter, prepared, timed
from livestyle.remote.inbox import Request, State
from livestyle.remote.state import outputs_state, show_state, stats_state
from livestyle.show.changes import Change
from livestyle.show.control import command_for_key, command_named, help_lines
from livestyle.show.keys import key_name
from livestyle.show.state import Show, describe
from livestyle.show.view import View
from livestyle.sinks.window import Window
from livestyle.sources.pacing import CaptureThread

NOTHING_YET: Picture = np.zeros((360, 640, 3), np.uint8)
KEY_SECONDS = 0.015
"""Longest wait for a painting before keys and the inbox are looked at again."""
MESSAGE_SECONDS = 2.5


Sink = Callable[[Finished], None]
Director = Callable[[Show, float], Show]


def in_turn(*directors: Director) -> Director:
    """One director of several; each sees what the one before has made of the state."""

    def direct(show: Show, now_seconds: float) -> Show:
        for director in directors:
            show = director(show, now_seconds)
        return show

    return direct


class LiveShow:
    """Runs a show from the first frame to the last; see the module's picture."""

    def __init__(
        self,
        capture: CaptureThread,
        make_painter: Callable[[], Painter],
        show: Show,
        *,
        window: Window | None,
        sinks: Sequence[Sink] = (),
        outputs: Outputs | None = None,
        director: Director | None = None,
        on_change: Callable[[Change], None] | None = None,
        snapshot_dir: Path = Path("."),
        seconds: float | None = None,
    ) -> None:
        """director: changes the state by itself, as a demo does. seconds: end after that long.

        on_change: is called, in the engine thread, when the look has changed.
        """
        self.show = show
        self.meters = Meters()
        self.capture = capture
        self._engine = EngineThread(make_painter, capture.latest, show, on_change)
        self._window = window
        self._sinks = sinks
        self._outputs = outputs or Outputs(snapshot_dir)
        self._director = director
        self._snapshots = Snapshots(snapshot_dir, self._outputs.report)
        self._seconds = seconds
        self._interrupted = False
        self._current: Finished | None = None
        self._message_until = 0.0
        self._composed: tuple[tuple[Finished, View], Picture] | None = None
        self._on_screen: Picture | None = None
        self._around_it: tuple[hud.Overlay, tuple[int, int]] | None = None

    def run(self) -> Meters:
        """Show until the person quits, the time is over or the source ends. Raises LivestyleError."""
        self.capture.start()
        self._engine.start()
        self._outputs.start()
        self._snapshots.start()
        self._outputs.follow(self.show.recording)
        try:
            with stopped_by_signals(self._interrupt):
                while not self.show.quitting and not self._over():
                    self._tick()
        finally:
            self._engine.stop()
            self.capture.stop()
            self._outputs.stop()
            self._snapshots.join()
            if self._window:
                self._window.close()
        return self.meters

    def _interrupt(self) -> None:
        self._interrupted = True

    def _over(self) -> bool:
        """Time is up, the source has ended, or the window is gone. Raises what a thread ran into."""
        if self._engine.error:
            raise self._engine.error
        self.capture.raise_if_failed()
        first = self.meters.first_shown_seconds
        if self._interrupted:
            return True
        if self._seconds is not None and first is not None and time.monotonic() - first >= self._seconds:
            return True
        if self.capture.status == "ended" and self.capture.latest.peek() is None and self._current is not None:
            return self._window is None
        return bool(self._window and self._window.closed)

    def _tick(self) -> None:
        if self._director and self._current is not None:
            self._change(self._director(self.show, time.monotonic()))
        self._listen()
        finished = self._engine.finished.take(KEY_SECONDS)
        if finished is not None:
            self._current = finished
            self._outputs.put(replace(finished.frame, rgb=finished.painting.rgb))
            for sink in self._sinks:
                sink(finished)
        show_ms: dict[str, float] = {}
        if self._window:
            with timed(show_ms, "show"):
                self._refresh(self._window)
        if finished is not None:
            stage_ms = {IDLE_STAGE: finished.wait_ms, **finished.painting.stage_ms, **show_ms}
            self.meters.painting_shown(time.monotonic(), finished.frame.grabbed_at, stage_ms, finished.queue_ms)

    def _listen(self) -> None:
        """Do what came from elsewhere, and pass on what the outputs have to say."""
        for error in self._outputs.inbox.serve(self._obey):
            self._outputs.report(str(error))
        if news := self._outputs.news():
            self._change(replace(self.show, message=news))

    def _obey(self, request: Request) -> State:
        """Do a command from elsewhere; the state after it. Raises SettingError."""
        if request.name is not None:
            command = command_named(request.name)
            self._change(command.run(replace(self.show, message=""), time.monotonic(), request.value))
        return show_state(self.show, time.monotonic()) | {
            "source": self.capture.status,
            "stats": stats_state(self.meters, self.capture.frames_dropped, self._engine.finished.dropped),
            "outputs": outputs_state(self._outputs.statuses()),
            "viewers": self._outputs.viewers(),
        }

    def _refresh(self, window: Window) -> None:
        window.set_fullscreen(self.show.fullscreen)
        picture, overlay = self._picture(), self._overlay()
        around = overlay, window.size
        if picture is not self._on_screen or around != self._around_it:  # an unchanged window costs nothing
            window.show(picture, lambda scaled: hud.draw(scaled, overlay))
            self._on_screen, self._around_it = picture, around
        command = command_for_key(key_name(window.poll_key()))
        if command:
            self.press(command.keys[0])
        for pointer in window.poll_mouse():
            self._change(pointed(self.show, pointer))

    def press(self, key: str) -> None:
        """Do what a key does."""
        command = command_for_key(key)
        if command:
            self._change(command.run(replace(self.show, message=""), time.monotonic()))

    def _change(self, show: Show) -> None:
        if show is self.show:
            return
        if show.snapshots > self.show.snapshots:
            show = replace(show, message=self._snapshot())
        if show.message:
            self._message_until = time.monotonic() + MESSAGE_SECONDS
        self.show = self._engine.show = show
        self._outputs.follow(show.recording)

    def _snapshot(self) -> str:
        """Have the clean painting saved; what to tell the person."""
        return "nothing painted yet" if self._current is None else self._snapshots.save(self._current.painting.rgb)

    def _picture(self) -> Picture:
        if self._current is not None:
            return self._viewed(self._current)
        frame = self.capture.latest.peek()
        return frame.rgb if frame is not None else NOTHING_YET

    def _viewed(self, current: Finished) -> Picture:
        """The painting as the view shows it; the same object while neither changes."""
        if self.show.view.mode == "painting":
            return current.painting.rgb
        of = current, self.show.view
        if self._composed is None or self._composed[0] != of:
            painting = current.painting.rgb
            photograph = prepared(current.frame.rgb, (painting.shape[1], painting.shape[0]), current.look)
            self._composed = of, self.show.view.compose(painting, photograph)
        return self._composed[1]

    def _overlay(self) -> hud.Overlay:
        return hud.Overlay(
            lines=self._hud_lines()
            if self.show.hud and self._current and not (self.show.help or self.show.pad)
            else (),
            help=tuple(help_lines(self.show)) if self.show.help else (),
            message=self._message(),
            corners=self.show.pad.labels if self.show.pad else (),
        )

    def _message(self) -> str:
        if self.capture.status.startswith("lost"):
            return self.capture.status
        if self._current is None:
            return "loading the network ..."
        return self.show.message if time.monotonic() < self._message_until else ""

    def _hud_lines(self) -> tuple[str, ...]:
        assert self._current is not None and self._engine.painter is not None
        painting, look = self._current.painting, self._current.look
        height, width = painting.rgb.shape[:2]
        engine = self._engine.painter.engine
        size = hud.size_text(width, height, painting.working_size)
        extras = [f"alpha {look.alpha:.2f}", f"steady {look.stability:.2f}"]
        extras += [
            word
            for word, on in (
                ("own colours", look.preserve_color),
                ("mirror", look.mirror),
                ("frozen", self.show.frozen),
                ("shuffle", self.show.shuffle),
            )
            if on
        ]
        if look.layout:
            extras.append(look.layout.area.names[look.layout.focus])
        rate, latency_ms = self.meters.rate.per_second, self.meters.recent_latency_ms()
        outputs = self._outputs.summary()
        return (
            f"{rate:.1f} fps   {latency_ms:.0f} ms glass to glass   {size}",
            f"{hud.stages_text(self.meters.recent_stage_ms())}   {engine.name} {engine.precision}".strip(),
            f"{'camera itself' if look.bypass else describe(look.weights)}   {'   '.join(extras)}",
            *([outputs] if outputs else []),
        )
