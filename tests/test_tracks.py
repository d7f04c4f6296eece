"""What a file carries beside its pictures: copied bit for bit where the output can hold it, else converted and said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from livestyle.sinks.tracks import TracksFrom
from livestyle.sinks.video import VideoOptions, VideoSink
from tests import media, rich_media
from tests.rich_media import chapters_of, texts_of, tracks_of

TEXTS = [(0.5, 1.0, "Hello {\\i1}world"), (2.0, 1.25, "zwei\nZeilen ü"), (3.5, 1.5, "bye")]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_media.rich_clip(tmp_path_factory.mktemp("rich") / "rich.mkv")


def digests(path: Path, *, codec: str) -> list[list[str]]:
    return [[digest for _, digest in track.packets] for track in tracks_of(path) if track.codec == codec]


def names_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


def covers_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        streams = [s for s in container.streams.video if s.disposition & s.disposition.attached_pic]
        return [bytes(p) for p in container.demux(streams) if p.size] if streams else []


def cut_out(source: Path, output: Path, start: Fraction, end: Fraction, *, sound: bool = True) -> list[str]:
    """Write some pictures with the tracks of a part of a file; the notes."""
    notes: list[str] = []
    tracks = TracksFrom(path=source, sound=sound, start_seconds=start, end_seconds=end)
    options = VideoOptions(size=(96, 64), rate=Fraction(10), tracks_from=tracks)
    with VideoSink(output, options, note=notes.append) as sink:
        for i in range(10):
            sink.write(media.picture(i, 96, 64), Fraction(i, 10))
    return notes


def test_matroska_keeps_everything(rich: Path, out: Path) -> None:
    report = media.transcode(rich, out / "o.mkv")
    assert report.notes == ()
    before, after = tracks_of(rich), tracks_of(out / "o.mkv")
    assert [t.codec for t in before] == ["aac", "opus", "srt", "ssa"]
    assert after == before
    assert chapters_of(out / "o.mkv") == chapters_of(rich) == [(0, 2, "One"), (2, 4, "Two")]
    assert covers_of(out / "o.mkv") == [rich_media.cover()]
    names = names_of(out / "o.mkv")
    assert {key: names[key] for key in rich_media.NAMES} == rich_media.NAMES
    with av.open(str(out / "o.mkv")) as container:
        fonts = [(s.name, bytes(s.data)) for s in container.streams if s.type == "attachment"]
        assert fonts == [("font.ttf", rich_media.FONT)]
        assert container.streams.audio[0].metadata["title"] == "Kommentar"
        assert len(container.streams.video) == 2  # the picture and the cover


def test_mp4_keeps_sound_and_cover_and_rewrites_subtitles(rich: Path, out: Path) -> None:
    report = media.transcode(rich, out / "o.mp4")
    assert [t.packets for t in tracks_of(out / "o.mp4")[:2]] == [t.packets for t in tracks_of(rich)[:2]]
    assert [(t.codec, t.language) for t in tracks_of(out / "o.mp4")[:2]] == [("aac", "ger"), ("opus", "fre")]
    assert texts_of(out / "o.mp4") == TEXTS
    assert texts_of(out / "o.mp4", 1) == [(1.0, 1.0, "placed")]
    assert chapters_of(out / "o.mp4") == chapters_of(rich)
    assert covers_of(out / "o.mp4") == [rich_media.cover()]
    assert {key: names_of(out / "o.mp4")[key] for key in rich_media.NAMES} == rich_media.NAMES
    told = "\n".join(report.notes)
    assert "subtitle stream 3 is written as mov_text" in told and "without fonts and places" in told
    assert "font.ttf" in told and len(report.notes) == 3


def test_mov_gets_what_it_can_hold(rich: Path, out: Path) -> None:
    report = media.transcode(rich, out / "o.mov")
    assert digests(out / "o.mov", codec="aac")[0] == digests(rich, codec="aac")[0]
    assert any("opus" in n and "encoded again as aac" in n for n in report.notes)
    assert any("cover" in n for n in report.notes)
    assert texts_of(out / "o.mov") == TEXTS


def test_webm_gets_webvtt_and_keeps_opus(rich: Path, out: Path) -> None:
    report = media.transcode(rich, out / "o.webm")
    assert [t.codec for t in tracks_of(out / "o.webm")] == ["opus", "opus", "webvtt", "webvtt"]
    assert digests(out / "o.webm", codec="opus")[1] == digests(rich, codec="opus")[0]
    assert [text for _, _, text in texts_of(out / "o.webm")] == [text for _, _, text in TEXTS]
    assert any("font.ttf" in n for n in report.notes) and any("cover" in n for n in report.notes)


def test_an_mp4s_tracks_stay_as_they_are_in_mp4_and_go_into_matroska(rich: Path, out: Path) -> None:
    source = out / "source.mp4"
    media.transcode(rich, source)
    assert media.transcode(source, out / "o.mp4").notes == ()
    assert tracks_of(out / "o.mp4") == tracks_of(source)
    assert covers_of(out / "o.mp4") == covers_of(source)
    report = media.transcode(source, out / "o.mkv")
    assert digests(out / "o.mkv", codec="aac") == digests(rich, codec="aac")
    assert digests(out / "o.mkv", codec="opus") == digests(rich, codec="opus")
    later = 0.021  # Matroska moves everything so that AAC's run-in begins at 0
    assert texts_of(out / "o.mkv") == [(round(begin + later, 3), length, words) for begin, length, words in TEXTS]
    assert covers_of(out / "o.mkv") == covers_of(source) and chapters_of(out / "o.mkv") == chapters_of(rich)
    assert all("written as subrip" in n for n in report.notes)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_part_of_a_file_has_that_part_of_its_tracks(rich: Path, out: Path, suffix: str) -> None:
    start, end = Fraction(1), Fraction(5, 2)
    cut_out(rich, out / f"o{suffix}", start, end)
    whole, part = tracks_of(rich), tracks_of(out / f"o{suffix}")
    for before, after in zip(whole[:2], part[:2], strict=True):
        expected = [(time - start, digest) for time, digest in before.packets if start <= time < end]
        assert after.packets == expected
    assert texts_of(out / f"o{suffix}") == [(0.0, 0.5, TEXTS[0][2]), (1.0, 0.5, TEXTS[1][2])]
    assert chapters_of(out / f"o{suffix}") == [(0.0, 1.0, "One"), (1.0, 1.5, "Two")]


def test_sound_can_be_left_out(rich: Path, out: Path) -> None:
    cut_out(rich, out / "o.mkv", Fraction(0), Fraction(1), sound=False)
    assert [t.codec for t in tracks_of(out / "o.mkv")] == ["srt", "ssa"]


def test_data_tracks_are_left_out_and_said(tmp_path: Path, out: Path) -> None:
    source = tmp_path / "klv.ts"
    with av.open(str(media.ntsc_clip(tmp_path / "c.ts", frames=6))) as clip, av.open(str(source), "w") as made:
        pictures = made.add_stream_from_template(clip.streams.video[0])
        data = made.add_data_stream("klv")
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                telemetry = av.Packet(b"\x06\x0e+4position")
                telemetry.stream, telemetry.time_base = data, packet.time_base
                telemetry.pts = telemetry.dts = packet.dts
                packet.stream = pictures
                made.mux([packet, telemetry])
    report = media.transcode(source, out / "o.mp4")
    assert report.notes == ("data tracks are left out: klv",) and report.frames == 6


def test_names_in_an_old_encoding_are_read_as_latin_1(rich: Path, out: Path) -> None:
    data = rich.read_bytes()
    assert data.count(b"A film") == 1
    (out / "old.mkv").write_bytes(data.replace(b"A film", b"\xc4 film"))
    media.transcode(out / "old.mkv", out / "o.mp4")
    assert names_of(out / "o.mp4")["title"] == "Ä film"


def test_sound_that_ends_in_the_middle_of_a_packet_is_kept_up_to_there(rich: Path, out: Path) -> None:
    cut = media.cut(rich, out / "cut.mkv", 0.7)
    cut_out(cut, out / "o.mkv", Fraction(0), Fraction(4))
    before, after = digests(rich, codec="aac")[0], digests(out / "o.mkv", codec="aac")[0]
    assert 50 < len(after) < len(before)
    assert before[: len(after) - 1] == after[:-1]
