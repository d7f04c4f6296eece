"""What a batch is of: videos and pictures in files, folders and patterns, and where the painting of each goes.

It looks at names and times of change, never into files.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from livestyle.errors import SettingError, SourceError
from livestyle.files.jobs import Job, check_inputs_stay, jobs_in_folder
from livestyle.files.kinds import is_media, is_video
from livestyle.files.video_format import USUAL, VideoFormat
from livestyle.sinks import codecs, images
from livestyle.sources.picture_files import NamedFile, fixed_part, natural_order

OTHER_VIDEOS_BECOME = ".mp4"


@dataclass(frozen=True)
class Plan:
    """jobs: all of them. left_out: files that were named and are neither videos nor pictures."""

    jobs: list[Job]
    left_out: list[Path]


def planned(
    named: Iterable[Path],
    out: Path,
    *,
    picture_format: str = "png",
    quality: int | None = None,
    video_format: VideoFormat = USUAL,
) -> Plan:
    """Where each file goes; the folder `out` is made, and the folders in it.

    Folders are searched with all that is in them, except for hidden files and `out` itself. Raises SourceError where
    there is nothing, SettingError and OutputError before any work.
    """
    suffix = f".{picture_format.lower().lstrip('.')}"
    if suffix not in images.SUFFIXES:
        raise SettingError(f"format {picture_format!r}: choose {', '.join(s[1:] for s in images.SUFFIXES)}")
    if quality is not None:
        images.check_quality(quality, suffix)
    found: dict[Path, NamedFile] = {}
    left_out: list[Path] = []
    for path in named:
        for file in _meant(path.expanduser(), out):
            if is_media(file.path):
                found.setdefault(file.path.absolute(), file)
            else:
                left_out.append(file.path)
    files = list(found.values())
    if not files:
        raise SourceError("no video and no picture is among these files: give others, or folders that have some")
    jobs = jobs_in_folder(files, out, _suffix_of(suffix, video_format.codec))
    check_inputs_stay(jobs)
    for job in jobs:
        if is_video(job.source):
            video_format.check(job.output)
    return Plan(jobs, left_out)


def up_to_date(job: Job) -> bool:
    """Whether there is an output that was written after its source was."""
    try:
        return job.output.stat().st_mtime_ns >= job.source.stat().st_mtime_ns
    except OSError:
        return False


def _suffix_of(picture_suffix: str, codec: str | None) -> Callable[[Path], str]:
    """Videos keep theirs where it can hold the codec."""
    held = codecs.CODECS[codec].suffixes if codec in codecs.CODECS else codecs.SUFFIXES
    other = OTHER_VIDEOS_BECOME if OTHER_VIDEOS_BECOME in held else held[0]

    def suffix_of(path: Path) -> str:
        if not is_video(path):
            return picture_suffix
        return path.suffix.lower() if path.suffix.lower() in held else other

    return suffix_of


def _meant(path: Path, out: Path) -> Iterator[NamedFile]:
    """The files that are meant; of folders and patterns only media. Raises SourceError."""
    if os.path.isdir(path):
        files = _sorted(_walk(path, out))
        if not files:
            raise SourceError(f"{path} holds no video and no picture")
        yield from (NamedFile(file, file.relative_to(path).with_suffix("")) for file in files)
    elif os.path.exists(path):
        yield NamedFile(path, Path(path.stem))
    elif glob.has_magic(str(path)):
        matches = (Path(found) for found in glob.iglob(str(path), recursive=True))
        files = _sorted(file for file in matches if file.is_file() and not _inside(file.parent, out))
        if not files:
            raise SourceError(f"{path} matches no video and no picture; in a pattern **/ stands for any folders")
        yield from (NamedFile(file, file.relative_to(fixed_part(path)).with_suffix("")) for file in files)
    else:
        raise SourceError(f"{path}: no such file or folder; check the spelling and the folder you are in")


def _walk(folder: Path, out: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and not _inside(Path(place, name), out)]
        yield from (Path(place, name) for name in names)


def _inside(folder: Path, out: Path) -> bool:
    return folder.resolve().is_relative_to(out.resolve())


def _sorted(files: Iterable[Path]) -> Sequence[Path]:
    media = [file for file in files if is_media(file) and not file.name.startswith(".")]
    return sorted(media, key=lambda file: natural_order(str(file)))
