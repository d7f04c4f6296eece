"""Frames of any colour format come as the same upright SDR pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.sources.light import Signal
from livestyle.sources.video import VideoSource
from tests import media
from tests.coloured_media import PATCHES, combed_clip, disc, hdr_clip, needs_bt2020, patch_means, patches

PQ, HLG = Signal("pq", "bt2020"), Signal("hlg", "bt2020")


def encoded(path: Path, codec: str, pixel_format: str, **tags: int) -> Path:
    """`patches()` three times, converted by swscale with the matrix and range of the tags."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, width=128, height=64, pix_fmt=pixel_format)
        if codec == "libx264":
            stream.options = {"crf": "4"}
        for name, value in tags.items():
            setattr(stream, name, value)
        for i in range(3):
            frame = av.VideoFrame.from_ndarray(patches(), format="rgb24")
            frame = frame.reformat(
                format=pixel_format,
                dst_colorspace=tags.get("colorspace", 5),
                dst_color_range=tags.get("color_range", 1),
            )
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "suffix, codec, pixel_format, tags",
    [
        (".mp4", "libx264", "yuv420p", {"colorspace": 1}),
        (".mp4", "libx264", "yuv420p", {"colorspace": 6}),
        (".mp4", "libx264", "yuv420p", {"colorspace": 1, "color_range": 2}),
        (".mp4", "libx264", "yuv444p", {"colorspace": 1}),
        (".mp4", "libx264", "yuv420p10le", {"colorspace": 1}),
        (".mp4", "libx264", "yuv420p10le", {"colorspace": 9}),  # BT.2020's matrix alone
        (".mov", "prores_ks", "yuv422p10le", {"colorspace": 1}),
        (".mkv", "ffv1", "yuv420p", {"colorspace": 6}),
        (".mkv", "ffv1", "bgr0", {}),
        (".mov", "mjpeg", "yuvj420p", {"color_range": 2}),
        (".avi", "mjpeg", "yuvj422p", {"color_range": 2}),
        (".webm", "libvpx-vp9", "yuv420p", {"colorspace": 6}),
        (".mkv", "libsvtav1", "yuv420p10le", {"colorspace": 1}),
    ],
)
def test_sdr_colours_come_as_they_were(
    tmp_path: Path, suffix: str, codec: str, pixel_format: str, tags: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    if tags.get("colorspace") == 9:
        needs_bt2020()
    frames = media.read_all(encoded(tmp_path / f"c{suffix}", codec, pixel_format, **tags))
    assert len(frames) == 3
    assert np.abs(patch_means(frames[1].rgb) - PATCHES).max() < 5


@pytest.mark.parametrize("signal, suffix", [(PQ, ".mp4"), (HLG, ".mkv")])
def test_hdr_is_brought_to_sdr_and_said(tmp_path: Path, signal: Signal, suffix: str) -> None:
    with VideoSource(hdr_clip(tmp_path / f"h{suffix}", signal)) as source:
        frame = source.read()
        assert frame is not None and np.abs(patch_means(frame.rgb) - PATCHES).max() < 5
        assert source.signal.transfer == signal.transfer
        assert [note for note in source.notes if "HDR" in note and signal.transfer.upper() in note]


def test_an_hdr_clips_brightest_light_is_read(tmp_path: Path) -> None:
    with VideoSource(hdr_clip(tmp_path / "h.mp4", PQ, mastering=True)) as source:
        assert source.signal.peak_nits == 800
        assert source.mastering.max_cll == 800 and source.mastering.max_fall == 200
        assert source.mastering.nits == (Fraction(1, 200), 1000)
        assert source.mastering.chromaticities[0] == (Fraction(17, 25), Fraction(8, 25))


def test_what_is_transparent_shows_white(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:, :32] = (200, 0, 0, 255)
    rgba[:32, 32:] = (0, 0, 200, 128)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25, width=64, height=64, pix_fmt="bgra")
        out.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="bgra")))
        out.mux(stream.encode(None))
    with VideoSource(path) as source:
        frame = source.read()
        assert frame is not None
        corners = [frame.rgb[y, x].tolist() for y, x in ((5, 5), (5, 60), (60, 60))]
        assert corners == [[200, 0, 0], [127, 127, 227], [255, 255, 255]]
        assert any("transparent" in note for note in source.notes)


def test_a_stream_that_changes_its_size_goes_on_at_the_first_one(tmp_path: Path) -> None:
    wide = media.write_clip(tmp_path / "wide.h264", [0, 1001, 2002], size=(96, 64))
    tall = media.write_clip(tmp_path / "tall.h264", [0, 1001, 2002], size=(64, 128))
    (tmp_path / "both.h264").write_bytes(wide.read_bytes() + tall.read_bytes())
    frames = media.read_all(tmp_path / "both.h264")
    assert [(f.width, f.height) for f in frames] == [(96, 64)] * 6
    last = frames[-1].rgb
    assert last[:, :28].max() < 20 and last[:, -28:].max() < 20  # 32 wide, in the middle, on black
    assert last[40, 48].min() > 40


# Interlacing


def test_combs_are_taken_out_and_said(tmp_path: Path) -> None:
    clip = combed_clip(tmp_path / "i.mp4", moving=True)
    with VideoSource(clip) as source:
        frames = list(iter(source.read, None))
        assert any("interlaced" in note for note in source.notes)
    assert [f.pts_seconds for f in frames] == [Fraction(i, 25) for i in range(12)]
    for i, frame in enumerate(frames[1:-1], 1):
        moments = disc(2 * i).astype(int), disc(2 * i + 1).astype(int)  # the encoder says which field comes first
        woven = np.abs(moments[0] - moments[1]).mean() / 2
        assert min(np.abs(frame.rgb - moment).mean() for moment in moments) < 0.5 * woven


@pytest.mark.parametrize("moving, marked", [(False, True), (True, False)])
def test_what_is_only_marked_or_not_marked_stays_as_it_is(tmp_path: Path, moving: bool, marked: bool) -> None:
    with VideoSource(combed_clip(tmp_path / "p.mp4", moving=moving, marked=marked)) as source:
        frames = list(iter(source.read, None))
        assert source.notes == ()
    for i, frame in enumerate(frames):
        expected = disc(2 * i)
        expected[1::2] = disc(2 * i + moving)[1::2]
        assert np.abs(frame.rgb.astype(int) - expected).mean() < 3


def test_an_interlaced_picture_is_the_same_from_any_place(tmp_path: Path) -> None:
    clip = combed_clip(tmp_path / "i.mp4", moving=True)
    frames = media.read_all(clip)
    with VideoSource(clip) as source:
        for i in (6, 3, 11, 7, 0):
            source.seek(frames[i].pts_seconds)
            frame = source.read()
            assert frame is not None and np.array_equal(frame.rgb, frames[i].rgb)
