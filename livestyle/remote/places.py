"""A number of places that threads take and leave."""

from __future__ import annotations

import threading


class Places:
    """At most `count` are taken at a time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many are taken now."""
        return self._taken

    def take(self) -> bool:
        """Take one; False when there is none. Does not wait."""
        with self._lock:
            if self._taken >= self.count:
                return False
            self._taken += 1
            return True

    def leave(self) -> None:
        """Give one back."""
        with self._lock:
            self._taken -= 1
