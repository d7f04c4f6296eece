"""Videos in every codec and depth: same frames, times and colours, right tags, and one line for what cannot be."""

from __future__ import annotations

import os
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from livestyle.errors import SettingError
from livestyle.files.video_format import VideoFormat, parse_rate, parse_seconds
from livestyle.sinks import codecs
from livestyle.sinks.codecs import CODECS, Hardware
from livestyle.sinks.encoder import Encoding, PictureEncoder
from livestyle.sinks.output_file import OutputFile
from livestyle.sinks.scheduling import usual_priority
from livestyle.sources.light import Signal
from livestyle.sources.signal import mastering_of
from livestyle.sources.video import VideoSource
from tests import media
from tests.coloured_media import PATCHES, hdr_clip, patch_means

HDR = Signal("pq", "bt2020")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen frames at 30000/1001 with sound."""
    return media.ntsc_clip(tmp_path_factory.mktemp("clip") / "c.mp4", frames=12)


def stream_of(path: Path) -> av.VideoStream:
    """A closed file's stream: names and numbers can be read, packets cannot."""
    return av.open(str(path)).streams.video[0]


@pytest.mark.parametrize(
    "suffix, codec, bits, pixel_format",
    [
        (".mp4", "h264", 10, "yuv420p10le"),
        (".mkv", "h264", None, "yuv420p"),
        (".mp4", "hevc", None, "yuv420p"),
        (".mov", "hevc", 10, "yuv420p10le"),
        (".mp4", "av1", None, "yuv420p"),
        (".webm", "av1", 10, "yuv420p10le"),
        (".mkv", "av1", 8, "yuv420p"),
        (".mp4", "vp9", None, "yuv420p"),
        (".webm", "vp9", 8, "yuv420p"),
        (".mov", "prores", None, "yuv422p10le"),
        (".mkv", "prores", 10, "yuv422p10le"),
    ],
)
def test_every_codec_keeps_frames_times_and_colours(
    clip: Path,
    out: Path,
    suffix: str,
    codec: str,
    bits: int | None,
    pixel_format: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = out / f"o{suffix}"
    media.transcode(clip, path, video_format=VideoFormat(codec=codec, bits=bits))
    stream = stream_of(path)
    assert stream.codec_context.codec.canonical_name == codec
    assert stream.codec_context.format.name == pixel_format
    assert stream.average_rate == Fraction(30000, 1001)
    assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (6, 1)
    if codec == "hevc":
        assert stream.codec_tag == "hvc1"
    frames, before = media.read_all(path), media.read_all(clip)
    rounding = Fraction(1, 1000) if suffix in (".mkv", ".webm") else 0
    late = frames[0].pts_seconds - before[0].pts_seconds  # Matroska: room for the sound's run-in
    assert all(abs(a.pts_seconds - b.pts_seconds - late) <= rounding for a, b in zip(frames, before, strict=True))
    assert all(abs(media.level(a.rgb) - media.level(b.rgb)) < 4 for a, b in zip(frames, before, strict=True))
    assert len(media.sound_of(path)) == 2
    assert capfd.readouterr() == ("", "")  # encoders say nothing of themselves


@pytest.mark.parametrize("codec", list(CODECS))
def test_segments_have_the_same_parameters(out: Path, codec: str) -> None:
    """Two segments that are encoded apart can follow one another in one stream."""
    clip = media.write_clip(
        out / "long.mp4", [1500 * i for i in range(45)], rate=Fraction(1), time_base=Fraction(1, 1500), size=(64, 48)
    )
    suffix = CODECS[codec].suffixes[0]
    media.transcode(clip, out / f"o{suffix}", video_format=VideoFormat(codec=codec, hardware="none"))
    frames = media.read_all(out / f"o{suffix}")
    assert [round(f.pts_seconds) for f in frames] == list(range(45))
    assert all(abs(media.level(f.rgb) - 40 - 6 * i % 180) < 5 for i, f in enumerate(frames))


@pytest.mark.parametrize("codec", ["h264", "av1", "vp9", "prores"])
def test_the_same_pictures_become_the_same_bytes(codec: str) -> None:
    """A film that is gone on with is the one that was not interrupted, and a cluster's the one of one machine.

    x265 is left out: on a busy machine it still writes something else once in some hundred times.
    """
    rng = np.random.default_rng(0)
    pictures = [
        media.moving_picture(i, 96, 64) // 2 + rng.integers(0, 40, (64, 96, 3), dtype=np.uint8) for i in range(48)
    ]

    def encoded() -> list[bytes]:
        with av.open(BytesIO(), "w", format="mov") as container, usual_priority():
            encoder = PictureEncoder(container, Encoding(size=(96, 64), codec=codec), print, name="test")
            packets = [p for i, rgb in enumerate(pictures) for p in encoder.encode(rgb, Fraction(i, 30))]
            return [bytes(packet) for packet in (*packets, *encoder.rest())]

    first = encoded()
    assert len(first) == 48
    assert all(encoded() == first for _ in range(12))


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="only Linux lets a thread be real-time")
def test_no_encoder_makes_the_program_real_time(clip: Path, out: Path) -> None:
    """SVT-AV1 does, for root: a window beside it then waits for as long as anything is computed."""

    def policies() -> set[int]:
        return {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}

    before = policies()
    file = OutputFile(out / "o.mp4", time_base=Fraction(1, 90000), tracks_from=None, survives=False, note=print)
    encoder = file.open(lambda to: PictureEncoder(to, Encoding(size=(96, 64), codec="av1"), print, name="test"))
    assert policies() == before
    packets = [p for i in range(9) for p in encoder.encode(media.moving_picture(i, 96, 64), Fraction(i, 30))]
    file.finish([*packets, *encoder.rest()])
    assert policies() == before


