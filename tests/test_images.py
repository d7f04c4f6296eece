"""Image files in and out: every mode becomes upright 8-bit RGB, and failures are one line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import OutputError, SourceError
from livestyle.sinks.images import save_image
from livestyle.sources import still
from livestyle.sources.images import FolderSource, load_image
from livestyle.sources.open import open_source
from tests.pictures import ramp


def one_line(error: pytest.ExceptionInfo[Exception]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_lossless_formats_come_back_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    save_image(tmp_path / f"a{suffix}", ramp())
    assert np.array_equal(load_image(tmp_path / f"a{suffix}"), ramp())
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_lossy_formats_come_back_close(tmp_path: Path, suffix: str) -> None:
    save_image(tmp_path / f"a{suffix}", ramp())
    back = load_image(tmp_path / f"a{suffix}").astype(int)
    assert np.abs(back - ramp()).mean() < 4


@pytest.mark.parametrize("orientation, transpose", [(3, "ROTATE_180"), (6, "ROTATE_270"), (8, "ROTATE_90")])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, transpose: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = Image.fromarray(ramp())
    upright.save(tmp_path / "a.png", exif=exif)
    expected = np.asarray(upright.transpose(Image.Transpose[transpose]))
    assert np.array_equal(load_image(tmp_path / "a.png"), expected)


def test_transparency_shows_white(tmp_path: Path) -> None:
    rgba = np.zeros((4, 6, 4), np.uint8)
    rgba[:, 3:] = (200, 0, 0, 255)
    rgba[0, 0] = (0, 0, 0, 128)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    rgb = load_image(tmp_path / "a.png")
    assert rgb[1, 1].tolist() == [255, 255, 255]
    assert rgb[1, 4].tolist() == [200, 0, 0]
    assert rgb[0, 0].tolist() == [127, 127, 127]


def test_a_transparent_palette_shows_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.png", transparency=0)
    rgb = load_image(tmp_path / "a.png")
    assert rgb[0, 0].tolist() == [255, 255, 255] and rgb[2, 2].tolist() == [10, 200, 30]


def test_grey_palette_and_bilevel_become_rgb(tmp_path: Path) -> None:
    Image.new("L", (5, 4), 77).save(tmp_path / "l.png")
    Image.new("1", (5, 4), 1).save(tmp_path / "b.png")
    Image.fromarray(ramp()).quantize(64).save(tmp_path / "p.png")
    assert load_image(tmp_path / "l.png").tolist() == np.full((4, 5, 3), 77).tolist()
    assert load_image(tmp_path / "b.png").min() == 255
    assert np.abs(load_image(tmp_path / "p.png").astype(int) - ramp()).mean() < 20


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    grey = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png")[0, :, 1].tolist() == [0, 1, 128, 255]


def test_float_grey_up_to_one_is_scaled(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "a.tif")
    assert load_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 128, 255]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    assert np.abs(load_image(tmp_path / "a.jpg").astype(int) - [255, 0, 0]).max() < 6


def test_a_loaded_image_may_be_written_to(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", ramp())
    rgb = load_image(tmp_path / "a.png")
    assert rgb.flags.writeable and rgb.flags.c_contiguous


@pytest.mark.parametrize(
    "name, words", [("none.png", "no such file"), ("", "folder"), ("empty.png", "empty"), ("text.png", "not an image")]
)
def test_what_is_no_image_is_said(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello", encoding="utf-8")
    with pytest.raises(SourceError) as error:
        load_image(tmp_path / name)
    assert words in one_line(error)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_a_truncated_image_is_said(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    save_image(tmp_path / f"a{suffix}", noise)
    data = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError) as error:
        load_image(tmp_path / f"cut{suffix}")
    assert f"cut{suffix}" in one_line(error)


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_image(tmp_path / "a.png", ramp(1500, 1400))
    monkeypatch.setattr(still, "MAX_PIXELS", 2_000_000)
    with pytest.raises(SourceError) as error:
        load_image(tmp_path / "a.png")
    assert "more than 2 million pixels" in one_line(error)


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 100, 1):
        save_image(tmp_path / f"Shot {number}.png", np.full((4, number, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture", encoding="utf-8")
    source = FolderSource(tmp_path, print)
    assert (source.width, source.height, source.frame_count_hint, source.rate) == (1, 4, 4, 1)
    frames = list(iter(source.read, None))
    assert [int(f.rgb[0, 0, 0]) for f in frames] == [1, 9, 10, 100]
    assert [f.pts_seconds for f in frames] == [Fraction(i) for i in range(4)]
    assert [f.index for f in frames] == [0, 1, 2, 3]


def test_one_image_is_a_source_of_one_frame(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", ramp())
    source = FolderSource(tmp_path / "a.png", print)
    frame = source.read()
    assert frame is not None and np.array_equal(frame.rgb, ramp())
    assert source.read() is None


def test_a_closed_folder_delivers_nothing(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", ramp())
    source = FolderSource(tmp_path, print)
    source.close()
    source.close()
    assert source.read() is None


def test_pictures_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    for name in ("0.png", "2.png", "4.png"):
        (tmp_path / name).write_text("no picture", encoding="utf-8")
    for number in (1, 3):
        save_image(tmp_path / f"{number}.png", np.full((4, number, 3), number, np.uint8))
    said: list[str] = []
    source = FolderSource(tmp_path, said.append)
    frames = list(iter(source.read, None))
    assert [(f.index, f.pts_seconds, int(f.rgb[0, 0, 0])) for f in frames] == [(0, 0, 1), (1, 1, 3)]
    assert (source.width, source.height) == (1, 4)
    assert len(said) == 3 and all(line.startswith("left out: ") for line in said)


def test_a_folder_that_plays_in_a_loop_says_each_picture_once(tmp_path: Path) -> None:
    for name in ("0.png", "2.png"):
        (tmp_path / name).write_text("no picture", encoding="utf-8")
    save_image(tmp_path / "1.png", ramp())
    said: list[str] = []
    source = open_source(str(tmp_path), pace_files=True, say=said.append)
    assert [source.read() is not None for _ in range(4)] == [True] * 4
    source.close()
    assert len(said) == 2 and "0.png is not an image" in said[0] and "2.png is not an image" in said[1]


def test_a_folder_of_which_nothing_can_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(SourceError) as error:
        FolderSource(tmp_path, print)
    assert "none of its images can be read" in one_line(error)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        FolderSource(tmp_path, print)
    assert "no image" in one_line(error)


def test_bad_outputs_are_said(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "folder"),
        (tmp_path / "a.xyz", ".png, .jpg"),
        (tmp_path / "none" / "a.png", "does not exist"),
        (tmp_path / ("n" * 251 + ".png"), "cannot be written"),
    ):
        with pytest.raises(OutputError) as error:
            save_image(path, ramp())
        assert words in one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_old_picture(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    save_image(tmp_path / "a.bmp", ramp())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OutputError) as error:
            save_image(tmp_path / "a.bmp", ramp(200, 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written" in one_line(error)
    assert np.array_equal(load_image(tmp_path / "a.bmp"), ramp())
    assert [p.name for p in tmp_path.iterdir()] == ["a.bmp"]


def test_a_picture_too_large_for_the_format_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as error:
        save_image(tmp_path / "a.webp", np.zeros((1, 16384, 3), np.uint8))
    assert "cannot be written" in one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="HxWx3"):
        save_image(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
