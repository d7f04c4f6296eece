"""A real Chromium without a screen: opens a page and photographs it (DevTools protocol over two pipes)."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from livestyle.frame import Picture

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """A context manager around one Chromium with one page."""

    def __init__(self, folder: Path, size: str = "640,480") -> None:
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        options = f"--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size={size}"
        options += " --remote-debugging-pipe"
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                f'exec "$0" {options} --remote-debugging-pipe --user-data-dir="$1" 3<&{commands} 4>&{answers}',
            ]
            + [str(PROGRAM), str(folder / "profile")],
            pass_fds=[commands, answers],
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._sent = 0
        self._session: str | None = None

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def open(self, address: str) -> None:
        """Show a page."""
        target = self._ask("Target.createTarget", url=address)["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def photograph(self) -> Picture:
        """What the page shows now: HxWx3 uint8 RGB."""
        png = base64.b64decode(self._ask("Page.captureScreenshot")["data"])
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._sent += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._sent, "method": method, "params": parameters, **session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self._sent:
                assert "result" in answer, answer
                return answer["result"]

    def _read(self) -> bytes:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return message
