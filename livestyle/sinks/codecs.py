"""The codecs that pictures are written in: containers that hold them, qualities and presets, FFmpeg's encoders.

It knows names and numbers; how a stream is set up is `encoder.py`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

import av
from av.video.codeccontext import VideoCodecContext

from livestyle.errors import SettingError

Hardware = Literal["auto", "none", "nvenc"]

_X26X = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
NVENC_PRESETS = ("p1", "p2", "p3", "p4", "p5", "p6", "p7")


@dataclass(frozen=True)
class Codec:
    """One of `CODECS`."""

    name: str
    encoder: str
    """FFmpeg's."""
    suffixes: tuple[str, ...]
    """Of files that hold it."""
    crf: tuple[int, int, int] | None
    """Best, worst and default quality; None: the preset decides."""
    presets: tuple[str, ...]
    preset: str
    """The default."""
    formats: dict[int, tuple[str, str]]
    """Bits a channel: the pixel format, and the one for odd sizes. The first are the default."""
    nvenc: str = ""
    """NVIDIA's encoder for it."""
    tag: str = ""
    """In mp4 and mov, where players ask for another one than FFmpeg's."""
    least_px: tuple[int, int] = (1, 1)
    """Width and height of the smallest picture that it encodes."""

    @property
    def default_bits(self) -> int:
        """Bits a channel unless told otherwise."""
        return next(iter(self.formats))

    @property
    def segment_suffix(self) -> str:
        """Of a file that holds it and keeps time stamps exactly."""
        return ".mov" if ".mov" in self.suffixes and ".mp4" not in self.suffixes else ".mp4"


CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "libx264",
            (".mp4", ".mov", ".mkv"),
            crf=(0, 51, 18),
            presets=_X26X,
            preset="veryfast",
            formats={8: ("yuv420p", "yuv444p"), 10: ("yuv420p10le", "yuv444p10le")},
            nvenc="h264_nvenc",
        ),
        Codec(
            "hevc",
            "libx265",
            (".mp4", ".mov", ".mkv"),
            crf=(0, 51, 20),
            presets=_X26X,
            preset="veryfast",
            formats={8: ("yuv420p", "yuv444p"), 10: ("yuv420p10le", "yuv444p10le")},
            nvenc="hevc_nvenc",
            tag="hvc1",
            least_px=(64, 36),  # narrower than its blocks of 64 px, x265 writes past its memory and the program dies
        ),
        Codec(
            "av1",
            "libsvtav1",
            (".mp4", ".mkv", ".webm"),
            crf=(1, 63, 26),
            presets=tuple(str(n) for n in range(14)),
            preset="8",
            formats={8: ("yuv420p", "yuv420p"), 10: ("yuv420p10le", "yuv420p10le")},
            nvenc="av1_nvenc",
        ),
        Codec(
            "vp9",
            "libvpx-vp9",
            (".webm", ".mkv", ".mp4"),
            crf=(0, 63, 28),
            presets=tuple(str(n) for n in range(9)),
            preset="5",
            formats={8: ("yuv420p", "yuv420p")},
        ),
        Codec(
            "prores",
            "prores_ks",
            (".mov", ".mkv"),
            crf=None,
            presets=("proxy", "lt", "standard", "hq", "4444", "4444xq"),
            preset="hq",
            formats={10: ("yuv422p10le", "yuv422p10le")},
        ),
        Codec(
            "gif",
            "libx264rgb",  # of its segments, lossless; see `gif.py`
            (".gif",),
            crf=None,
            presets=(),
            preset="ultrafast",
            formats={8: ("bgr24", "bgr24")},
        ),
    )
}
SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".gif")
"""Of video files that can be written."""
_USUAL = {".webm": "vp9", ".gif": "gif"}
"""The codec by suffix; h264 elsewhere."""


def codec_for(path: Path, name: str | None = None) -> Codec:
    """The codec of this name in this file; without a name the suffix decides. Raises SettingError in one line."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingError(
            f"{path}: suffix {path.suffix!r} is no video format here; use one of {', '.join(SUFFIXES)}, or "
            f"another program: `livestyle video IN -o - | ffmpeg -i - {path.name}`"
        )
    if name is None:
        return CODECS[_USUAL.get(suffix, "h264")]
    if name not in CODECS:
        raise SettingError(f"--codec {name}: there is no such codec; choose {', '.join(CODECS)}")
    if suffix not in CODECS[name].suffixes:
        held = ", ".join(codec.name for codec in CODECS.values() if suffix in codec.suffixes)
        raise SettingError(
            f"{path}: {suffix} holds no {name}; write {' or '.join(CODECS[name].suffixes)}, or choose --codec {held}"
        )
    return CODECS[name]


def check_quality(codec: Codec, path: Path, crf: int | None, preset: str | None, bits: int | None) -> None:
    """Raise SettingError, in one line, for what a codec in a file has not got."""
    if codec.name == "gif" and (crf is not None or preset is not None):
        raise SettingError(f"{path}: GIF has neither --crf nor --preset; a small --size and --fps 12 make it smaller")
    if crf is not None and codec.crf is None:
        raise SettingError(f"--crf {crf}: {codec.name} has none; choose --preset {', '.join(codec.presets)}")
    if crf is not None and codec.crf is not None and not codec.crf[0] <= crf <= codec.crf[1]:
        best, worst, usual = codec.crf
        raise SettingError(f"--crf {crf}: {codec.name} has {best} (best) to {worst}; usual is {usual}")
    if preset is not None and preset not in codec.presets:
        first, *_, last = codec.presets
        choices = f"{first} to {last}" if first.isdecimal() else ", ".join(codec.presets)
        raise SettingError(f"--preset {preset}: {codec.name} has {choices}")
    if bits is not None and bits not in codec.formats:
        others = [c.name for c in CODECS.values() if bits in c.formats and path.suffix.lower() in c.suffixes]
        instead = f"; choose --codec {' or '.join(others)}" if others else ""
        depths = " or ".join(str(n) for n in codec.formats)
        raise SettingError(f"--bit-depth {bits}: {codec.name} has {depths} here{instead}")


@lru_cache
def nvenc_works(encoder: str) -> bool:
    """Whether this machine has the encoder in its GPU and its driver: it is tried."""
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(encoder, "w"))
        context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
        context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True
