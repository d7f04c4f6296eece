"""Still pictures: one file (`load_image`), or a file or folder as a source of frames (`FolderSource`).

EXIF orientation is applied; grey, palette, CMYK and 16-bit pictures become 8-bit RGB; what is transparent
shows white. What it does not know: colour profiles (pixels are taken for sRGB), the later pictures of an
animation, raw and HEIC files.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from livestyle.errors import SourceError
from livestyle.frame import Frame, Picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # what PIL raises for damaged files


def load_image(path: str | Path) -> Picture:
    """Read an image file as HxWx3 uint8 RGB, upright. Raises SourceError in one line."""
    path = Path(path)
    _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL's remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return np.array(_rgb(ImageOps.exif_transpose(image)))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise SourceError(f"{path} has more than {limit} million pixels; make it smaller first") from error
    except UnidentifiedImageError as error:
        raise SourceError(f"{path} is not an image; give a {', '.join(s[1:] for s in SUFFIXES)} file") from error
    except PermissionError as error:
        raise SourceError(f"{path} cannot be opened: permission denied; allow reading it") from error
    except _DECODER_ERRORS as error:
        raise SourceError(f"{path} is damaged or truncated: {error}; copy or download it again") from error


class FolderSource:
    """The images of a folder in natural order (2.png before 10.png), or one image; one frame per second.

    Pictures may differ in size; `width` and `height` are the first one's. See livestyle.sources.Source.
    Raises SourceError when there is no image, and for each damaged one as it is read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.files = _image_files(self.path)
        self._head: Picture | None = load_image(self.files[0])  # a bad first picture is said at once
        self.height, self.width = self._head.shape[:2]
        self.rate = Fraction(1)
        self.time_base = Fraction(1)
        self.frame_count_hint: int | None = len(self.files)
        self.duration_seconds: float | None = float(len(self.files))
        self.has_audio = False
        self._index = 0

    def read(self) -> Frame | None:
        """The next picture, or None after the last. Raises SourceError."""
        if self._index >= len(self.files):
            return None
        head, self._head = self._head, None
        rgb = load_image(self.files[self._index]) if head is None else head
        frame = Frame(rgb=rgb, index=self._index, pts_seconds=Fraction(self._index))
        self._index += 1
        return frame

    def close(self) -> None:
        """Deliver nothing more; safe to call twice."""
        self._index = len(self.files)
        self._head = None


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key by which numbers count as numbers: 2.png < 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower()) if part]


def _image_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file() and not f.name.startswith(".")]
    if not files:
        raise SourceError(f"{path} holds no image; put {', '.join(s[1:] for s in SUFFIXES)} files there")
    return sorted(files, key=lambda f: natural_order(f.name))


def expand_folders(paths: Iterable[Path]) -> list[Path]:
    """The paths with each folder replaced by its images in natural order. Raises SourceError."""
    return [file for path in paths for file in _image_files(path)]


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise SourceError(f"{path} is a folder, not an image; name a file inside it")
    if not path.exists():
        raise SourceError(f"{path}: no such file; check the spelling and the folder you are in")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); copy or download it again")


def _rgb(image: Image.Image) -> Image.Image:
    """Any PIL mode to RGB."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bit(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _eight_bit(grey: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Picture:
    """Grey samples of more than 8 bits: integers are taken for 16-bit, floats up to 1 for a fraction of white."""
    values = grey.astype(np.float64)
    if np.issubdtype(grey.dtype, np.integer):
        values /= 257
    elif values.max(initial=0.0) <= 1:
        values *= 255
    return np.clip(np.rint(np.nan_to_num(values)), 0, 255).astype(np.uint8)
