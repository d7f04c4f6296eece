"""Records the live show into a video file: mp4 or mkv, with the times at which the frames were grabbed.

Until it is stopped the file has a hidden name beside its own, and plays as it is: after a crash, kill -9 or a
full disk all but the last half second is there (see `sinks/video.py`). The first picture decides the size. No
recording ever replaces a file: where the name is taken, also by a recording that is still written, a number is added.
What it does not know: sound, and who asked for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from livestyle.errors import OutputError, SettingError
from livestyle.frame import Frame
from livestyle.sinks.background import BackgroundSink, OutputStatus
from livestyle.sinks.fixed_size import even_size, fitted
from livestyle.sinks.output_file import check_output
from livestyle.sinks.video import VideoOptions, VideoSink

SUFFIXES = (".mp4", ".mkv")
MIN_FREE_MIB = 64
PLACES = 8
"""Frames that may wait for the encoder: it takes its time over a hard one."""


def check_recording(path: Path) -> None:
    """Fail before the show begins: SettingError for the suffix, OutputError for the place."""
    if path.suffix.lower() not in SUFFIXES:
        raise SettingError(f"--record {path}: suffix {path.suffix!r} cannot be recorded to; use .mp4 or .mkv")
    check_output(path)


class Recording:
    """One file, as an `Output` of a BackgroundSink."""

    def __init__(self, path: Path, first: Frame) -> None:
        """path: gets a number where it is taken.

        Raises OutputError, also when the disk is nearly full: no row of tiny files.
        """
        free_mib = shutil.disk_usage(path.parent).free >> 20
        if free_mib < MIN_FREE_MIB:
            raise OutputError(f"{path}: {free_mib} MiB free, and a recording needs {MIN_FREE_MIB}: free some space")
        self._start_seconds = self._last_seconds = first.grabbed_at
        options = VideoOptions(size=even_size(first.rgb), survives=True)
        self._size = options.size
        self._sink = VideoSink(path, options).__enter__()
        self._frames = 0
        self._broken = False

    @property
    def said(self) -> str:
        """Where it goes, in one line."""
        return f"recording to {self._sink.path} (until it is stopped, {self._sink.partial.name}: it plays too)"

    def write(self, frame: Frame) -> None:
        """Add a frame. Raises OutputError."""
        try:
            self._sink.write(fitted(frame.rgb, self._size), Fraction(frame.grabbed_at - self._start_seconds))
        except OutputError:
            self._broken = True  # the sink has closed the file already, with what it has
            raise
        self._frames += 1
        self._last_seconds = frame.grabbed_at

    def close(self) -> str:
        """Finish the file. Raises OutputError."""
        if self._broken:
            return ""
        self._sink.__exit__(None, None, None)
        seconds = self._last_seconds - self._start_seconds
        return f"recorded {self._sink.path} ({self._frames} frames, {seconds:.1f} s)"


class Recorder:
    """Starts and stops recordings. Its methods belong to one thread."""

    def __init__(self, path: Path | None, folder: Path, report: Callable[[str], None]) -> None:
        """path: of the recordings; None: livestyle-DATE-TIME.mp4 in the folder. Report is as in BackgroundSink."""
        self._path, self._folder = path, folder
        self._report = report
        self._sink: BackgroundSink | None = None
        self._ending: list[BackgroundSink] = []
        self._first_seconds = self._last_seconds = 0.0

    @property
    def on(self) -> bool:
        """A recording was started and not stopped."""
        return self._sink is not None

    def start(self) -> None:
        """Record from the next frame on."""
        self._first_seconds = self._last_seconds = 0.0
        self._sink = BackgroundSink("recording", self._open, self._report, places=PLACES)

    def stop(self) -> None:
        """End the recording; the file is finished in the background."""
        if self._sink is not None:
            self._sink.stop()
            self._ending = [sink for sink in self._ending if not sink.join(0)] + [self._sink]
            self._sink = None

    def put(self, frame: Frame) -> None:
        """Record a frame, if a recording is on; never waits."""
        if self._sink is not None:
            self._first_seconds = self._first_seconds or frame.grabbed_at
            self._last_seconds = frame.grabbed_at
            self._sink.put(frame)

    def join(self) -> None:
        """Stop, and wait until all files are whole; each for a bounded time."""
        self.stop()
        for sink in self._ending:
            if not sink.join():
                self._report(f"{sink.name}: the disk does not answer; the file is left as it is, and plays")

    @property
    def status(self) -> OutputStatus | None:
        """Of the recording that is on."""
        return self._sink.status if self._sink is not None else None

    @property
    def seconds(self) -> float:
        """How long this recording is."""
        return self._last_seconds - self._first_seconds

    def _open(self, first: Frame) -> Recording:
        default = self._folder / f"livestyle-{datetime.now():%Y%m%d-%H%M%S}.mp4"
        recording = Recording(self._path or default, first)
        self._report(recording.said)
        return recording
