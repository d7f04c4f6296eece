"""Threads share few heaps."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from livestyle.live.heaps import HEAPS

COUNT = """
import ctypes, sys, threading
from livestyle.live.heaps import few_heaps
assert sys.argv[1] == "all" or few_heaps()
c = ctypes.CDLL(None)
met = threading.Barrier(9)
def take():
    c.malloc(1000)
    met.wait(20)
    met.wait(20)
for _ in range(8):
    threading.Thread(target=take).start()
met.wait(20)
c.malloc_info(0, ctypes.c_void_p.in_dll(c, "stdout"))
c.fflush(None)
met.wait(20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps for threads")
def test_threads_share_few_heaps() -> None:
    def heaps(how: str) -> int:
        env = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"}
        env["PYTHONPATH"] = str(Path(__file__).parent.parent)
        done = subprocess.run(
            [sys.executable, "-c", COUNT, how], env=env, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.count("<heap nr=")

    assert heaps("few") <= HEAPS < heaps("all")
