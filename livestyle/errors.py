"""Everything livestyle raises on purpose. A message is one line: the value, what is allowed, what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


class LivestyleError(Exception):
    """The base: the command line prints it as one line and exits with `exit_code`."""

    exit_code = 2


class PartialError(LivestyleError):
    """The output is there and plays, but the input was damaged or cut short, and what could not be read is missing.

    For a command to raise when all else is done: nothing is deleted, the line says what is missing, exit code 3.
    """

    exit_code = 3


class ReaderGone(LivestyleError):
    """Nobody reads standard output any more. It is silent, with the exit code of programs that SIGPIPE ends."""

    exit_code = 128 + 13

    def __init__(self) -> None:
        super().__init__("")


class SettingError(LivestyleError):
    """An option or a Look has a value that is not allowed."""


class SourceError(LivestyleError):
    """A camera, video, image or folder cannot be read."""


class SourceLost(SourceError):
    """A live source that had been delivering frames stopped; opening it again may help."""


class StyleError(LivestyleError):
    """A style is unknown, cannot be computed or belongs to another encoder."""


class WeightsError(LivestyleError):
    """A weights file is missing, damaged or of the wrong shape."""


class DeviceError(LivestyleError):
    """The computing device asked for is not there."""


class OutputError(LivestyleError):
    """An output cannot be written, or there is no screen to show it on."""


def nearest_names(name: str, known: Sequence[str]) -> str:
    """The known names closest to a misspelt one, for a message."""
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4)
    return ", ".join(close or known[:5])
