"""The options of FFmpeg's encoders for an encoding: quality, preset, and what HDR displays want to know."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2

from livestyle.sinks.codecs import CODECS
from livestyle.sources.light import WHITE_NITS
from livestyle.sources.signal import Mastering

if TYPE_CHECKING:
    from livestyle.sinks.encoder import Encoding


THREADS = 4
"""Of x264, on any machine: what it writes depends on their number."""
_AVX_512F = 13
"""OpenCV's number (cv::CpuFeatures, CV_CPU_AVX_512F), which has no name in Python."""


def encoder_options(encoding: Encoding) -> dict[str, object]:
    """As names and values."""
    codec = CODECS[encoding.codec]
    preset = encoding.preset or codec.preset
    crf = encoding.crf if encoding.crf is not None or codec.crf is None else codec.crf[2]
    if encoding.nvenc:
        return {"preset": encoding.preset or "p4", "rc": "vbr", "cq": str(max(1, crf or 0)), "b": "0"}  # 0 is auto
    return _BUILDERS[encoding.codec](encoding, str(crf), preset)


def _x264(encoding: Encoding, crf: str, preset: str) -> dict[str, object]:
    live = {"tune": "zerolatency", "g": "60"} if encoding.survives else {}
    display = _display(encoding.mastering, 50000, 10000) if encoding.signal.transfer == "pq" else ""
    parameters = []
    if cv2.checkHardwareSupport(_AVX_512F):
        parameters.append("asm=avx2")  # with AVX-512, one time in ten it writes something else
    if display:
        parameters.append(f"mastering-display={display}:cll={_content_light(encoding.mastering)}")
    more = {"x264-params": ":".join(parameters)} if parameters else {}
    return {"crf": crf, "preset": preset, "threads": str(THREADS), **live, **more}


def _x265(encoding: Encoding, crf: str, preset: str) -> dict[str, object]:
    parameters = "log-level=none:frame-threads=1"  # with more, one time in a hundred it writes something else
    if encoding.signal.transfer == "pq" and (display := _display(encoding.mastering, 50000, 10000)):
        parameters += f":hdr10=1:master-display={display}:max-cll={_content_light(encoding.mastering)}"
    return {"crf": crf, "preset": preset, "x265-params": parameters}


def _svt_av1(encoding: Encoding, crf: str, preset: str) -> dict[str, object]:
    os.environ.setdefault("SVT_LOG", "1")  # else it tells of itself on stderr
    parameters = ""
    if encoding.signal.transfer == "pq" and (display := _display(encoding.mastering, 1, 1)):
        parameters = f"mastering-display={display}:content-light={_content_light(encoding.mastering)}"
    return {"crf": crf, "preset": preset, **({"svtav1-params": parameters} if parameters else {})}


def _vp9(encoding: Encoding, crf: str, preset: str) -> dict[str, object]:
    return {"crf": crf, "deadline": "good", "cpu-used": preset, "row-mt": "1"}


def _prores(encoding: Encoding, crf: str, preset: str) -> dict[str, object]:
    return {"profile": preset, "vendor": "apl0"}


def _lossless(encoding: Encoding, crf: str, preset: str) -> dict[str, object]:
    return {"crf": "0", "preset": preset, "threads": str(THREADS)}


_BUILDERS = {"h264": _x264, "hevc": _x265, "av1": _svt_av1, "vp9": _vp9, "prores": _prores, "gif": _lossless}


def _display(mastering: Mastering, per_chromaticity: int, per_nit: int) -> str:
    """G(x,y)B(x,y)R(x,y)WP(x,y)L(brightest,darkest), in these units; nothing when it is not known whole."""
    if not mastering.chromaticities or mastering.nits is None:
        return ""
    red, green, blue, white = mastering.chromaticities
    places = {"G": green, "B": blue, "R": red, "WP": white}
    pairs = {name: (x * per_chromaticity, y * per_chromaticity) for name, (x, y) in places.items()}
    darkest, brightest = mastering.nits
    pairs["L"] = (brightest * per_nit, darkest * per_nit)
    return "".join(f"{name}({_plain(a)},{_plain(b)})" for name, (a, b) in pairs.items())


def _plain(number: Fraction) -> str:
    return f"{float(number):.4f}".rstrip("0").rstrip(".")


def _content_light(mastering: Mastering) -> str:
    """MaxCLL,MaxFALL: no painting is brighter than SDR's white."""
    return f"{min(mastering.max_cll, round(WHITE_NITS))},{min(mastering.max_fall, round(WHITE_NITS))}"
