"""What of a photograph's EXIF is true of its painting as well: who, when, where, with what, and the print resolution.

Left out: orientation (the pixels are upright), thumbnail, the makers' own notes (their offsets would be wrong),
colour space and size, and all that says how a TIFF is stored.
"""

from __future__ import annotations

from PIL import ExifTags, Image

NOTHING = b""
_ORIENTATION = 0x0112
_DESCRIBING = (
    *(0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298),
    *range(0x9C9B, 0x9CA0),  # title, comment, author, keywords and subject, as Windows writes them
)
"""Description, make, model, resolution (3), software, date, artist, computer, rating (2), copyright."""
_NOT_TRUE_OF_A_PAINTING = (0x9101, 0x9102, 0x927C, 0xA001, 0xA002, 0xA003, 0xA005)
"""Components, compression, maker's notes, colour space, width, height, interoperability."""
_LARGEST = 65_000
"""Bytes; a JPEG holds not many more."""


def orientation_of(image: Image.Image) -> int:
    """1 to 8, as EXIF counts; 1 where it says something else."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # of damaged EXIF PIL raises all there is
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def kept_exif(image: Image.Image) -> bytes:
    """EXIF to be written with a painting of an image that was just opened; NOTHING where there is none.

    Raises whatever PIL raises where EXIF is damaged.
    """
    exif, kept = image.getexif(), Image.Exif()
    for tag in _DESCRIBING:
        if tag in exif:
            kept[tag] = exif[tag]
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        found = {tag: value for tag, value in exif.get_ifd(ifd).items() if tag not in _NOT_TRUE_OF_A_PAINTING}
        if found:
            kept[ifd] = found
    if not len(kept):
        return NOTHING
    data = kept.tobytes()
    if len(data) > _LARGEST:
        raise ValueError(f"{len(data)} bytes")
    return data
