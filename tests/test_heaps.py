"""Threads share few heaps, and holes in them are given back."""

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

HOLES = """
import ctypes
import psutil
from livestyle.live.heaps import give_back
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def mib():
    return psutil.Process().memory_info().rss / 2**20
parts = [c.malloc(10_000) for _ in range(6_000)]
for part in parts:
    ctypes.memset(part, 1, 10_000)
full = mib()
for part in parts[:-1]:  # the last one is at the end of the heap
    c.free(part)
freed = mib()
assert give_back()
print(full - freed, freed - mib())
"""
"""57 MiB, of which glibc keeps nearly all until it is asked."""

on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps for threads")


@on_glibc
def test_threads_share_few_heaps() -> None:
    few, many = (_said_by(COUNT, how).count("<heap nr=") for how in ("few", "all"))
    assert few <= HEAPS < many


@on_glibc
def test_what_no_thread_needs_is_given_back() -> None:
    kept_mib, given_mib = map(float, _said_by(HOLES).split())
    assert kept_mib < 10 and given_mib > 40


def _said_by(script: str, *arguments: str) -> str:
    env = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"}
    env["PYTHONPATH"] = str(Path(__file__).parent.parent)
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=True, timeout=60).stdout
