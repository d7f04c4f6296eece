"""A video file as a source: every frame once, upright, in presentation order, with its exact time, in SDR.

What becomes of colours, rotation and transparency: `pixels.py`. Interlaced pictures are made whole (`deinterlace.py`).

What it does not know: more than one video stream (the best one is read).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from livestyle.frame import Frame
from livestyle.sources.decoder import VideoDecoder
from livestyle.sources.decoding import Decoded
from livestyle.sources.deinterlace import Deinterlacer
from livestyle.sources.light import Signal
from livestyle.sources.piped import PipedMedia
from livestyle.sources.pixels import Pixels
from livestyle.sources.signal import Mastering, dynamic_of, mastering_of

_HDR_NAMES = {"pq": "PQ", "hlg": "HLG"}


class VideoSource:
    """Reads a video file; see livestyle.sources.Source.

    `pts_seconds` of its frames is pts * time_base, exactly, less `origin_seconds`, which is 0 except for
    transport streams, where clocks start anywhere. Opening decodes the first frame. Raises SourceError.
    """

    def __init__(self, path: str | Path | PipedMedia) -> None:
        self._decoder = VideoDecoder(path if isinstance(path, PipedMedia) else Path(path))
        self.path, self.name = self._decoder.path, self._decoder.name
        self.files: tuple[Path, ...] = (self.path,)
        first = self._decoder.first.raw
        self._pixels = Pixels(first, self._decoder.stream.sample_aspect_ratio or Fraction(1))
        self._deinterlacer = Deinterlacer()
        self._describe(self._decoder)
        self._begin(None)
        self._index = 0

    def _describe(self, decoder: VideoDecoder) -> None:
        self.rate: Fraction = decoder.clock.rate
        """Frames per second, on average."""
        self.time_base: Fraction = decoder.clock.time_base
        """Seconds per tick: every pts_seconds is a multiple of it."""
        self.origin_seconds: Fraction = decoder.clock.origin_seconds
        self.duration_seconds: float | None = decoder.duration_seconds
        """Announced by the container; None when it does not say."""
        self.frame_count_hint: int | None = decoder.stream.frames or None
        if self.frame_count_hint is None and self.duration_seconds is not None:
            self.frame_count_hint = round(self.duration_seconds * self.rate)

        self.width, self.height = self._pixels.width, self._pixels.height
        self.sample_aspect: Fraction = self._pixels.sample_aspect
        """Width of a pixel over its height, as it is to be shown."""
        self.signal: Signal = self._pixels.signal
        """How the file's own colours are meant; the frames that come are SDR in BT.709."""
        self.mastering: Mastering = mastering_of(decoder.first.raw)
        """The display that an HDR file was made on."""
        self._dynamic = dynamic_of(decoder.first.raw, decoder.stream.codec_context.codec_tag)

    @property
    def damage(self) -> str | None:
        """What is wrong with the file as far as it was read, in one line; that it is cut short shows at its end."""
        return self._decoder.damage

    def read(self) -> Frame | None:
        """The next frame, or None at the end. Of a damaged file it gives what can be decoded; see `damage`.

        `index` counts the frames that this source gave.
        """
        decoded = next(self._pictures, None)
        if decoded is None:
            return None
        frame = Frame(rgb=self._pixels.picture(decoded.raw), index=self._index, pts_seconds=decoded.seconds)
        self._index += 1
        return frame

    def seek(self, seconds: Fraction, *, run_in: bool = False) -> None:
        """Go on with the first frame whose pts_seconds is at or after `seconds`; behind the last one there is none.

        From there on pictures and times are exactly as when read from the start. Going on where the last `read`
        ended costs nothing. run_in: the frame before it comes first, if there is one. `damage` is then of what is
        read from there on.
        """
        self._decoder.seek(seconds, run_in=run_in)
        following = self._decoder.following
        first = following.seconds if following and run_in else seconds
        if following and following.raw.interlaced_frame:  # then it takes its neighbours
            self._decoder.seek(first, run_in=True)
        self._begin(first)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how it is read, one line each; more can come with every frame."""
        notes = []
        if self.signal.is_hdr:
            notes.append(f"{self.name} is HDR ({_HDR_NAMES[self.signal.transfer]}): it is painted in SDR")
        if self._dynamic == "Dolby Vision":
            notes.append(f"{self.name} is Dolby Vision: its base layer is painted, of profile 5 in wrong colours")
        elif self._dynamic:
            notes.append(f"{self.name} is {self._dynamic}: what that says of single scenes is left out")
        if self._deinterlacer.saw_pulldown:
            notes.append(
                f"{self.name} is telecined film (3:2 pulldown): each of its pictures is made whole and kept; "
                "`ffmpeg -i IN -vf fieldmatch,decimate film.mkv` brings the film's own 24 a second back"
            )
        elif self._deinterlacer.saw_combs:
            notes.append(f"{self.name} is interlaced: each picture is made of both its fields")
        if self._pixels.saw_transparency:
            notes.append(f"{self.name} is transparent in places: they show white")
        return tuple(notes)

    def _begin(self, first: Fraction | None) -> None:
        self._deinterlacer.reset()
        whole = self._whole_pictures()
        self._pictures = whole if first is None else (d for d in whole if d.seconds >= first)

    def _whole_pictures(self) -> Iterator[Decoded]:
        for decoded in iter(self._decoder.read, None):
            yield from self._deinterlacer.feed(decoded)
        yield from self._deinterlacer.finish()

    def stop(self) -> None:
        """Let a read that waits for a pipe in another thread end."""
        self._decoder.stop()

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._decoder.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