@pytest.mark.parametrize("codec, preset", [("av1", "13"), ("vp9", "8"), ("hevc", "ultrafast")])
def test_presets_are_the_codecs_own(clip: Path, out: Path, codec: str, preset: str) -> None:
    path = out / f"o{CODECS[codec].suffixes[0]}"
    media.transcode(clip, path, video_format=VideoFormat(codec=codec, preset=preset))
    assert len(media.read_all(path)) == 12


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
@pytest.mark.parametrize("preset, profile", [("proxy", "Proxy"), ("lt", "LT"), ("hq", "HQ"), ("4444", "4444")])
def test_prores_has_the_profile_that_is_asked_for(
    clip: Path, out: Path, suffix: str, preset: str, profile: str
) -> None:
    media.transcode(clip, out / f"o{suffix}", video_format=VideoFormat(codec="prores", preset=preset))
    assert stream_of(out / f"o{suffix}").profile == profile


@pytest.mark.parametrize("codec", ["hevc", "av1", "vp9", "prores"])
def test_an_odd_size_stays_odd_in_every_codec(out: Path, codec: str) -> None:
    source = media.odd_clip(out / "odd.mp4")
    path = out / f"o{CODECS[codec].suffixes[0]}"
    report = media.transcode(source, path, video_format=VideoFormat(codec=codec))
    assert {(f.width, f.height) for f in media.read_all(path)} == {(641, 359)}
    assert any("4:4:4" in note for note in report.notes) == (codec == "hevc")


def test_a_lower_quality_is_smaller(clip: Path, out: Path) -> None:
    noise = media.write_clip(out / "n.mp4", [0, 1001, 2002], draw=media.moving_picture)
    for crf in (10, 40):
        media.transcode(noise, out / f"{crf}.mp4", video_format=VideoFormat(crf=crf))
    assert (out / "40.mp4").stat().st_size < 0.5 * (out / "10.mp4").stat().st_size


# HDR


def is_near_patches(rgb: np.ndarray) -> bool:
    """After two lossy codecs."""
    wrong = np.abs(patch_means(rgb) - PATCHES)
    return bool(wrong.mean() < 2 and wrong.max() < 10)


@pytest.mark.parametrize(
    "codec, suffix, transfer",
    [
        ("hevc", ".mp4", "pq"),
        ("hevc", ".mkv", "hlg"),
        ("av1", ".mp4", "pq"),
        ("h264", ".mp4", "pq"),
        ("prores", ".mov", "hlg"),
    ],
)
def test_hdr_stays_hdr_with_ten_bits(out: Path, codec: str, suffix: str, transfer: str) -> None:
    signal = Signal("pq" if transfer == "pq" else "hlg", "bt2020")
    source = hdr_clip(out / "source.mp4", signal, mastering=transfer == "pq")
    path = out / f"o{suffix}"
    media.transcode(source, path, video_format=VideoFormat(codec=codec, bits=10))
    with VideoSource(path) as written:
        assert written.signal.transfer == transfer and written.signal.primaries == "bt2020"
        frame = written.read()
        assert frame is not None and is_near_patches(frame.rgb)
    context = stream_of(path).codec_context
    assert (context.colorspace, context.color_primaries, context.color_trc) == (9, 9, 16 if transfer == "pq" else 18)
    if transfer == "pq":
        with av.open(str(path)) as container:
            mastering = mastering_of(next(container.decode(video=0)))
        assert mastering.nits is not None and float(mastering.nits[1]) == pytest.approx(1000)
        assert [float(x) for x in mastering.chromaticities[0]] == pytest.approx([0.68, 0.32], abs=1e-3)
        assert (mastering.max_cll, mastering.max_fall) == (203, 200)  # no painting is brighter than SDR's white


