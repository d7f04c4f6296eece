"""Sound that is damaged: what there is of it is kept, it is said, and the exit code is 3, as of damaged pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests import media, streams
from tests.conftest import Run


def with_broken_sound(path: Path, *, packets: range) -> Path:
    """A whole clip, but for some packets of sound, which are noise."""
    clip = media.write_clip(
        path.with_name("clip.mp4"), range(30), rate=Fraction(30), time_base=Fraction(1, 30), sound_starts=(0.0,)
    )
    noise = np.random.default_rng(0)
    with av.open(str(clip)) as given, av.open(str(path), "w") as made:
        targets = {stream.index: made.add_stream_from_template(stream, opaque=True) for stream in given.streams}
        number = 0
        for packet in given.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                if number in packets:
                    packet.update(noise.bytes(packet.size))
                number += 1
            packet.stream = targets[packet.stream_index]
            made.mux(packet)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return with_broken_sound(tmp_path / "broken.mp4", packets=range(10, 20))


def broken_packets(damage: str) -> int:
    """How many are said to be."""
    name, _, rest = damage.partition(": ")
    assert name.endswith("broken.mp4") and rest.endswith(" broken packets of sound or subtitles")
    return int(rest.split()[0])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_is_copied_is_kept_as_it_is(broken: Path, suffix: str, out: Path) -> None:
    report = media.transcode(broken, out / f"o{suffix}")
    assert 5 <= broken_packets(report.damage) <= 10 and report.notes == ()
    (before,), (after,) = media.sound_of(broken), media.sound_of(out / f"o{suffix}")
    assert [digest for _, digest in after] == [digest for _, digest in before]
    assert len(media.read_all(out / f"o{suffix}")) == report.frames == 30


def test_sound_that_is_encoded_again_is_silent_where_it_is_broken(broken: Path, out: Path) -> None:
    assert 5 <= broken_packets(media.transcode(broken, out / "o.webm").damage) <= 10
    ((*_, (last, _)),) = media.sound_of(out / "o.webm")
    assert float(last) == pytest.approx(1, abs=0.05)


def test_it_is_said_of_a_stream_too(broken: Path, out: Path) -> None:
    assert 5 <= broken_packets(streams.stream(broken, out / "o.mkv").damage) <= 10


def test_a_recording_that_begins_in_the_middle_of_sound_is_whole(tmp_path: Path, out: Path) -> None:
    source = with_broken_sound(tmp_path / "broken.mp4", packets=range(3))
    assert media.transcode(source, out / "o.mp4").damage == ""


def test_sound_that_neither_mp4_nor_matroska_holds_is_encoded_again(tmp_path: Path, out: Path) -> None:
    """Its channels have a number and no names."""
    source = media.write_clip(
        tmp_path / "in.avi", range(30), rate=Fraction(30), time_base=Fraction(1, 30), codec="mpeg4",
        sound_starts=(0.0,), sound_codec="adpcm_ms",
    )  # fmt: skip
    for suffix in (".mp4", ".mkv"):
        report = media.transcode(source, out / f"o{suffix}")
        assert report.damage == "" and [note.partition(", so ")[2] for note in report.notes] == [
            "it is encoded again as aac"
        ]
        assert len(media.sound_of(out / f"o{suffix}")[0]) > 40


def test_the_exit_code_is_three(run: Run, broken: Path, tmp_path: Path) -> None:
    result = run("video", str(broken), "o.mp4", "--device", "cpu", "--size", "32")
    assert result.code == 3 and "broken packets of sound" in result.err.splitlines()[-1]
    assert len(media.read_all(tmp_path / "o.mp4")) == 30
    assert run("video", str(broken), "o.mp4", "--device", "cpu", "--size", "32", "--no-audio").code == 0
