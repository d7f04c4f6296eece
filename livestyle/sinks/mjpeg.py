"""The newest painting as JPEG, for any number of watchers: encoded once for all, and only while one asks.

The show leaves a painting here and goes on; the first watcher that wants it encodes it in its own thread.
A watcher that is slow gets the newest when it comes back, so nothing ever waits in a queue.
What it does not know: HTTP (`livestyle.remote.http`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2

from livestyle.frame import Picture

QUALITY = 85


@dataclass(frozen=True)
class Jpeg:
    """An encoded painting. number: rises with each painting."""

    number: int
    data: bytes


class JpegFeed:
    """Where paintings are left and JPEGs are taken; for any thread."""

    def __init__(self) -> None:
        self.encoded = 0
        self._changed = threading.Condition()
        self._encoding = threading.Lock()
        self._rgb: Picture | None = None
        self._number = 0
        self._jpeg: Jpeg | None = None
        self._closed = False

    def put(self, rgb: Picture) -> None:
        """Leave a painting (HxWx3 uint8 RGB), not to be changed any more; never waits."""
        with self._changed:
            self._rgb, self._number = rgb, self._number + 1
            self._changed.notify_all()

    def newest(self, after: int, timeout_seconds: float) -> Jpeg | None:
        """The newest painting as JPEG once there is one after that number; None after the timeout and once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > after or self._closed, timeout_seconds)
            if self._closed or self._number <= after:
                return None
        with self._encoding:  # the others wait here, and find it done
            with self._changed:
                rgb, number = self._rgb, self._number
            if rgb is not None and (self._jpeg is None or self._jpeg.number != number):
                self._jpeg = Jpeg(number, encoded(rgb))
                self.encoded += 1
            return self._jpeg

    @property
    def closed(self) -> bool:
        """No painting comes any more."""
        return self._closed

    def close(self) -> None:
        """The show is over: wake everyone who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def encoded(rgb: Picture) -> bytes:
    """A picture (HxWx3 uint8 RGB) as JPEG."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(data.tobytes())