def test_hdr_becomes_sdr_with_eight_bits(out: Path) -> None:
    media.transcode(hdr_clip(out / "source.mp4", HDR), out / "o.mp4")
    context = stream_of(out / "o.mp4").codec_context
    assert (context.colorspace, context.color_primaries, context.color_trc) == (6, 6, 6)
    assert is_near_patches(media.read_all(out / "o.mp4")[0].rgb)


# What cannot be


@pytest.mark.parametrize(
    "name, wanted, words",
    [
        ("o.mp4", VideoFormat(codec="prores"), ".mov or .mkv"),
        ("o.webm", VideoFormat(codec="h264"), "choose --codec av1, vp9"),
        ("o.mov", VideoFormat(codec="av1"), ".mp4 or .mkv or .webm"),
        ("o.avi", VideoFormat(), "no video format"),
        ("o.mp4", VideoFormat(codec="xvid"), "h264, hevc, av1, vp9, prores"),
        ("o.mp4", VideoFormat(crf=52), "0 (best) to 51"),
        ("o.mov", VideoFormat(codec="prores", crf=10), "choose --preset proxy"),
        ("o.mp4", VideoFormat(preset="7"), "ultrafast"),
        ("o.mp4", VideoFormat(codec="av1", preset="fast"), "0 to 13"),
        ("o.webm", VideoFormat(bits=10), "choose --codec av1"),
        ("o.mov", VideoFormat(codec="prores", bits=8), "prores has 10"),
        ("o.mp4", VideoFormat(bits=9), "h264 has 8 or 10"),
        ("o.webm", VideoFormat(hardware="nvenc"), "NVENC has no vp9"),
        ("o.mp4", VideoFormat(hardware="nvenc", preset="fast"), "p1, p2"),
        ("o.mp4", VideoFormat(hardware="none", preset="p4"), "NVENC's"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    clip: Path, out: Path, name: str, wanted: VideoFormat, words: str
) -> None:
    with pytest.raises(SettingError) as error:
        media.transcode(clip, out / name, video_format=wanted)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("hardware, preset", [("nvenc", None), ("nvenc", "p6"), ("auto", "p6")])
def test_without_nvenc_the_processor_encodes_and_that_is_said(
    clip: Path, out: Path, hardware: Hardware, preset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livestyle.files.video_format.nvenc_works", lambda encoder: False)
    report = media.transcode(clip, out / "o.mp4", video_format=VideoFormat(hardware=hardware, preset=preset))
    assert [note for note in report.notes if "NVENC" in note and "libx264" in note]
    assert len(media.read_all(out / "o.mp4")) == 12


def test_nvenc_encodes_where_it_is(clip: Path, out: Path) -> None:
    if not codecs.nvenc_works("h264_nvenc"):
        pytest.skip("no NVENC here")
    report = media.transcode(clip, out / "o.mp4", video_format=VideoFormat(hardware="nvenc"))
    assert report.notes == () and len(media.read_all(out / "o.mp4")) == 12


@pytest.mark.parametrize(
    "text, seconds", [("12.5", Fraction(25, 2)), ("00:12.5", Fraction(25, 2)), ("1:02:03", 3723), ("0", 0), ("90", 90)]
)
def test_times_are_read(text: str, seconds: Fraction) -> None:
    assert parse_seconds("--start", text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "1,5", "ten", "1e3"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(SettingError, match="--start"):
        parse_seconds("--start", text)


def test_rates_are_read() -> None:
    rates = [parse_rate(text) for text in ("25", "29.97", "24000/1001")]
    assert rates == [25, Fraction(30000, 1001), Fraction(24000, 1001)]
    for text in ("0", "-5", "x", "1/0", "1e9"):
        with pytest.raises(SettingError, match="--fps"):
            parse_rate(text)
