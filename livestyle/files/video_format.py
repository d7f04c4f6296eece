"""How a painted video is to be written, and which part of its source: decided once, checked before any work."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast, get_args

from av.video.reformatter import Colorspace

from livestyle.errors import SettingError
from livestyle.sinks.codecs import NVENC_PRESETS, Codec, Hardware, check_quality, codec_for, nvenc_works
from livestyle.sinks.tracks import TracksFrom
from livestyle.sinks.video import VideoOptions
from livestyle.sources.light import Signal
from livestyle.sources.piped import PipedMedia
from livestyle.sources.signal import Mastering
from livestyle.sources.video_files import FileSource, open_video
from livestyle.sources.views import ConstantRate, Excerpt

_NTSC = {Fraction(text): Fraction(n * 1000, 1001) for text, n in (("23.976", 24), ("29.97", 30), ("59.94", 60))}
_MAX_RATE = 1000


@dataclass(frozen=True, kw_only=True)
class VideoFormat:
    """What of it is None is decided by the output's suffix, or the codec."""

    codec: str | None = None
    """One of `livestyle.sinks.codecs.CODECS`."""
    crf: int | None = None
    preset: str | None = None
    hardware: Hardware = "auto"
    """auto: the GPU's encoder where it is, has the format, and no preset of another encoder is asked for."""
    bits: int | None = None
    """Bits a channel. With 10, HDR stays HDR."""
    start_seconds: Fraction = Fraction(0)
    duration_seconds: Fraction | None = None
    """None: to the end."""
    sound: bool = True
    rate: Fraction | None = None
    """Frames per second of the output, by dropping and repeating; of a sequence of images its own."""

    def check(self, output: Path) -> Codec:
        """The codec. Raises SettingError, in one line, for what cannot be."""
        codec = codec_for(output, self.codec)
        wants_nvenc = self.preset in NVENC_PRESETS
        check_quality(codec, output, self.crf, None if wants_nvenc else self.preset, self.bits)
        if wants_nvenc and (self.hardware == "none" or not codec.nvenc):
            raise SettingError(f"--preset {self.preset} is NVENC's; {codec.name} has {', '.join(codec.presets)} here")
        if self.hardware == "nvenc" and not codec.nvenc:
            raise SettingError(f"--hwenc nvenc: NVENC has no {codec.name}; choose --codec h264, hevc or av1")
        if self.hardware == "nvenc" and self.preset is not None and not wants_nvenc:
            raise SettingError(f"--preset {self.preset}: NVENC has {', '.join(NVENC_PRESETS)}")
        return codec

    def open(self, named: Path | PipedMedia) -> FileSource:
        """The part of a source, at the rate. Raises SourceError."""
        source = open_video(named, sequence_rate=self.rate)
        try:
            if self.start_seconds or self.duration_seconds is not None:
                source = Excerpt(source, self.start_seconds, self.duration_seconds)
            if self.rate is not None and _is_one_file(source):
                source = ConstantRate(source, self.rate)
        except BaseException:
            source.close()
            raise
        return source

    def options(
        self, source: FileSource, size: tuple[int, int], output: Path, note: Callable[[str], None]
    ) -> VideoOptions:
        """For a source that `open` gave, and paintings of a size in pixels. Raises SettingError."""
        codec = self.check(output)
        hdr = source.signal.is_hdr and self.bits == 10
        if hdr and not hasattr(Colorspace, "BT2020"):
            note("this PyAV cannot write HDR: the output is SDR; PyAV 18 can, with Python 3.11 or newer")
            hdr = False
        nvenc = self._nvenc(codec, size, note)
        return VideoOptions(
            size=size,
            rate=source.rate,
            time_base=source.time_base,
            sample_aspect=_sample_aspect(source, size),
            codec=codec.name,
            crf=self.crf,
            preset=self.preset if nvenc == (self.preset in NVENC_PRESETS) else None,
            bits=self.bits,
            nvenc=nvenc,
            signal=source.signal if hdr else Signal(),
            mastering=source.mastering if hdr else Mastering(),
            tracks_from=self._tracks(source.path) if _is_one_file(source) else None,
        )

    @property
    def part(self) -> str:
        """What of the source is shown, in words that are the same for the same part."""
        return f"from {self.start_seconds} for {self.duration_seconds} at {self.rate}"

    def _tracks(self, path: Path) -> TracksFrom:
        end_seconds = None if self.duration_seconds is None else self.start_seconds + self.duration_seconds
        return TracksFrom(path=path, sound=self.sound, start_seconds=self.start_seconds, end_seconds=end_seconds)

    def _nvenc(self, codec: Codec, size: tuple[int, int], note: Callable[[str], None]) -> bool:
        fits = size[0] % 2 == 0 and size[1] % 2 == 0 and not (codec.name == "h264" and self.bits == 10)
        asked = self.hardware == "nvenc" or self.preset in NVENC_PRESETS
        wanted = asked or (self.hardware == "auto" and self.preset is None)
        works = bool(codec.nvenc) and wanted and fits and nvenc_works(codec.nvenc)
        if asked and not works:
            why = "this machine has no NVENC" if fits else "NVENC has not got this format"
            note(f"{why}: {codec.encoder} encodes")
        return works


USUAL = VideoFormat()
"""What the outputs' suffixes say, of all of a source."""


def parse_hardware(text: str) -> Hardware:
    """The value of --hwenc. Raises SettingError."""
    for hardware in get_args(Hardware):
        if text == hardware:
            return cast(Hardware, hardware)
    raise SettingError(f"--hwenc {text}: choose {', '.join(get_args(Hardware))}")


def parse_rate(text: str) -> Fraction:
    """Frames per second: 25, 29.97 (which is 30000/1001) or 24000/1001. Raises SettingError."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= _MAX_RATE:
        raise SettingError(f"--fps {text}: give frames per second, up to {_MAX_RATE}, as in 25, 29.97 or 30000/1001")
    return _NTSC.get(rate, rate)


def parse_seconds(option: str, text: str, *, above_zero: bool = False) -> Fraction:
    """A time: 12.5, 00:12.5 or 1:02:03. Raises SettingError."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text):
        raise SettingError(f"{option} {text}: give a time as in 12.5 (seconds), 02:03.5 or 1:02:03")
    seconds = Fraction(0)
    for part in text.split(":"):
        seconds = 60 * seconds + Fraction(part)
    if above_zero and not seconds:
        raise SettingError(f"{option} {text}: give more than nothing")
    return seconds


def _is_one_file(source: FileSource) -> bool:
    """Not a sequence of images."""
    return source.files == (source.path,)


def _sample_aspect(source: FileSource, size: tuple[int, int]) -> Fraction:
    """Of the output's pixels: a source whose pixels are not square keeps its shape on the screen."""
    if source.sample_aspect == 1:
        return Fraction(1)
    width, height = size
    aspect = source.sample_aspect * Fraction(source.width, source.height) * Fraction(height, width)
    rounding = abs(aspect / source.sample_aspect - 1) < Fraction(1, 50)
    return source.sample_aspect if rounding else aspect.limit_denominator(1000)
