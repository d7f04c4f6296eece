"""Image files as people have them: every mode, depth, profile and container becomes the same upright sRGB."""

from __future__ import annotations

import struct
import zlib
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, features

from livestyle.errors import SourceError
from livestyle.sources.still import Still, read_still
from tests.colour_profiles import (
    BLUE,
    RED,
    cmyk_profile,
    grey_profile,
    rgb_profile,
    write_planes,
    write_ycck,
)
from tests.pictures import ramp


def off(still: Still, expected: object) -> int:
    """The largest difference from what is expected, in levels."""
    return int(np.abs(still.rgb.astype(int) - np.asarray(expected, int)).max())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_a_channel(tmp_path: Path, suffix: str) -> None:
    deep = ramp().astype(np.uint16) * 257
    deep[0, 0] = (257, 32896, 65535)
    path = str(tmp_path / f"a{suffix}")
    assert cv2.imwrite(path, cv2.cvtColor(deep, cv2.COLOR_RGB2BGR))
    assert off(read_still(Path(path)), deep // 257) == 0


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_with_alpha_show_white(tmp_path: Path, suffix: str) -> None:
    deep = np.dstack([ramp().astype(np.uint16) * 257, np.full((20, 32), 32768, np.uint16)])
    path = str(tmp_path / f"a{suffix}")
    assert cv2.imwrite(path, cv2.cvtColor(deep, cv2.COLOR_RGBA2BGRA))
    assert off(read_still(Path(path)), (ramp().astype(int) + 255) // 2) <= 2


def test_sixteen_bits_of_grey_with_alpha_show_white(tmp_path: Path) -> None:
    grey, alpha = ramp()[..., 0].astype(int) * 257, ramp()[..., 1].astype(int) * 257

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.dstack([grey, alpha]))
    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 16, 4, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    expected = (grey * alpha + 65535 * (65535 - alpha)) // 65535 // 257
    assert off(read_still(tmp_path / "a.png"), expected[..., None]) <= 1


def test_a_tiff_of_sixteen_bit_planes(tmp_path: Path) -> None:
    assert off(read_still(write_planes(tmp_path / "a.tif", ramp().astype(np.uint16) * 257)), ramp()) == 0


@pytest.mark.parametrize(("mode", "suffix"), [("LA", "png"), ("P", "png"), ("RGBA", "tif"), ("RGBA", "webp")])
def test_transparency_of_every_kind_shows_white(tmp_path: Path, mode: str, suffix: str) -> None:
    grey = Image.new("LA", (6, 4), (100, 128))
    picture = grey.convert("RGBA").quantize(4) if mode == "P" else grey.convert(mode)
    picture.save(tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as opened:
        assert opened.mode == mode
    assert off(read_still(tmp_path / f"a.{suffix}"), 177) <= 2


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_without_a_profile(tmp_path: Path, suffix: str) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 51)).save(tmp_path / f"a{suffix}", quality=100)
    assert off(read_still(tmp_path / f"a{suffix}"), (204, 0, 0)) <= 3


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_with_a_profile(tmp_path: Path, suffix: str) -> None:
    """In this profile any full ink is black and black ink is not there."""
    profile = cmyk_profile(lambda c, m, y, k: 1.0 - max(c, m, y))
    picture = Image.new("CMYK", (32, 16), (255, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (16, 0, 32, 16))
    picture.save(tmp_path / f"a{suffix}", quality=100, icc_profile=profile)
    rgb = read_still(tmp_path / f"a{suffix}").rgb
    assert rgb[:, :14].max() <= 4 and rgb[:, 18:].min() >= 250


def test_ycck_as_photoshop_writes_it(tmp_path: Path) -> None:
    cmyk = np.zeros((16, 16, 4), np.uint8)
    cmyk[:] = (200, 30, 90, 40)
    expected = [(255 - ink) * (255 - 40) / 255 for ink in (200, 30, 90)]
    assert off(read_still(write_ycck(tmp_path / "a.jpg", cmyk)), expected) <= 4


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_an_embedded_profile_is_honoured(tmp_path: Path, suffix: str) -> None:
    """In this profile red is blue and blue is red."""
    profile = rgb_profile(red=BLUE, blue=RED)
    Image.new("RGB", (16, 16), (220, 60, 60)).save(tmp_path / f"a{suffix}", quality=100, icc_profile=profile)
    still = read_still(tmp_path / f"a{suffix}")
    assert off(still, (60, 60, 220)) <= 6 and still.notes == ()


def test_a_profile_beside_transparency(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (4, 4), (220, 60, 60, 255))
    picture.putpixel((0, 0), (220, 60, 60, 0))
    picture.save(tmp_path / "a.png", icc_profile=rgb_profile(red=BLUE, blue=RED))
    rgb = read_still(tmp_path / "a.png").rgb.astype(int)
    assert rgb[0, 0].tolist() == [255, 255, 255] and np.abs(rgb[1, 1] - (60, 60, 220)).max() <= 6


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_profile_of_grey(tmp_path: Path, mode: str) -> None:
    """Half the light is level 188 in sRGB."""
    picture = Image.fromarray(np.full((4, 4), 128 * 257, np.uint16)) if mode == "I;16" else Image.new(mode, (4, 4), 128)
    if mode == "LA":
        picture.putalpha(255)
    picture.save(tmp_path / "a.png", icc_profile=grey_profile(1.0))
    assert off(read_still(tmp_path / "a.png"), 188) <= 2


def test_grey_with_a_profile_for_rgb(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 128).save(tmp_path / "a.png", icc_profile=rgb_profile(gamma=1.0))
    assert off(read_still(tmp_path / "a.png"), 188) <= 2


def test_srgb_stays_as_it_is_bit_for_bit(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(ramp()).save(tmp_path / "a.png", icc_profile=profile)
    assert off(read_still(tmp_path / "a.png"), ramp()) == 0


@pytest.mark.parametrize(
    ("profile", "said"), [(b"these are words", "damaged"), (cmyk_profile(lambda *inks: 0.5), "is for CMYK")]
)
def test_a_profile_of_no_use_is_a_note(tmp_path: Path, profile: bytes, said: str) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.png", icc_profile=profile)
    still = read_still(tmp_path / "a.png")
    assert off(still, ramp()) == 0
    assert len(still.notes) == 1 and said in still.notes[0] and "taken for sRGB" in still.notes[0]


def test_lab(tmp_path: Path) -> None:
    planes = [Image.new("L", (4, 4), round(value)) for value in (0.543 * 255, 128 + 81, 128 + 70)]
    Image.merge("LAB", planes).save(tmp_path / "a.tif")
    assert off(read_still(tmp_path / "a.tif"), (255, 0, 0)) <= 6


@pytest.mark.parametrize(
    ("suffix", "said"), [("gif", "video"), ("png", "video"), ("webp", "animated"), ("tif", "pages")]
)
def test_of_several_pictures_the_first_is_read_and_said(tmp_path: Path, suffix: str, said: str) -> None:
    pictures = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue", "lime")]
    lossless = {"lossless": True} if suffix == "webp" else {}
    pictures[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=pictures[1:], **lossless)
    still = read_still(tmp_path / f"a.{suffix}")
    assert off(still, (255, 0, 0)) == 0 and len(still.notes) == 1 and said in still.notes[0]


def test_a_photograph_with_its_preview_is_one_picture(tmp_path: Path) -> None:
    """As phones and cameras write them: PIL calls that MPO."""
    pictures = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    pictures[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=pictures[1:])
    still = read_still(tmp_path / "a.jpg")
    assert off(still, (255, 0, 0)) <= 2 and still.notes == ()


def test_heic(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif").from_pillow(Image.fromarray(ramp(64, 64))).save(tmp_path / "a.heic", quality=95)
    assert np.abs(read_still(tmp_path / "a.heic").rgb.astype(int) - ramp(64, 64)).mean() < 4


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "a.avif", quality=90)
    assert np.abs(read_still(tmp_path / "a.avif").rgb.astype(int) - ramp()).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_in_two_containers(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turns = [None, *Image.Transpose]
    order = (None, 0, 3, 1, 5, 4, 6, 2)
    turn = order[orientation - 1]
    expected = np.asarray(
        Image.fromarray(ramp()) if turn is None else Image.fromarray(ramp()).transpose(turns[turn + 1])
    )
    for suffix in ("png", "tif"):
        Image.fromarray(ramp()).save(tmp_path / f"a.{suffix}", exif=exif.tobytes())
        assert np.array_equal(read_still(tmp_path / f"a.{suffix}").rgb, expected)


REFUSED = {
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not an image" if find_spec("pillow_heif") else "pillow-heif"),
    "avif": (b"\0\0\0\x18ftypavif\0\0\0\0nothing!", "not an image" if features.check("avif") else "pillow"),
    "tif": (b"II*\0\x08\0\0\0\0\0", "TIFF of a kind"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not an image"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_is_said_in_a_line(tmp_path: Path, kind: str) -> None:
    data, said = REFUSED[kind]
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    with pytest.raises(SourceError) as error:
        read_still(path)
    assert said in str(error.value) and "\n" not in str(error.value)
