"""A program that is killed by a test: paints a file slowly, frame by frame, and can be run again to go on.

python -m tests.interrupted IN OUT SECONDS_A_FRAME
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from livestyle.files.transcode import stylize_video
from livestyle.frame import Picture


class SlowPainter:
    """Mixes each frame with those before it, as steadiness does."""

    identity = "mixed"
    looks_back = True
    in_flight = 3

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        self._carried: Picture | None = None

    def start(self, rgb: Picture, pts_seconds: Fraction) -> Picture:
        return rgb

    def finish(self, rgb: Picture) -> Picture:
        time.sleep(self._seconds)
        mixed = rgb if self._carried is None else ((rgb.astype(np.uint16) + self._carried) // 2).astype(np.uint8)
        self._carried = mixed
        return mixed


def run_slowly(source: Path, output: Path, seconds: float) -> None:
    """Paint a file, a frame in that many seconds at least."""
    stylize_video(
        source,
        output,
        SlowPainter(seconds),
        size_of=lambda width, height: (width, height),
        progress=lambda done, expected: print(done, flush=True),
        note=lambda text: print(text, file=sys.stderr),
    )


if __name__ == "__main__":
    run_slowly(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
