"""Small clips made on the spot with PyAV alone, each docstring is the recipe; and two calls of livestyle's on files."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from livestyle.files.stages import FilePainter
from livestyle.files.transcode import VideoReport, stylize_video
from livestyle.frame import Frame, Picture
from livestyle.sources.video import VideoSource

NTSC = Fraction(30000, 1001)


def picture(index: int, width: int, height: int) -> np.ndarray:
    """Grey level 40 + 6 * index, with a red square a quarter of the short side wide at the top left."""
    rgb = np.full((height, width, 3), 40 + 6 * index % 180, np.uint8)
    side = min(width, height) // 4
    rgb[:side, :side] = (230, 20, 20)
    return rgb


def moving_picture(index: int, width: int, height: int) -> np.ndarray:
    """Noise that is pushed about, so that every picture needs those it was predicted from."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return np.roll(noise // 2 + picture(index, width, height) // 2, (index, 3 * index), (0, 1))


def level(rgb: np.ndarray) -> float:
    """The grey level of a decoded `picture`, away from the red square."""
    height, width = rgb.shape[:2]
    return float(rgb[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3].mean())


def write_clip(
    path: Path,
    ticks: Sequence[int],
    *,
    size: tuple[int, int] = (96, 64),
    rate: Fraction = NTSC,
    time_base: Fraction = Fraction(1, 30000),
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    sound_starts: Iterable[float] = (),
    sound_codec: str = "aac",
    aspect: Fraction = Fraction(1),
    matrix: int = 6,
    draw: Callable[[int, int, int], np.ndarray] | None = None,
) -> Path:
    """`picture(i)`, or what `draw` gives, at each tick of `time_base`, by `codec` at crf 12; BT.601 tags unless told.

    For each of `sound_starts` a mono tone of 48 kHz begins there, in seconds, and lasts as long as the picture.
    """
    fragments = {"movflags": "+faststart", "movie_timescale": "240000"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", container_options=fragments) as out:
        stream = out.add_stream(codec, rate=rate, time_base=time_base, width=size[0], height=size[1], pix_fmt=pix_fmt)
        stream.options = {"crf": "12", **(options or {})}
        stream.codec_context.sample_aspect_ratio = aspect
        stream.color_range, stream.colorspace = 1, matrix
        sounds = [(out.add_stream(sound_codec, rate=48000, layout="mono"), start) for start in sound_starts]
        for i, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray((draw or picture)(i, *size), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace="ITU709" if matrix == 1 else "ITU601")
            frame.pts, frame.time_base = tick, time_base
            _mux(out, stream.encode(frame), rate, time_base)
        _mux(out, stream.encode(None), rate, time_base)
        seconds = float(ticks[-1] * time_base + 1 / rate)
        for number, (sound, start) in enumerate(sounds):
            _tone(out, sound, start, seconds, 440 * (number + 1))
    return path


def _mux(out, packets, rate: Fraction, time_base: Fraction) -> None:
    for packet in packets:
        packet.duration = round(1 / rate / time_base)
        out.mux(packet)


def _tone(out, stream, start: float, seconds: float, hertz: int) -> None:
    samples = np.sin(np.arange(round(seconds * 48000)) * 2 * np.pi * hertz / 48000)
    frame = av.AudioFrame.from_ndarray((samples * 8000).astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, round(start * 48000), Fraction(1, 48000)
    out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def ntsc_clip(path: Path, frames: int = 24) -> Path:
    """96x64 H.264 at 30000/1001 with two B-frames in a row, and two AAC tracks; the second starts 0.25 s later."""
    ticks = [1001 * i for i in range(frames)]
    return write_clip(path, ticks, options={"bf": "2", "b-adapt": "0"}, sound_starts=(0.0, 0.25))


def odd_clip(path: Path) -> Path:
    """641x359 H.264 4:4:4, three frames at 30000/1001."""
    return write_clip(path, [0, 1001, 2002], size=(641, 359), pix_fmt="yuv444p")


def turned_clip(path: Path, a: int, b: int, c: int, d: int, aspect: Fraction = Fraction(1)) -> Path:
    """Five frames of 96x64 in an mp4 whose display matrix is set to x' = a x + c y, y' = b x + d y (y downwards).

    The numbers are patched into the track header: 3x3, 16.16 fixed point, the last column 2.30.
    """
    write_clip(path, [1001 * i for i in range(5)], aspect=aspect)
    data = path.read_bytes()
    identity = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    at = data.index(identity, data.index(b"tkhd"))
    path.write_bytes(data[:at] + matrix + data[at + len(matrix) :])
    return path


VFR_TICKS = (0, 40, 43, 90, 91, 300, 301, 302, 650, 1000)


def vfr_clip(path: Path) -> Path:
    """96x64 H.264 at VFR_TICKS milliseconds, with B-frames, and one AAC track."""
    return write_clip(path, VFR_TICKS, rate=Fraction(10), time_base=Fraction(1, 1000), sound_starts=(0.0,))


def noise_clip(path: Path, frames: int = 30) -> Path:
    """128x128 lossless H.264 keyframes and no B-frames at 30000/1001, so that bytes lie evenly over time."""
    options = {"crf": "0", "g": "1", "bf": "0"}
    return write_clip(path, [1001 * i for i in range(frames)], size=(128, 128), options=options)


def cut(source: Path, path: Path, fraction: float) -> Path:
    """The first part of a file's bytes, as a broken download leaves them."""
    data = source.read_bytes()
    path.write_bytes(data[: round(len(data) * fraction)])
    return path


def pts_of(path: Path) -> list[Fraction]:
    """Presentation times of the video packets, in order, straight from the demuxer."""
    with av.open(str(path)) as container:
        packets = container.demux(video=0)
        return sorted(p.pts * p.time_base for p in packets if p.pts is not None)


def sound_of(path: Path) -> list[list[tuple[Fraction, str]]]:
    """For each audio stream its packets as (time, hash of the bytes)."""
    with av.open(str(path)) as container:
        tracks: dict[int, list[tuple[Fraction, str]]] = {s.index: [] for s in container.streams.audio}
        for packet in container.demux():
            if packet.stream_index in tracks and packet.pts is not None:
                digest = hashlib.sha256(bytes(packet)).hexdigest()
                tracks[packet.stream_index].append((packet.pts * packet.time_base, digest))
    return list(tracks.values())


def read_all(path: Path) -> list[Frame]:
    with VideoSource(path) as source:
        return list(iter(source.read, None))


@dataclass
class PlainPainter:
    """Paints each frame by a function of its pixels."""

    function: Callable[[Picture], Picture] = lambda rgb: rgb
    identity: str = "plain"
    looks_back: bool = False

    in_flight: int = 1

    def begin(self) -> None:
        """Nothing is remembered."""

    def start(self, rgb: Picture, pts_seconds: Fraction) -> Picture:
        return self.function(rgb)

    def finish(self, painting: Picture) -> Picture:
        return painting


def transcode(
    source: Path,
    output: Path,
    paint: Callable[[Picture], Picture] | FilePainter = lambda rgb: rgb,
    **kwargs: object,
) -> VideoReport:
    painter = PlainPainter(paint) if callable(paint) else paint
    plain: dict[str, object] = {"size_of": lambda w, h: (w, h), "progress": lambda *_: None, "note": lambda _: None}
    return stylize_video(source, output, painter, **{**plain, **kwargs})  # type: ignore[arg-type]
