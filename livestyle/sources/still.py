"""One image file to one picture: every mode, depth and colour profile becomes upright 8-bit sRGB.

What is transparent shows white, of 16 bits a channel the upper eight are taken. Pixels are converted in strips, so
that a picture of 100 megapixels needs little more memory than itself. What it does not know: the later pictures of
an animation or of pages (it says that there are some), raw files, HDR, XMP.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from livestyle.errors import LivestyleError, SourceError
from livestyle.frame import Picture
from livestyle.sources.exif import NOTHING, kept_exif, orientation_of
from livestyle.sources.profiles import Transform, srgb_transform

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif")
KINDS = "png, jpg, webp, tiff, avif, gif or bmp"
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "JPEG2000", "PPM", "TGA")
"""PIL's names of what is read, whatever the suffix; some of its other formats start programs."""
MAX_PIXELS = 512_000_000
_STRIP_PIXELS = 1 << 20
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_TURNS = {  # EXIF's orientation: quarter turns anticlockwise, then whether left and right change
    **{2: (0, True), 3: (2, False), 4: (2, True)},
    **{5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)},
}


@dataclass(frozen=True, eq=False)
class Still:
    """rgb: HxWx3 uint8 sRGB, upright. exif: what is kept of the file's, see `livestyle.sources.exif`.

    notes: what a person should know of how the file was read.
    """

    rgb: Picture
    exif: bytes = NOTHING
    notes: tuple[str, ...] = ()


def read_still(path: Path) -> Still:
    """Read an image file. Raises SourceError in one line."""
    notes: list[str] = []
    with _opened(path) as image:
        if image.format != "MPO" and getattr(image, "is_animated", False):  # MPO: a photograph with its preview
            notes.append(_more_than_one(image))
        try:
            exif = kept_exif(image)
        except Exception as error:  # of damaged EXIF PIL raises all there is
            exif = NOTHING
            notes.append(f"its EXIF is damaged and left out ({error})")
        with _libtiff_silenced() if image.format == "TIFF" else nullcontext():
            image.load()
        orientation = orientation_of(image)  # only now: PIL turns a TIFF while it loads
        try:
            transform = srgb_transform(image)
        except ValueError as error:
            transform = None
            notes.append(f"{error}; it is taken for sRGB")
        rgb = _upright(_srgb(image, transform), orientation)
    return Still(rgb, exif, tuple(notes))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The file in PIL. What PIL raises, here and in the block, is raised as SourceError in one line."""
    _check_file(path)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what it has to say it raises as well
    TiffImagePlugin.READ_LIBTIFF = True  # what PIL reads by itself is wrong for planes of 16 bits
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL's remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_formats(path)) as image:
                yield image
    except LivestyleError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = MAX_PIXELS // 1_000_000
        raise SourceError(f"{path} has more than {limit} million pixels; make it smaller first") from error
    except UnidentifiedImageError as error:
        raise SourceError(f"{path} {_unidentified(path)}") from error
    except PermissionError as error:
        raise SourceError(f"{path} cannot be opened: permission denied; allow reading it") from error
    except MemoryError as error:
        raise SourceError(f"{path} needs more memory than there is; make it smaller first") from error
    except Exception as error:  # of damaged files PIL raises all there is
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise SourceError(f"{path} is damaged or truncated: {said}; copy or download it again") from error


@contextmanager
def _libtiff_silenced() -> Iterator[None]:
    """libtiff prints what is wrong with a file, and PIL raises it as well."""
    try:
        stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # there is no stderr
        yield
        return
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _check_file(path: Path) -> None:
    if os.path.isdir(path):
        raise SourceError(f"{path} is a folder, not an image; name a file inside it")
    if not os.path.exists(path):
        raise SourceError(f"{path}: no such file; check the spelling and the folder you are in")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); copy or download it again")


def _formats(path: Path) -> list[str]:
    """PIL's names of what may be read. PIL learns HEIC from pillow-heif, where that is installed."""
    Image.init()
    if _brand(path) in _HEIF_BRANDS and importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    return [name for name in _FORMATS if name in Image.OPEN]


def _brand(path: Path) -> bytes:
    """What a file of the HEIF family says that it is; nothing for others."""
    head = _head(path)
    return head[8:] if head[4:8] == b"ftyp" else b""


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


def _unidentified(path: Path) -> str:
    if _brand(path) in _HEIF_BRANDS and "HEIF" not in Image.OPEN:
        return "is a HEIC picture: `pip install pillow-heif` lets livestyle read it, or convert it to jpg or png"
    if _brand(path) in _AVIF_BRANDS and "AVIF" not in Image.OPEN:
        return "is an AVIF picture: `pip install -U pillow` lets livestyle read it, or convert it to jpg or png"
    if _head(path)[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "is a TIFF of a kind that is not read here, or damaged; save it as RGB of 8 or 16 bits a channel"
    return f"is not an image; give a {KINDS} file"


def _more_than_one(image: Image.Image) -> str:
    if image.format == "TIFF":
        return "it has several pages; the first is painted"
    if image.format == "GIF" or image.format == "PNG":
        return "it is animated; the first picture is painted here, all of them with `livestyle video`"
    return "it is animated; the first picture is painted"


def _srgb(image: Image.Image, transform: Transform | None) -> Picture:
    """The loaded image, strip by strip."""
    width, height = image.size
    scale = _grey_scale(image)
    rgb = np.empty((height, width, 3), np.uint8)
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        strip = image.crop((0, top, width, min(height, top + step)))
        rgb[top : top + step] = np.asarray(_srgb_strip(strip, transform, scale))
    return rgb


def _srgb_strip(image: Image.Image, transform: Transform | None, scale: float | None) -> Image.Image:
    """Any PIL mode to RGB."""
    if scale is not None:
        image = Image.fromarray(_eight_bit(np.asarray(image), scale))
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
        alpha = image.getchannel("A")
    colours = transform(image) if transform else image.convert("RGB")
    return Image.composite(colours, Image.new("RGB", image.size, "white"), alpha) if alpha else colours


def _grey_scale(image: Image.Image) -> float | None:
    """What grey samples of more than 8 bits are to be multiplied by, None for others.

    Integers are taken for 16-bit, floats up to 1 for a fraction of white.
    """
    if image.mode.startswith("I"):
        return 1 / 257
    if image.mode != "F":
        return None
    _, largest = image.getextrema()
    return 255.0 if isinstance(largest, float) and largest <= 1 else 1.0


def _eight_bit(grey: NDArray[np.generic], scale: float) -> NDArray[np.uint8]:
    return np.clip(np.rint(np.nan_to_num(grey.astype(np.float64) * scale)), 0, 255).astype(np.uint8)


def _upright(rgb: Picture, orientation: int) -> Picture:
    turns, mirrored = _TURNS.get(orientation, (0, False))
    turned = np.rot90(rgb, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)
