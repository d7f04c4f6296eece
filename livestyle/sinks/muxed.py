"""A video that is written, into a file or a pipe: its container, and the tracks that are copied into it."""

from __future__ import annotations

from contextlib import suppress

import av
from av.container import OutputContainer

from livestyle.sinks.tracks import Tracks


class Muxed:
    """The container is there once it was opened, the tracks if there are any to copy."""

    _container: OutputContainer | None = None
    _tracks: Tracks | None = None

    @property
    def damage(self) -> str:
        """What was wrong with the other tracks, in one line."""
        return self._tracks.damage if self._tracks else ""

    def _complete(self) -> None:
        """Write what is left of the tracks and close all. Raises FFmpegError, OSError."""
        assert self._container is not None
        if self._tracks:
            self._tracks.advance(None)
            self._tracks.close()
        self._container.close()

    def _abandon(self) -> None:
        """Close all; what brought us here is the failure to report, not what follows from it."""
        if self._tracks:
            self._tracks.close()
        if self._container is not None:
            with suppress(av.FFmpegError, OSError):
                self._container.close()
