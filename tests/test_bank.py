"""The bank: files, names, blends, images as styles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import SourceError, StyleError
from livestyle.frame import Picture
from livestyle.looks.bank import Bank, read_style_image
from livestyle.looks.style import StyleInfo, StyleStats, blend_stats, load_style, save_style, style_name
from tests.conftest import CountingEngine, make_stats


def test_style_file_round_trip(tmp_path: Path) -> None:
    info = StyleInfo("wave", "The Great Wave", "Hokusai", "c. 1831", "print", 2, "vgg16-12345678")
    stats = make_stats(1)
    save_style(tmp_path / "wave.safetensors", info, stats)
    loaded_info, loaded = load_style(tmp_path / "wave.safetensors")
    assert loaded_info == info
    for a, b in zip((*loaded.means, *loaded.stds), (*stats.means, *stats.stds), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(loaded.palette.mean, stats.palette.mean)
    np.testing.assert_array_equal(loaded.palette.covariance, stats.palette.covariance)
    assert [p.name for p in tmp_path.iterdir()] == ["wave.safetensors"]


@pytest.mark.parametrize("cut", [0, 10, 2000])
def test_damaged_style_file_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "wave.safetensors"
    save_style(path, StyleInfo("wave", "Wave"), make_stats(1))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StyleError, match=r"wave\.safetensors is damaged"):
        load_style(path)


def test_blend_is_the_weighted_mean() -> None:
    a, b = make_stats(1), make_stats(2)
    mixed = blend_stats([(a, 0.25), (b, 0.75)])
    np.testing.assert_allclose(mixed.means[3], 0.25 * a.means[3] + 0.75 * b.means[3], rtol=1e-6)
    np.testing.assert_allclose(mixed.stds[0], 0.25 * a.stds[0] + 0.75 * b.stds[0], rtol=1e-6)


def test_statistics_of_a_wrong_shape_are_refused() -> None:
    good = make_stats(1)
    with pytest.raises(ValueError, match="channels"):
        StyleStats(means=good.means[:3], stds=good.stds, palette=good.palette)
    nan = (np.full(64, np.nan, np.float32), *good.means[1:])
    with pytest.raises(ValueError, match="finite"):
        StyleStats(means=nan, stds=good.stds, palette=good.palette)


def test_builtin_bank_is_what_the_readme_promises(bank: Bank) -> None:
    entries = [bank.entry(name) for name in bank.names]
    assert len(entries) >= 16
    assert len({e.info.kind for e in entries}) >= 3
    for entry in entries:
        assert entry.info.title and entry.info.artist and entry.info.year
        assert entry.preview.is_file()
        assert bank.stats(entry.info.name).means[3].shape == (512,)


def test_builtin_statistics_fit_the_shipped_encoder() -> None:
    from livestyle.model.weights import encoder_id

    shipped = Bank(encoder=encoder_id())
    for name in shipped.names:
        shipped.stats(name)


OTHER = "vgg19-00000000"


def bank_of(like: Bank, encoder: str, weights: str = "") -> Bank:
    """A bank of an encoder in the folders of another bank."""
    return Bank(encoder=encoder, weights=weights, user_dir=like.user_dir, cache_dir=like.cache_dir)


def test_styles_of_another_encoder_are_not_offered(bank: Bank, counting_engine: CountingEngine) -> None:
    other = bank_of(bank, OTHER, "adain")
    assert other.names == ()
    assert {entry.info.name for entry in other.left_out} == set(bank.names)
    for refused in (other.entry, other.stats, lambda name: other.resolve(((name, 1.0),), counting_engine.style_stats)):
        with pytest.raises(StyleError, match=f"'wave' was computed with encoder vgg16-.*, in use is {OTHER}") as error:
            refused("wave")
        assert "`livestyle styles add IMAGE --weights adain`" in str(error.value)
    with pytest.raises(StyleError, match="not in the bank; `livestyle styles list`"):
        other.entry("wvae")


def test_no_fitting_style_is_said_with_the_command_that_adds_one(bank: Bank) -> None:
    assert bank.default_name == bank.names[0]
    with pytest.raises(StyleError, match=f"no style fits encoder {OTHER} \\({len(bank.names)} are of another") as error:
        _ = bank_of(bank, OTHER, "my runs/x").default_name
    assert "`livestyle styles add IMAGE --weights 'my runs/x'`" in str(error.value)


def test_one_name_can_be_used_once_for_each_encoder(
    bank: Bank, counting_engine: CountingEngine, tmp_path: Path
) -> None:
    path = _image(tmp_path / "mine.png")
    shipped = bank.entry("wave").info.encoder
    first = bank_of(bank, shipped).add(path, counting_engine.style_stats)
    second = bank_of(bank, OTHER, "adain").add(_image(path, color="red"), counting_engine.style_stats)
    assert first.path == bank.user_dir / "mine.safetensors"  # where styles always were
    assert second.path == bank.user_dir / OTHER / "mine.safetensors"
    other = bank_of(bank, OTHER, "adain")
    assert other.names == ("mine",)
    np.testing.assert_array_equal(other.stats("mine").means[3], second.stats.means[3])
    np.testing.assert_array_equal(bank_of(bank, shipped).stats("mine").means[3], first.stats.means[3])
    with pytest.raises(StyleError, match="is there already"):
        other.add(path, counting_engine.style_stats)
    other.add(path, counting_engine.style_stats, name="wave")  # the built-in one is of another encoder
    assert bank_of(bank, OTHER, "adain").names == ("mine", "wave")
    other.remove("mine")
    assert not second.path.exists() and first.path.exists()
    with pytest.raises(StyleError, match="computed with encoder"):
        other.remove("mine")
    assert first.path.exists()


def test_a_style_left_by_an_older_encoder_is_neither_overwritten_nor_stuck(
    bank: Bank, counting_engine: CountingEngine, tmp_path: Path
) -> None:
    path = _image(tmp_path / "mine.png")
    bank_of(bank, OTHER).add(path, counting_engine.style_stats)
    now = bank_of(bank, bank.entry("wave").info.encoder)
    assert [entry.info.name for entry in now.left_out] == ["mine"]
    with pytest.raises(StyleError, match="`livestyle styles remove mine` first"):
        now.add(path, counting_engine.style_stats)
    now.remove("mine")
    assert now.left_out == []
    assert now.add(path, counting_engine.style_stats).path.exists()


def test_images_are_styles_for_any_encoder(bank: Bank, counting_engine: CountingEngine, tmp_path: Path) -> None:
    path = _image(tmp_path / "mine.png")
    for encoder in (OTHER, "vgg19-11111111", OTHER):
        name = bank_of(bank, encoder, "adain").from_image(path, counting_engine.style_stats)
        assert name == "mine"
    assert counting_engine.encoded == 2


def test_unknown_style_names_the_nearest(bank: Bank, counting_engine: CountingEngine) -> None:
    with pytest.raises(StyleError, match="starry_night"):
        bank.resolve((("stary_nigt", 1.0),), counting_engine.style_stats)


def _image(path: Path, size: tuple[int, int] = (64, 48), color: str = "teal") -> Path:
    Image.new("RGB", size, color).save(path)
    return path


def test_image_as_style_is_encoded_once_and_cached_by_content(
    bank: Bank, counting_engine: CountingEngine, tmp_path: Path
) -> None:
    path = _image(tmp_path / "My Painting.png")
    resolved = bank.resolve(((str(path), 1.0), ("wave", 1.0)), counting_engine.style_stats)
    assert dict(resolved) == {"my_painting": 0.5, "wave": 0.5}
    again = Bank(user_dir=bank.user_dir, cache_dir=bank.cache_dir)
    again.resolve(((str(path), 1.0),), counting_engine.style_stats)
    assert counting_engine.encoded == 1
    _image(path, color="red")
    third = Bank(user_dir=bank.user_dir, cache_dir=bank.cache_dir)
    third.resolve(((str(path), 1.0),), counting_engine.style_stats)
    assert counting_engine.encoded == 2


def test_image_named_like_a_builtin_style_gets_a_name_of_its_own(
    bank: Bank, counting_engine: CountingEngine, tmp_path: Path
) -> None:
    before = bank.stats("wave")
    name = bank.from_image(_image(tmp_path / "wave.png"), counting_engine.style_stats)
    assert name.startswith("wave-")
    assert bank.stats("wave") is before


def test_add_keeps_and_remove_forgets(bank: Bank, counting_engine: CountingEngine, tmp_path: Path) -> None:
    path = _image(tmp_path / "mine.png")
    bank.add(path, counting_engine.style_stats)
    again = Bank(user_dir=bank.user_dir, cache_dir=bank.cache_dir)
    assert again.names[-1] == "mine"
    with pytest.raises(StyleError, match="is there already"):
        again.add(path, counting_engine.style_stats)
    again.remove("mine")
    assert "mine" not in Bank(user_dir=bank.user_dir, cache_dir=bank.cache_dir).names
    with pytest.raises(StyleError, match="built in"):
        again.remove("wave")


def test_bad_style_images(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="64x31: at least 32 px"):
        read_style_image(_image(tmp_path / "small.png", (64, 31)))
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    with pytest.raises(SourceError):
        read_style_image(tmp_path / "text.png")


def test_large_style_images_are_reduced(tmp_path: Path) -> None:
    rgb: Picture = read_style_image(_image(tmp_path / "large.png", (1200, 800)))
    assert rgb.shape == (384, 576, 3)


@pytest.mark.parametrize(("text", "name"), [("Été à Paris.v2", "t_paris_v2"), ("wave", "wave"), ("***", "style")])
def test_style_names(text: str, name: str) -> None:
    assert style_name(text) == name


def test_a_damaged_style_of_ones_own_is_left_out_and_named(bank: Bank) -> None:
    bank.user_dir.mkdir(parents=True)
    (bank.user_dir / "mine.safetensors").write_bytes(b"nonsense")
    again = Bank(user_dir=bank.user_dir, cache_dir=bank.cache_dir)
    assert again.names == bank.names
    assert "mine.safetensors" in str(again.damaged[0])
