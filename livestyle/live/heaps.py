"""Keeps the memory of a long show flat where the C library is glibc.

It gives almost every thread a heap of its own. Pictures are made in one thread and freed in another, requests have
short threads, and each heap keeps its holes, so that a show of hours seems to leak. The largest holes are those of
a network that was compiled and of a recording. It knows no threads and no show.
"""

from __future__ import annotations

import ctypes
import sys

HEAPS = 2
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def few_heaps() -> bool:
    """Let the threads that start from now on share HEAPS heaps; False where there is no such setting."""
    return _asked("mallopt", _M_ARENA_MAX, HEAPS)


def give_back() -> bool:
    """Give the system the memory that no thread needs, in a millisecond or two; False where nothing was given."""
    return _asked("malloc_trim", 0)


def _asked(name: str, *arguments: int) -> bool:
    """What a function of glibc's answers; False without it."""
    if sys.platform != "linux":
        return False
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except AttributeError:  # another C library
        return False
