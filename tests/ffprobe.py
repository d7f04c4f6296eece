"""What Debian's ffmpeg and ffprobe, programs of other people, make and see of media files."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = shutil.which("ffmpeg") is not None and shutil.which("ffprobe") is not None


def make(command: str, path: Path) -> Path:
    """Run `ffmpeg` with these arguments, and the path as the last one."""
    arguments = ["ffmpeg", "-v", "error", "-nostdin", "-y", *command.split(), str(path)]
    subprocess.run(arguments, check=True, cwd=path.parent, capture_output=True)
    return path


class Seen:
    """A file as ffprobe sees it."""

    def __init__(self, path: Path) -> None:
        shown = [
            "-show_format",
            "-show_streams",
            "-show_chapters",
            "-show_frames",
            "-show_packets",
            "-show_data_hash",
            "md5",
        ]
        command = ["ffprobe", "-v", "error", "-of", "json", *shown, str(path)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
        self.format: dict[str, Any] = found["format"]
        self.chapters: list[dict[str, Any]] = found["chapters"]
        self._streams: list[dict[str, Any]] = found["streams"]
        self._packets_and_frames: list[dict[str, Any]] = found["packets_and_frames"]
        self.pictures = next(stream for stream in self._streams if stream["codec_type"] == "video")
        """The stream, as ffprobe names things."""

    @property
    def times(self) -> list[Fraction]:
        """When the pictures are shown, in seconds, from the first one on; at the mean rate where ffprobe cannot say."""
        base, rate = (Fraction(self.pictures[key]) for key in ("time_base", "r_frame_rate"))
        shown: list[Fraction] = []
        for frame in self._packets_and_frames:
            if frame["type"] == "frame" and frame["stream_index"] == self.pictures["index"]:
                ticks = frame.get("best_effort_timestamp")
                shown.append(shown[-1] + 1 / rate if ticks is None else int(ticks) * base)
        return [seconds - shown[0] for seconds in shown]

    @property
    def sound(self) -> list[list[str]]:
        """For each stream of sound digests of its packets."""
        return self._digests("audio")

    @property
    def subtitles(self) -> list[list[str]]:
        """For each stream of subtitles digests of its packets."""
        return self._digests("subtitle")

    def _digests(self, kind: str) -> list[list[str]]:
        found: dict[int, list[str]] = {s["index"]: [] for s in self._streams if s["codec_type"] == kind}
        for packet in self._packets_and_frames:
            if packet["type"] == "packet" and packet["stream_index"] in found:
                found[packet["stream_index"]].append(packet["data_hash"])
        return list(found.values())
