"""What a file is taken for, by its suffix."""

from __future__ import annotations

from pathlib import Path

from livestyle.sources import still

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts"),
    *(".wmv", ".flv", ".3gp", ".ogv", ".mxf"),
)


def is_video(path: Path) -> bool:
    """Whether a file is taken for a video, by its suffix."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def is_media(path: Path) -> bool:
    """Whether a file is taken for a video or a picture."""
    return is_video(path) or path.suffix.lower() in still.SUFFIXES
