"""Videos as other programs make them, through `livestyle video`, and looked at by another program.

Each row is made by Debian's ffmpeg with the arguments that are given; what comes out is compared by ffprobe with
what went in: pictures and their times, packets of sound, chapters, shape, colours. docs/media.md has the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from livestyle.files.video_format import VideoFormat
from livestyle.sources.video_files import open_video
from tests import ffprobe, media
from tests.coloured_media import needs_bt2020
from tests.ffprobe import Seen

pytestmark = pytest.mark.skipif(not ffprobe.HERE, reason="no ffmpeg and ffprobe here")

PICTURE = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.8"
SOUND = "-f lavfi -i sine=duration=0.8"
X264 = "-c:v libx264 -preset ultrafast"


@dataclass(frozen=True)
class Row:
    made: str
    """Arguments of ffmpeg."""
    suffix: str
    out: str = ".mp4"
    frames: int = 20
    noted: str = ""
    """A word of what is said; nothing else may be said."""
    loose: bool = False
    """Times may move by a millisecond, as the container's are rounded."""
    varies: bool = False
    """There is no rate to compare."""


ROWS = {
    "H.264 with B-frames, AAC": Row(f"{PICTURE} {SOUND} {X264} -bf 3 -c:a aac -shortest", ".mp4"),
    "H.264 in Matroska, Vorbis": Row(f"{PICTURE} {SOUND} {X264} -c:a libvorbis", ".mkv", ".mkv", loose=True),
    "H.264 in a transport stream, MP2": Row(f"{PICTURE} {SOUND} {X264} -c:a mp2", ".ts"),
    "fragmented mp4": Row(f"{PICTURE} {X264} -movflags frag_keyframe+empty_moov", ".mp4"),
    "an edit list": Row(f"{PICTURE} {SOUND} {X264} -bf 2 -c:a aac -output_ts_offset 0.5", ".mp4"),
    "two languages, AC-3 and FLAC": Row(
        f"{PICTURE} {SOUND} {SOUND} -map 0 -map 1 -map 2 {X264} -c:a:0 ac3 -c:a:1 flac", ".mkv", ".mkv", loose=True
    ),
    "HEVC": Row(f"{PICTURE} -c:v libx265 -x265-params log-level=none -tag:v hvc1", ".mov", ".mov"),
    "AV1": Row(f"{PICTURE} -c:v libaom-av1 -cpu-used 8 -usage realtime", ".mkv", ".webm", loose=True),
    "VP8 and Vorbis": Row(f"{PICTURE} {SOUND} -c:v libvpx -c:a libvorbis", ".webm", ".webm", loose=True),
    "VP9 and Opus": Row(
        f"{PICTURE} {SOUND} -c:v libvpx-vp9 -deadline realtime -c:a libopus", ".webm", ".webm", loose=True
    ),
    "ProRes and PCM": Row(f"{PICTURE} {SOUND} -c:v prores_ks -c:a pcm_s16le", ".mov", ".mov"),
    "MJPEG and PCM": Row(f"{PICTURE} {SOUND} -c:v mjpeg -q:v 3 -c:a pcm_s16le", ".avi", ".mkv", loose=True),
    "Xvid with B-frames and MP3": Row(f"{PICTURE} {SOUND} -c:v mpeg4 -bf 2 -q:v 3 -c:a libmp3lame", ".avi"),
    "FFV1": Row(f"{PICTURE} -c:v ffv1", ".mkv", loose=True),
    "MPEG-2 and MP2": Row(f"{PICTURE} {SOUND} -c:v mpeg2video -bf 2 -q:v 3 -c:a mp2", ".mpg"),
    "WMV": Row(f"{PICTURE} -c:v wmv2 -q:v 3", ".wmv", loose=True),
    "Theora": Row(f"{PICTURE} -c:v libtheora -q:v 7", ".ogv", varies=True),
    "Flash video": Row(f"{PICTURE} -c:v flv -q:v 3", ".flv", loose=True),
    "GIF": Row("-f lavfi -i testsrc2=size=96x64:rate=10:duration=1", ".gif", frames=10),
    "variable rate": Row(
        f"{PICTURE} -vf select='not(mod(n\\,3))+eq(n\\,4)' -vsync vfr {X264}", ".mp4", frames=8, varies=True
    ),
    "23.976 frames a second": Row(
        f"-f lavfi -i testsrc2=size=96x64:rate=24000/1001:duration=0.8 {X264}", ".mp4", frames=20
    ),
    "anamorphic": Row(f"{PICTURE} -vf setsar=16/11 {X264}", ".mp4"),
    "odd size": Row(
        f"-f lavfi -i testsrc2=size=97x63:rate=25:duration=0.8 -pix_fmt yuv444p {X264}", ".mp4", noted="odd"
    ),
    "interlaced": Row(
        f"-f lavfi -i testsrc2=size=96x64:rate=50:duration=0.8 -vf tinterlace=interleave_top {X264} -flags +ildct+ilme",
        ".mp4",
        noted="interlaced",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_pictures_times_and_sound_are_those_of_the_input(name: str, tmp_path: Path, out: Path) -> None:
    row = ROWS[name]
    source = ffprobe.make(row.made, tmp_path / f"in{row.suffix}")
    output = out / f"o{row.out}"
    report = media.transcode(source, output)
    assert [note for note in report.notes if not row.noted or row.noted not in note] == []
    assert report.damage == ""
    before, after = Seen(source), Seen(output)
    assert len(before.times) == len(after.times) == row.frames
    tolerance = Fraction(1, 1000) if row.loose else 0
    assert max(abs(a - b) for a, b in zip(before.times, after.times, strict=True)) <= tolerance
    assert after.sound == before.sound
    one, other = before.pictures, after.pictures
    assert (one["width"], one["height"]) == (other["width"], other["height"])
    assert row.loose or row.varies or one["avg_frame_rate"] == other["avg_frame_rate"]
    assert one.get("sample_aspect_ratio", "1:1").replace("N/A", "1:1") == other.get("sample_aspect_ratio", "1:1")
    assert (other["color_range"], other["color_space"]) == ("tv", "smpte170m")


@pytest.mark.parametrize("turn, filtered", [(90, "transpose=cclock"), (180, "hflip,vflip"), (270, "transpose=clock")])
def test_a_turned_video_comes_out_upright(turn: int, filtered: str, tmp_path: Path, out: Path) -> None:
    plain = ffprobe.make(f"{PICTURE} {X264}", tmp_path / "plain.mp4")
    turned = ffprobe.make(f"-i {plain} -c copy -metadata:s:v:0 rotate={turn}", tmp_path / "turned.mp4")
    upright = ffprobe.make(f"-i {plain} -vf {filtered} -qp 0 {X264}", tmp_path / "upright.mp4")
    media.transcode(turned, out / "o.mp4")
    found, wanted = media.read_all(out / "o.mp4"), media.read_all(upright)
    assert (found[0].width, found[0].height) == (wanted[0].width, wanted[0].height)
    assert "side_data_list" not in Seen(out / "o.mp4").pictures
    for a, b in zip(found[::7], wanted[::7], strict=True):
        assert abs(a.rgb.astype(int) - b.rgb).mean() < 12


def test_a_part_of_a_film_has_its_chapters_and_sound(tmp_path: Path, out: Path) -> None:
    (tmp_path / "names.txt").write_text(
        ";FFMETADATA1\ntitle=Film\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=4\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/10\nSTART=4\nEND=8\ntitle=Two\n",
        encoding="utf-8",
    )
    made = f"{PICTURE} {SOUND} -i names.txt -map 0 -map 1 -map_metadata 2 -map_chapters 2 {X264} -c:a aac"
    source = ffprobe.make(made, tmp_path / "in.mp4")
    part = VideoFormat(start_seconds=Fraction(1, 5), duration_seconds=Fraction(2, 5))
    media.transcode(source, out / "o.mp4", video_format=part)
    whole, seen = Seen(source), Seen(out / "o.mp4")
    assert seen.times == [Fraction(n, 25) for n in range(10)]
    chapters = [(c["start_time"], c["end_time"], c["tags"]["title"]) for c in seen.chapters]
    assert chapters == [("0.000000", "0.200000", "One"), ("0.200000", "0.400000", "Two")]
    assert seen.format["tags"]["title"] == "Film"
    assert float(seen.format["duration"]) == pytest.approx(0.4, abs=0.03)
    (sound,), (kept,) = whole.sound, seen.sound
    at = sound.index(kept[0])
    assert kept == sound[at : at + len(kept)] and 15 <= len(kept) <= 19


@pytest.mark.parametrize(
    "size, out_name, wanted, colours",
    [
        ("1280x64", "o.mp4", VideoFormat(), ("tv", "bt709", "bt709", "bt709")),
        ("1280x64", "o.mkv", VideoFormat(codec="hevc"), ("tv", "bt709", "bt709", "bt709")),
        ("1280x64", "o.mov", VideoFormat(codec="prores"), ("tv", "bt709", "bt709", "bt709")),
        ("96x64", "o.mp4", VideoFormat(codec="av1", bits=10), ("tv", "bt2020nc", "smpte2084", "bt2020")),
        ("96x64", "o.mkv", VideoFormat(codec="hevc", bits=10), ("tv", "bt2020nc", "smpte2084", "bt2020")),
    ],
)
def test_colours_are_tagged_as_they_are(
    size: str, out_name: str, wanted: VideoFormat, colours: tuple[str, ...], tmp_path: Path, out: Path
) -> None:
    if wanted.bits == 10:
        needs_bt2020()
    tags = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    made = "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=0.12 -pix_fmt yuv420p10le -c:v libx265"
    source = ffprobe.make(f"{made} -preset ultrafast -x265-params log-level=none:{tags}", tmp_path / "in.mp4")
    media.transcode(source, out / out_name, video_format=wanted)
    found = Seen(out / out_name).pictures
    assert tuple(found[f"color_{key}"] for key in ("range", "space", "transfer", "primaries")) == colours


def test_a_sequence_of_images_is_a_film_at_its_rate(tmp_path: Path, out: Path) -> None:
    (tmp_path / "shots").mkdir()
    ffprobe.make(f"{PICTURE}", tmp_path / "shots" / "frame_%04d.png")
    named = tmp_path / "shots" / "frame_%04d.png"
    media.transcode(named, out / "o.mov", video_format=VideoFormat(rate=Fraction(24), codec="prores"))
    assert Seen(out / "o.mov").times == [Fraction(n, 24) for n in range(20)]
    with open_video(tmp_path / "shots") as source:
        assert source.frame_count_hint == 20
