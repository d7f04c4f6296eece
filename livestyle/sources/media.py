"""Media files and their clocks, before any stream of them is decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from livestyle.errors import SourceError

_TS_DISCONT = 0x200  # AVFMT_TS_DISCONT


def open_media(path: Path) -> InputContainer:
    """Open a media file for reading. Raises SourceError in one line."""
    if not path.exists():
        raise SourceError(f"{path}: no such file; check the spelling and the folder you are in")
    if path.is_dir():
        raise SourceError(f"{path} is a folder, not a video; name a file inside it")
    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes); copy or download it again")
        # Absolute: "a:b.mp4" would be taken for a URL. Names in a file may be in any encoding.
        return av.open(str(path.resolve()), "r", metadata_errors="surrogateescape")
    except PermissionError as error:
        raise SourceError(f"{path} cannot be opened: permission denied; allow reading it") from error
    except (av.FFmpegError, OSError) as error:
        raise SourceError(
            f"{path} is not a video that FFmpeg can open, or it is truncated: {reason(error)}; "
            "give an mp4, mov, mkv, webm or avi file that plays elsewhere"
        ) from error


def clock_may_jump(container: InputContainer) -> bool:
    """Whether files of this kind (transport streams) are made of parts with clocks of their own at times."""
    return bool(container.format.flags & _TS_DISCONT)


def clock_origin_seconds(container: InputContainer) -> Fraction:
    """Where this file's clock starts: 0, but for transport streams the first time stamp of picture or sound."""
    if not clock_may_jump(container):
        return Fraction(0)
    streams = (*container.streams.video, *container.streams.audio)
    starts = [s.start_time * s.time_base for s in streams if s.start_time is not None and s.time_base]
    return min(starts, default=Fraction(0))


def reason(error: Exception) -> str:
    """What FFmpeg or the system says about it, in a few words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
