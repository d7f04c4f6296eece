"""Style images recoloured to the content before they are encoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livestyle.errors import StyleError
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.masks import parse_split
from livestyle.looks.style import StyleStats, palette_of
from livestyle.painting.color import sampled_palette
from livestyle.painting.match_color import ColorMatch, palette_of_video, pooled
from tests import media
from tests.conftest import CountingEngine, Run


@pytest.fixture
def artwork(tmp_path: Path) -> Path:
    """Blue blobs."""
    rng = np.random.default_rng(0)
    rgb = np.kron(rng.normal((40, 90, 180), (20, 30, 30), (8, 8, 3)), np.ones((8, 8, 1)))
    path = tmp_path / "Blue Art.png"
    Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(path)
    return path


def warm(seed: int) -> Picture:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal((200, 120, 50), (20, 40, 20), (48, 64, 3)), 0, 255).astype(np.uint8)


def test_what_is_encoded_has_the_contents_colours(artwork: Path, bank: Bank) -> None:
    encoded: list[Picture] = []

    def encode(rgb: Picture) -> StyleStats:
        encoded.append(rgb)
        return CountingEngine().style_stats(rgb)

    content = sampled_palette(warm(0))
    match = ColorMatch(Look(((str(artwork), 1.0),)), bank, encode)
    look = match.look_for(content)
    np.testing.assert_allclose(palette_of(encoded[0]).mean, content.mean, atol=0.03)
    np.testing.assert_allclose(palette_of(encoded[0]).covariance, content.covariance, atol=0.012)
    assert bank.blend(look.weights).means[0].shape == (64,)
    other = match.look_for(sampled_palette(255 - warm(1)))
    assert other.weights != look.weights  # the painter keeps codes by name


def test_every_region_is_recoloured(artwork: Path, bank: Bank, counting_engine: CountingEngine) -> None:
    layout = parse_split(f"left:{artwork},right:original")
    match = ColorMatch(Look(layout.focused_styles, layout=layout), bank, counting_engine.style_stats)
    styles = match.look_for(sampled_palette(warm(0))).region_styles
    assert styles[1] is None and styles[0] is not None and styles[0][0][0].startswith("blue_art recoloured")


def test_a_style_without_its_image_is_refused(bank: Bank, counting_engine: CountingEngine) -> None:
    with pytest.raises(StyleError, match="of 'wave' there is none here: give an image file"):
        ColorMatch(Look((("wave", 1.0),)), bank, counting_engine.style_stats)


def test_colours_of_several_pictures_together() -> None:
    pictures = [warm(0), 255 - warm(1), warm(2) // 2]
    together = palette_of(np.concatenate(pictures))
    found = pooled(palette_of(picture) for picture in pictures)
    np.testing.assert_allclose(found.mean, together.mean, atol=1e-5)
    np.testing.assert_allclose(found.covariance, together.covariance, atol=1e-5)


def test_colours_of_a_video(ntsc: Path) -> None:
    frames = [frame.rgb for frame in media.read_all(ntsc)[::10]]
    np.testing.assert_allclose(palette_of_video(ntsc).mean, palette_of(np.concatenate(frames)).mean, atol=2e-3)


def test_paintings_take_the_contents_colours(run: Run, artwork: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        Image.fromarray(np.roll(warm(seed), seed, 2)).save(tmp_path / f"{seed}.png")
    options = ("-s", artwork.name, "--device", "cpu", "--model", "fast")
    assert run("image", "0.png", "1.png", "-o", "plain", *options).code == 0
    result = run("image", "0.png", "1.png", "-o", "matched", "--match-color", *options)
    assert result.code == 0, result.err
    for name in ("0.png", "1.png"):
        content, plain, matched = (
            palette_of(np.asarray(Image.open(tmp_path / folder / name))).mean for folder in ("", "plain", "matched")
        )
        assert np.abs(matched - content).max() < 0.06 < np.abs(plain - content).max()


@pytest.mark.parametrize("command", [["image", "photo.png", "-o", "p.png"], ["video", "ntsc.mp4", "p.mp4"]])
def test_the_command_needs_an_image(run: Run, photo: Path, ntsc: Path, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "ntsc.mp4").write_bytes(ntsc.read_bytes())
    result = run(*command, "--match-color")
    assert result.code == 2 and "-s painting.jpg" in result.err and result.err.count("\n") == 1
    assert not list(tmp_path.glob("p.*"))


def test_a_video_is_matched(run: Run, ntsc: Path, artwork: Path, tmp_path: Path) -> None:
    (tmp_path / "in.mp4").write_bytes(ntsc.read_bytes())
    options = ("-s", artwork.name, "--device", "cpu", "--model", "fast", "--size", "64")
    result = run("video", "in.mp4", "out.mp4", "--match-color", *options)
    assert result.code == 0, result.err
    found, content = palette_of_video(tmp_path / "out.mp4"), palette_of_video(ntsc)
    assert np.abs(found.mean - content.mean).max() < 0.08
