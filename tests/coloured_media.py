"""Clips in other colour formats than plain SDR, made with PyAV alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from livestyle.sources.color_table import FORMAT
from livestyle.sources.light import Array, Signal, from_sdr
from livestyle.sources.signal import BT2020_NCL

PATCHES = np.array(
    [
        (0, 0, 0),
        (60, 60, 60),
        (150, 150, 150),
        (140, 60, 40),
        (40, 120, 60),
        (50, 60, 150),
        (160, 150, 60),
        (20, 90, 90),
    ]
)
"""SDR colours, RGB, that are dark enough to survive tone mapping."""
_TAGS = {"sdr": 1, "pq": 16, "hlg": 18}
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"


def patches(width: int = 128, height: int = 64) -> np.ndarray:
    """PATCHES side by side, HxWx3 uint8."""
    return np.repeat(PATCHES[None, :, :], height, 0).repeat(width // len(PATCHES), 1).astype(np.uint8)


def patch_means(rgb: np.ndarray) -> np.ndarray:
    """Mean colours of the middle of each patch of a picture."""
    width = rgb.shape[1] // len(PATCHES)
    return np.array([rgb[8:-8, i * width + 4 : (i + 1) * width - 4].mean((0, 1)) for i in range(len(PATCHES))])


def needs_bt2020() -> None:
    """Skip the test where PyAV cannot make pictures with BT.2020's matrix: before 18."""
    if not hasattr(Colorspace, "BT2020"):
        pytest.skip("PyAV before 18 makes no BT.2020")


def hdr_frame(rgb: np.ndarray, signal: Signal) -> av.VideoFrame:
    """An SDR picture as a frame of 10-bit 4:2:0 in that signal, BT.2020 matrix, limited range."""
    needs_bt2020()
    coded: Array = from_sdr(rgb / 255, signal)
    full = av.VideoFrame.from_ndarray(np.rint(coded * 65535).astype(np.uint16), format="rgb48le")
    planes = full.reformat(format=FORMAT)
    return planes.reformat(format="yuv420p10le", dst_colorspace=BT2020_NCL, dst_color_range="MPEG")


def hdr_clip(path: Path, signal: Signal, *, frames: int = 3, mastering: bool = False) -> Path:
    """`patches()` in HEVC Main 10 at 25 fps, with the signal's tags; with mastering: MASTERING, MaxCLL 800."""
    parameters = "log-level=none" + (f":master-display={MASTERING}:max-cll=800,200" if mastering else "")
    options: dict[str, Any] = {"crf": "4", "x265-params": parameters}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=25, width=128, height=64, pix_fmt="yuv420p10le", options=options)
        stream.color_range, stream.colorspace = 1, 9
        stream.color_primaries, stream.color_trc = 9, _TAGS[signal.transfer]
        for i in range(frames):
            frame = hdr_frame(patches(), signal)
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def combed_clip(path: Path, *, moving: bool, frames: int = 12, marked: bool = True) -> Path:
    """A disc that moves right by 8 pixels a field; 96x64 H.264. marked: as interlaced, each picture of two fields.

    moving False: both fields of a picture are of the same moment.
    """
    options = {"crf": "4", "g": "6"}
    options |= {"flags": "+ildct+ilme"} if marked else {}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, width=96, height=64, pix_fmt="yuv420p", options=options)
        for i in range(frames):
            rgb = disc(2 * i)
            if moving:
                rgb[1::2] = disc(2 * i + 1)[1::2]
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def disc(field: int) -> np.ndarray:
    """What is seen at a field's moment: a bright disc on grey, HxWx3 uint8."""
    y, x = np.mgrid[:64, :96]
    inside = (x - 16 - 8 * field % 64) ** 2 + (y - 32) ** 2 < 14**2
    return np.where(inside[..., None], np.uint8(230), np.uint8(40)).repeat(3, 2).astype(np.uint8)
