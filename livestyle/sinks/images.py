"""A picture into an image file that appears under its name only when it is whole.

The file says that its colours are sRGB (bmp cannot), and carries EXIF where it is given some. It knows no other
metadata.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from livestyle.errors import OutputError, SettingError
from livestyle.frame import Picture, check_picture
from livestyle.sinks import partial_path

_JPEG: tuple[str, dict[str, Any]] = ("JPEG", {"subsampling": 0})  # no halved chroma: paintings have hard coloured edges
_TIFF: tuple[str, dict[str, Any]] = ("TIFF", {})  # as it is: LZW makes paintings larger, and PIL has no EXIF beside it
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    **{".png": ("PNG", {}), ".jpg": _JPEG, ".jpeg": _JPEG, ".webp": ("WEBP", {})},
    **{".tif": _TIFF, ".tiff": _TIFF, ".bmp": ("BMP", {})},
}
SUFFIXES = tuple(_FORMATS)
_LOSSY = ("JPEG", "WEBP")
QUALITY = 95
"""Of lossy formats, where none is asked for."""


def save_image(path: str | Path, rgb: Picture, *, quality: int | None = None, exif: bytes = b"") -> None:
    """Write HxWx3 uint8 sRGB in the format that the suffix names, replacing an older file as a whole.

    quality: 1 to 100, for lossy formats. exif: as PIL writes it, or nothing. Raises OutputError in one line; then
    nothing new is left on the disk.
    """
    path = Path(path)
    check_picture(rgb)
    check_image_output(path)
    file_format, options = _FORMATS[path.suffix.lower()]
    if file_format in _LOSSY:
        options = {**options, "quality": quality or QUALITY}
    if exif and file_format != "BMP":
        options = {**options, "exif": exif}
    partial = partial_path(path)
    try:
        try:
            Image.fromarray(rgb).save(partial, file_format, icc_profile=_srgb_profile(), **options)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # PIL: ValueError for a picture larger than the format allows
        raise OutputError(f"{path} cannot be written: {_reason(error)}; choose another place or format") from error


def check_image_output(path: Path) -> None:
    """Raise OutputError unless `path` can name an image here; before any work is done."""
    if os.path.isdir(path):
        raise OutputError(f"{path} is a folder; name a file in it, as in {path / 'painting.png'}")
    if path.suffix.lower() not in _FORMATS:
        raise OutputError(f"{path}: suffix {path.suffix!r} is no image format here; use one of {', '.join(SUFFIXES)}")
    if not os.path.isdir(path.parent):
        raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")


def check_quality(quality: int, suffix: str) -> None:
    """Raise SettingError unless files of this suffix can have this quality."""
    if not 1 <= quality <= 100:
        raise SettingError(f"quality {quality}: choose 1 (smallest file) to 100 (best)")
    if suffix in _FORMATS and _FORMATS[suffix][0] not in _LOSSY:
        raise SettingError(f"--quality {quality} is for jpg and webp, and {suffix[1:]} keeps every pixel: drop it")


@cache
def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
