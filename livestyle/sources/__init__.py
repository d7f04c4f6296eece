"""Where frames come from. Every source delivers RGB; BGR is turned into RGB here and nowhere else."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from livestyle.frame import Frame, Picture


class Source(Protocol):
    """A stream of frames. Used by one thread at a time."""

    name: str
    """What a person calls it: a path, a camera's name, a URL."""

    def read(self) -> Frame | None:
        """The next frame, or None at the end.

        Waits for a camera at most a few seconds. Raises SourceLost when a live source stops, and
        SourceError when a file turns out to be damaged.
        """

    def close(self) -> None:
        """Let go of the device or file; safe to call twice."""


def rgb_from_bgr(bgr: Picture) -> Picture:
    """OpenCV's channel order to ours; HxWx3 uint8 in and out, contiguous."""
    return np.ascontiguousarray(bgr[..., ::-1])
