"""Small videos of many formats, broken by chance, through all of `livestyle video` but the painting.

`python -m tests.fuzzing FOLDER FIRST COUNT` prints a line of JSON for each: its name and what came of it. It is a
program of its own, as what FFmpeg does to it cannot be caught.
"""

from __future__ import annotations

import faulthandler
import json
import shutil
import sys
import traceback
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from livestyle.errors import LivestyleError
from livestyle.sources.video import VideoSource
from tests import media

TICK = Fraction(1, 30)
FORMATS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"options": {"bf": "2", "g": "5"}, "sound_starts": (0.0,)},
    "fragmented.mp4": {"options": {"g": "5"}, "sound_starts": (0.0,), "fragmented": True},
    "hevc.mkv": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=5"}, "sound_starts": (0.0,)},
    "h264.mkv": {"options": {"bf": "2", "g": "5"}, "sound_starts": (0.0,), "sound_codec": "libopus"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "13"}},
    "h264.ts": {"options": {"bf": "2", "g": "5"}, "sound_starts": (0.0,)},
    "mpeg2.ts": {"codec": "mpeg2video", "options": {"bf": "2", "g": "5"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "5"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "ffv1.mkv": {"codec": "ffv1", "options": {"g": "5"}},
    "anim.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "h264.flv": {"options": {"g": "5"}},
    "raw.h264": {"options": {"g": "5"}},
}
OUTPUTS = (".mp4", ".mkv", ".mov")


def write_whole(folder: Path) -> list[Path]:
    """One clip of each format: ten pictures of 64x48."""
    clips = []
    for name, options in FORMATS.items():
        options = {"rate": Fraction(30), "time_base": TICK, "size": (64, 48), **options}
        options.pop("fragmented", None)
        clips.append(media.write_clip(folder / name, range(10), draw=media.moving_picture, **options))
    return clips


def broken(data: bytes, seed: int) -> bytes:
    """Cut short, bits flipped, a stretch zeroed, left out, repeated or made noise; up to three of these."""
    chance = np.random.default_rng(seed)
    given = bytearray(data)
    for _ in range(chance.integers(1, 4)):
        at, size = int(chance.integers(len(given))), int(chance.integers(1, max(2, len(given) // 8)))
        match chance.integers(6):
            case 0:
                del given[max(at, 64) :]
            case 1:
                for place in chance.integers(len(given), size=int(chance.integers(1, 30))):
                    given[place] ^= 1 << int(chance.integers(8))
            case 2:
                given[at : at + size] = bytes(len(given[at : at + size]))
            case 3:
                del given[at : at + size]
            case 4:
                given[at:at] = given[at : at + size]
            case 5:
                given[at : at + size] = chance.bytes(len(given[at : at + size]))
        if len(given) < 16:
            break
    return bytes(given)


def tried(source: Path, output: Path) -> str:
    """What came of one: ok, damaged, refused, or what is wrong with livestyle."""
    try:
        report = media.transcode(source, output)
        with VideoSource(source) as video:
            for seconds in (Fraction(1, 6), Fraction(9), Fraction(0)):
                video.seek(seconds)
                video.read()
    except LivestyleError as error:
        return "refused" if "\n" not in str(error) else f"more than a line: {error}"
    except BaseException:
        return traceback.format_exc()
    if not media.read_all(output):
        return "an output without pictures"
    return "damaged" if report.damage else "ok"


def main(folder: Path, first: int, count: int) -> None:
    faulthandler.enable()
    whole = folder / "whole"
    clips = sorted(whole.iterdir())
    for seed in range(first, first + count):
        clip = clips[seed % len(clips)]
        work = folder / f"{seed}"
        work.mkdir()
        source = work / f"in{clip.suffix}"
        source.write_bytes(broken(clip.read_bytes(), seed))
        print(json.dumps({"seed": seed, "clip": clip.name}), flush=True)
        outcome = tried(source, work / f"out{OUTPUTS[seed % len(OUTPUTS)]}")
        left = sorted(p.name for p in work.iterdir() if p.name.startswith("."))
        print(json.dumps({"outcome": outcome, "left": left}), flush=True)
        shutil.rmtree(work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
