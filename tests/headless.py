"""`livestyle live CLIP --no-window ...` as a process of its own, and a port for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from livestyle.assets import asset_dir

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Program:
    """`livestyle live CLIP --no-window ...` in a process."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._log = folder / "stderr.txt"
        with self._log.open("w", encoding="utf-8") as stderr:
            clip = str(asset_dir("media") / "demo.mp4")
            command = ["live", clip, "--no-window", "--device", "cpu", "--size", "48", *arguments]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "livestyle", *command],
                env=os.environ | {"PYTHONPATH": str(ROOT), "DISPLAY": ""},
                cwd=folder,
                stderr=stderr,
            )

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        """Wait for something it says."""
        deadline = time.monotonic() + 90
        while words not in self.said:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.05)
