"""The options of the commands that write videos: how, and which part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from livestyle.files.video_format import VideoFormat

_CODECS = "h264, hevc, av1, vp9 or prores. Default: vp9 in webm, gif in gif, h264 elsewhere."
_CRF = "Quality, lower is better. Default: 18 (h264), 20 (hevc), 26 (av1), 28 (vp9)."
_PRESET = "The encoder's trade of time for size: veryfast (h264, hevc), 8 (av1), 5 (vp9), hq (prores), p4 (NVENC)."
_FPS = "Frames per second, by dropping and repeating; of a sequence of images its own (default 25)."


@dataclass(frozen=True)
class FormatOptions:
    """As typed; None: not given."""

    codec: Annotated[str | None, typer.Option(help=_CODECS)] = None
    crf: Annotated[int | None, typer.Option(help=_CRF)] = None
    preset: Annotated[str | None, typer.Option(help=_PRESET)] = None
    hwenc: Annotated[str, typer.Option(help="auto, none or nvenc: the encoder of an NVIDIA GPU.")] = "auto"
    bit_depth: Annotated[
        int | None, typer.Option(help="8 or 10 bits a channel; with 10, HDR stays HDR. Default: 8, prores 10.")
    ] = None
    start: Annotated[str | None, typer.Option(help="Where to begin: 12.5, 00:12.5 or 1:02:03.")] = None
    duration: Annotated[str | None, typer.Option(help="How much of it, as for --start. Default: to the end.")] = None
    fps: Annotated[str | None, typer.Option(help=_FPS)] = None
    no_audio: Annotated[bool, typer.Option("--no-audio", help="Leave the sound out.")] = False

    @property
    def video_format(self) -> VideoFormat:
        """What they mean. Raises SettingError."""
        from livestyle.files.video_format import VideoFormat, parse_hardware, parse_rate, parse_seconds

        span = None if self.duration is None else parse_seconds("--duration", self.duration, above_zero=True)
        return VideoFormat(
            codec=self.codec,
            crf=self.crf,
            preset=self.preset,
            hardware=parse_hardware(self.hwenc),
            bits=self.bit_depth,
            start_seconds=parse_seconds("--start", self.start or "0"),
            duration_seconds=span,
            sound=not self.no_audio,
            rate=None if self.fps is None else parse_rate(self.fps),
        )
