"""PGS, DVD and DVB subtitles: kept packet for packet where the output can hold them, else left out, which is said."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests import bitmap_subtitles, ffprobe, media
from tests.ffprobe import Seen

pytestmark = pytest.mark.skipif(not ffprobe.HERE, reason="no ffmpeg and ffprobe here")

FILM = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -preset ultrafast"
SPANS = [(Fraction(1, 5), Fraction(1, 2)), (Fraction(3, 5), Fraction(7, 10))]


@dataclass(frozen=True)
class Row:
    made: str
    """Arguments of ffmpeg, after the input: a Matroska with PGS."""
    suffix: str
    name: str
    """PyAV's, of the subtitles."""
    mp4: bool = False
    """mp4 holds them."""


ROWS = {
    "PGS in Matroska": Row("-c copy", ".mkv", "pgssub"),
    "PGS in a Blu-ray's stream": Row("-c copy -mpegts_m2ts_mode 1", ".m2ts", "pgssub"),
    "DVD in Matroska": Row("-c copy -c:s dvdsub", ".mkv", "dvdsub", mp4=True),
    "DVD in a DVD's stream": Row("-c:v mpeg2video -c:a mp2 -c:s dvdsub -f dvd", ".vob", "dvdsub", mp4=True),
    "DVB in a transport stream": Row("-c copy -c:s dvbsub", ".ts", "dvbsub"),
}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


@pytest.fixture
def source(row: Row, tmp_path: Path) -> Path:
    (tmp_path / "s.sup").write_bytes(bitmap_subtitles.pgs(SPANS))
    film = ffprobe.make(f"{FILM} -c:a aac", tmp_path / "film.mkv")
    pgs = ffprobe.make(f"-i {film} -i s.sup -map 0 -map 1 -c copy", tmp_path / "pgs.mkv")
    return ffprobe.make(f"-i {pgs} -map 0 {row.made}", tmp_path / f"in{row.suffix}")


def subtitles_of(path: Path) -> tuple[str, bytes, list[Fraction]]:
    """PyAV's name of the format, what comes before all packets, and when these are shown, from the pictures on."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        first = min(s.start_time * s.time_base for s in container.streams if s.type in ("video", "audio"))  # type: ignore[operator,type-var]
        origin = first if path.suffix in (".ts", ".m2ts", ".vob") else Fraction(0)
        times = [p.pts * p.time_base - origin for p in container.demux(stream) if p.pts is not None]  # type: ignore[operator]
        return stream.name, stream.codec_context.extradata or b"", times


def test_matroska_keeps_them(row: Row, source: Path, tmp_path: Path) -> None:
    report = media.transcode(source, tmp_path / "o.mkv")
    assert [note for note in report.notes if "dvd_nav" not in note] == []
    before, after = Seen(source), Seen(tmp_path / "o.mkv")
    assert after.subtitles == before.subtitles and len(after.subtitles[0]) >= 2
    assert after.sound == before.sound or row.suffix in (".ts", ".m2ts")  # there each packet has a header
    name, header, times = subtitles_of(source)
    kept_name, kept_header, kept_times = subtitles_of(tmp_path / "o.mkv")
    assert kept_name == name == row.name and kept_header == header
    assert max(abs(a - b) for a, b in zip(times, kept_times, strict=True)) < Fraction(3, 100)  # AAC's run-in, rounding


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_others_keep_what_they_hold_and_the_rest_is_said(row: Row, source: Path, suffix: str, tmp_path: Path) -> None:
    report = media.transcode(source, tmp_path / f"o{suffix}")
    before, after = Seen(source), Seen(tmp_path / f"o{suffix}")
    said = [note for note in report.notes if "subtitle" in note]
    if row.mp4 and suffix == ".mp4":
        assert said == [] and after.subtitles == before.subtitles and len(after.subtitles[0]) == 2
        assert subtitles_of(tmp_path / "o.mp4")[:2] == subtitles_of(source)[:2]
    else:
        assert len(said) == 1 and f"({row.name}) is left out" in said[0] and ".mkv keeps it" in said[0]
        assert after.subtitles == []
    assert len(after.times) == report.frames >= 25 and len(after.sound) == 1
