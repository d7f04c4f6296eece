"""EXIF and colour space of paintings: what is true of them stays, in every format that can hold it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from livestyle.sinks.images import save_image
from livestyle.sources.still import read_still
from tests.pictures import ramp

BASE, GPS = ExifTags.Base, ExifTags.GPS


def photograph(path: Path) -> Path:
    """A photograph lying on its side, with EXIF as a camera writes it."""
    exif = Image.Exif()
    exif.update({BASE.Make: "Maker", BASE.Model: "Model 5", BASE.Orientation: 6, BASE.Copyright: "(c) Ann"})
    exif[BASE.XResolution] = exif[BASE.YResolution] = IFDRational(300, 1)
    exif[ExifTags.IFD.Exif] = {
        BASE.DateTimeOriginal: "2024:01:02 03:04:05",
        BASE.ExposureTime: IFDRational(1, 200),
        BASE.MakerNote: b"offsets of its own",
        BASE.ExifImageWidth: 9999,
        BASE.ColorSpace: 65535,
    }
    exif[ExifTags.IFD.GPSInfo] = {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (52.0, 30.0, 1.5)}
    Image.fromarray(ramp()).save(path, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("source", ["jpg", "png", "webp", "tif"])
def test_what_is_true_of_the_painting_stays(tmp_path: Path, source: str, suffix: str) -> None:
    still = read_still(photograph(tmp_path / f"photo.{source}"))
    assert still.rgb.shape == (32, 20, 3)
    save_image(tmp_path / f"a.{suffix}", still.rgb, exif=still.exif)
    with Image.open(tmp_path / f"a.{suffix}") as painting:
        exif = painting.getexif()
        own, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert (exif[BASE.Model], exif[BASE.Copyright], exif[BASE.XResolution]) == ("Model 5", "(c) Ann", 300)
        assert exif.get(BASE.Orientation, 1) == 1 and painting.size == (20, 32)
    assert own[BASE.DateTimeOriginal] == "2024:01:02 03:04:05" and float(own[BASE.ExposureTime]) == 0.005
    assert not {BASE.MakerNote, BASE.ExifImageWidth, BASE.ColorSpace} & set(own)
    assert place[GPS.GPSLatitude] == (52.0, 30.0, 1.5)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_paintings_say_that_they_are_srgb(tmp_path: Path, suffix: str) -> None:
    save_image(tmp_path / f"a.{suffix}", ramp())
    with Image.open(tmp_path / f"a.{suffix}") as painting:
        assert b"sRGB" in painting.info["icc_profile"].replace(b"\0", b"") and not painting.getexif().get(BASE.Model)
    assert read_still(tmp_path / f"a.{suffix}").notes == ()


def test_damaged_exif_is_a_note(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.png", exif=b"Exif\0\0these are words")
    still = read_still(tmp_path / "a.png")
    assert still.exif == b"" and len(still.notes) == 1 and "EXIF is damaged" in still.notes[0]


def test_exif_too_large_for_a_jpeg_is_left_out(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[BASE.ImageDescription] = "word " * 20_000
    Image.fromarray(ramp()).save(tmp_path / "a.png", exif=exif.tobytes())
    still = read_still(tmp_path / "a.png")
    assert still.exif == b"" and "100" in still.notes[0]
    save_image(tmp_path / "a.jpg", still.rgb, exif=still.exif)
