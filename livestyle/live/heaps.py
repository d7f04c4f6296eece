"""Keeps the memory of a long show flat where the C library is glibc.

It gives almost every thread a heap of its own. Pictures are made in one thread and freed in another, requests have
short threads, and each heap keeps its holes, so that a show of hours seems to leak. It knows no threads and no show.
"""

from __future__ import annotations

import ctypes
import sys

HEAPS = 2
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def few_heaps() -> bool:
    """Let the threads that start from now on share HEAPS heaps; False where there is no such setting."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS))
    except AttributeError:  # another C library
        return False
