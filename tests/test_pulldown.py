"""What is said of a file, and nothing is done about: film with pulldown, HDR that changes from scene to scene."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests import dynamic_hdr, ffprobe, media
from tests.coloured_media import combed_clip, disc

PULLDOWN = ((0, 0), (1, 1), (1, 2), (2, 3), (3, 3))
"""Of which of four film frames the fields of five pictures are."""


def telecined_clip(path: Path, pictures: int) -> Path:
    """A disc that moves right with each film frame; 96x64 H.264, marked as interlaced, at 30000/1001."""
    options = {"crf": "4", "flags": "+ildct+ilme"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=media.NTSC, width=96, height=64, pix_fmt="yuv420p", options=options)
        for i in range(pictures):
            top, bottom = (4 * (i // 5) + number for number in PULLDOWN[i % 5])
            rgb = disc(top % 12)
            rgb[1::2] = disc(bottom % 12)[1::2]
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = 1001 * i, Fraction(1, 30000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_telecined_film_is_said_and_keeps_its_pictures(tmp_path: Path) -> None:
    source = telecined_clip(tmp_path / "in.mp4", 40)
    report = media.transcode(source, tmp_path / "o.mp4")
    assert len(report.notes) == 1 and "3:2 pulldown" in report.notes[0] and "fieldmatch,decimate" in report.notes[0]
    assert media.pts_of(tmp_path / "o.mp4") == media.pts_of(source)


def with_flags(path: Path) -> Path:
    """An MPEG-2 stream of 24 pictures whose flags tell a player to repeat fields, as on DVDs (ISO 13818-2, 6.3.10)."""
    made = "-f lavfi -i testsrc2=size=96x64:rate=24000/1001:duration=1.001 -c:v mpeg2video -bf 0"
    data = bytearray(ffprobe.make(made, path.with_name("film.m2v")).read_bytes())
    pictures = 0
    for at in (match.start() for match in re.finditer(rb"\x00\x00\x01[\xb3\xb5]", bytes(data))):
        if data[at + 3] == 0xB3:
            data[at + 7] = data[at + 7] & 0xF0 | 4  # 30000/1001
        elif data[at + 4] >> 4 == 1:
            data[at + 5] &= ~8  # no progressive sequence
        elif data[at + 4] >> 4 == 8:
            top_first, repeat = ((1, 1), (0, 0), (0, 1), (1, 0))[pictures % 4]
            data[at + 7] = data[at + 7] & ~0x82 | top_first << 7 | repeat << 1
            pictures += 1
    path.with_name("soft.m2v").write_bytes(data)
    return ffprobe.make(f"-i {path.with_name('soft.m2v')} -c copy", path)


@pytest.mark.skipif(not ffprobe.HERE, reason="no ffmpeg and ffprobe here")
def test_film_whose_fields_a_player_repeats_has_each_picture_once_and_its_length(tmp_path: Path) -> None:
    report = media.transcode(with_flags(tmp_path / "soft.mpg"), tmp_path / "o.mp4")
    times = media.pts_of(tmp_path / "o.mp4")
    assert report.notes == () and report.frames == len(times) == 24
    steps = [round(1000 * float(b - a)) for a, b in pairwise(times)]
    assert set(steps[::2]) == {50} and set(steps[1::2]) == {33}


def test_interlaced_video_is_no_film(tmp_path: Path) -> None:
    report = media.transcode(combed_clip(tmp_path / "in.mp4", moving=True, frames=40), tmp_path / "o.mp4")
    assert len(report.notes) == 1 and "is interlaced" in report.notes[0]


@pytest.mark.parametrize(
    "name, make, words",
    [
        ("in.hevc", dynamic_hdr.hdr10_plus_clip, "is HDR10+"),
        ("in.mp4", dynamic_hdr.dolby_vision_clip, "is Dolby Vision"),
    ],
)
def test_what_is_said_of_single_scenes_is_left_out(
    name: str, make: Callable[[Path], Path], words: str, tmp_path: Path
) -> None:
    report = media.transcode(make(tmp_path / name), tmp_path / "o.mp4")
    assert report.frames == 5 and [note for note in report.notes if words in note] == list(report.notes)
    assert len(report.notes) == 1
    assert np.ptp([media.level(frame.rgb) for frame in media.read_all(tmp_path / "o.mp4")]) > 10
