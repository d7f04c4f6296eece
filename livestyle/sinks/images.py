"""A picture into an image file that appears under its name only when it is whole.

What it does not know: metadata, colour profiles (viewers take the pixels for sRGB).
"""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from livestyle.errors import OutputError
from livestyle.frame import Picture, check_picture
from livestyle.sinks import partial_path

_FORMATS: dict[str, tuple[str, dict[str, object]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),  # no halved chroma: paintings have hard coloured edges
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    ".bmp": ("BMP", {}),
}
SUFFIXES = tuple(_FORMATS)


def save_image(path: str | Path, rgb: Picture) -> None:
    """Write HxWx3 uint8 RGB in the format that the suffix names, replacing an older file as a whole.

    Raises OutputError in one line; then nothing new is left on the disk.
    """
    path = Path(path)
    check_picture(rgb)
    check_image_output(path)
    file_format, options = _FORMATS[path.suffix.lower()]
    partial = partial_path(path)
    try:
        try:
            Image.fromarray(rgb).save(partial, file_format, **options)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # PIL: ValueError for a picture larger than the format allows
        raise OutputError(f"{path} cannot be written: {_reason(error)}; choose another place or format") from error


def check_image_output(path: Path) -> None:
    """Raise OutputError unless `path` can name an image here; before any work is done."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it, as in {path / 'painting.png'}")
    if path.suffix.lower() not in _FORMATS:
        raise OutputError(f"{path}: suffix {path.suffix!r} is no image format here; use one of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")


def image_outputs(sources: list[Path], out: Path) -> list[Path]:
    """Where each picture goes: `out` itself for one picture, else NAME.png in the folder `out`, which is made.

    Raises OutputError.
    """
    if len(sources) == 1 and not out.is_dir() and out.suffix:
        check_image_output(out)
        return [out]
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file: give a folder for {len(sources)} pictures")
    outputs = [out / f"{source.stem}.png" for source in sources]
    if len(set(outputs)) < len(outputs):
        raise OutputError(f"two pictures have one name and would both become {out}/NAME.png: stylize them one by one")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder {out} cannot be made ({error.strerror}): choose another with -o") from None
    return outputs


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
