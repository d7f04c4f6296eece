"""Refined styles: what the refinement does to paintings, blends and files, and who may ask for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from livestyle.assets import asset_dir
from livestyle.engine import choose_engine
from livestyle.errors import StyleError
from livestyle.files import preview
from livestyle.files.file_painter import look_digest
from livestyle.looks.bank import Bank
from livestyle.looks.look import Look
from livestyle.looks.style import StyleInfo, Vector, blend_stats, load_style, palette_of, save_style
from livestyle.model import refining
from livestyle.model.adain import mean_std
from livestyle.model.losses import opponent_colors
from livestyle.model.refining import CROP_PX, CROPS, PHOTOGRAPHS, Refiner, opponent_statistics, photograph_crops
from livestyle.model.weights import network_entries, network_id
from livestyle.sources.images import load_image
from tests.conftest import Run, make_stats, unrefined

FAST = "fast-12345678"
SHAPE = (2, sum((32, 32, 32, 16, 16, 16, 16)))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps instead of sixty."""
    monkeypatch.setattr(refining, "STEPS", 3)


def refinement(seed: int) -> Vector:
    return np.random.default_rng(seed).normal(0, 0.2, SHAPE).astype(np.float32)


def test_a_refined_style_is_nearer_to_the_artwork(bank: Bank) -> None:
    """By the paper's own loss, at a size that it was not refined at."""
    stats = unrefined(bank.stats("composition_vii"))
    engine = choose_engine("cpu", model="fast", half=False)
    photograph = load_image(asset_dir("media") / "astronaut.jpg")[256:448, 128:320]
    distances = []
    for one in (stats, Refiner().refine(stats)):
        found = engine.style_stats(engine.stylize(photograph, engine.style_code(one), 1.0))
        pairs = zip((*found.means, *found.stds), (*stats.means, *stats.stds), strict=True)
        distances.append(sum(float(np.square(ours - wanted).mean()) for ours, wanted in pairs))
    assert distances[1] < 0.95 * distances[0]


def test_the_same_style_gives_the_same_refinement(bank: Bank, short: None) -> None:
    steps: list[tuple[int, int]] = []
    refiner = Refiner()
    first = refiner.refine(bank.stats("wave"), lambda done, total: steps.append((done, total)))
    again = refiner.refine(bank.stats("wave"))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    ours, theirs = (one.refinements[refiner.network_id] for one in (first, again))
    assert ours.shape == SHAPE and ours.dtype == np.float32 and np.abs(ours).max() > 0.05
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(first.numbers, bank.stats("wave").numbers)


def test_colour_targets_are_those_of_the_picture() -> None:
    rgb = load_image(asset_dir("media") / PHOTOGRAPHS[1])
    pixels = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
    for ours, exact in zip(opponent_statistics(palette_of(rgb)), mean_std(opponent_colors(pixels)), strict=True):
        np.testing.assert_allclose(ours, exact.flatten(), atol=1e-3)


def test_crops_are_parts_of_all_photographs() -> None:
    crops = photograph_crops()
    assert crops.shape == (CROPS, 3, CROP_PX, CROP_PX) and crops.min() >= 0 and crops.max() <= 1
    assert torch.equal(crops, photograph_crops())
    assert len({round(float(crop.mean()), 6) for crop in crops}) == CROPS


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_engines_add_the_refinement_of_their_network(device: str, bank: Bank) -> None:
    engine = choose_engine(device, model="fast", half=False)
    plain = unrefined(bank.stats("wave"))
    code = engine.style_code(plain)
    other = engine.style_code(replace(plain, refinements={FAST: refinement(1)}))
    np.testing.assert_array_equal(np.asarray(other.mean), np.asarray(code.mean))
    added = refinement(1)
    refined = engine.style_code(replace(plain, refinements={network_id("fast"): added}))
    np.testing.assert_allclose(np.asarray(refined.mean).ravel(), np.asarray(code.mean).ravel() + added[0], rtol=1e-5)
    factor = np.exp(added[1])
    np.testing.assert_allclose(np.asarray(refined.std).ravel(), np.asarray(code.std).ravel() * factor, rtol=1e-5)


def test_refinements_blend_and_a_style_without_has_none() -> None:
    a, b, c = (replace(make_stats(n), refinements={FAST: refinement(n)}) for n in range(3))
    blend = blend_stats([(a, 0.25), (b, 0.75)]).refinements
    np.testing.assert_allclose(blend[FAST], 0.25 * refinement(0) + 0.75 * refinement(1), rtol=1e-5)
    half = blend_stats([(unrefined(a), 0.5), (c, 0.5)]).refinements
    np.testing.assert_allclose(half[FAST], 0.5 * refinement(2), rtol=1e-5)
    assert not blend_stats([(make_stats(0), 0.5), (make_stats(1), 0.5)]).refinements


def test_a_style_file_keeps_refinements(tmp_path: Path) -> None:
    stats = replace(make_stats(1), refinements={FAST: refinement(1), "fast-00000000": refinement(2)})
    save_style(tmp_path / "s.safetensors", StyleInfo("s", "S"), stats)
    found = load_style(tmp_path / "s.safetensors")[1].refinements
    assert found.keys() == stats.refinements.keys()
    for network, numbers in found.items():
        np.testing.assert_array_equal(numbers, stats.refinements[network])


@pytest.mark.parametrize("damaged", [np.zeros(320, np.float32), np.full(SHAPE, np.nan, np.float32)])
def test_a_damaged_refinement_is_a_damaged_file(tmp_path: Path, damaged: Vector) -> None:
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "s.safetensors"
    save_style(path, StyleInfo("s", "S"), make_stats(1))
    info = json.dumps(StyleInfo("s", "S").__dict__)
    save_file(load_file(path) | {f"refinement.{FAST}": damaged}, path, metadata={"style": info})
    with pytest.raises(StyleError, match=r"s\.safetensors is damaged"):
        load_style(path)


def test_a_film_is_begun_anew_when_its_style_has_been_refined(bank: Bank) -> None:
    """Its paintings would not go together with those that are there."""
    plain = unrefined(bank.stats("wave"))
    digests = set()
    for stats in (plain, replace(plain, refinements={FAST: refinement(1)})):
        name = bank.lend("wave", stats)
        digests.add(look_digest(Look(((name, 1.0),)), bank))
    assert len(digests) == 2


def test_built_in_styles_are_refined_for_the_shipped_network(bank: Bank) -> None:
    network = f"fast-{network_entries(None, 'fast')[1].sha256[:8]}"
    assert all(list(bank.stats(name).refinements) == [network] for name in bank.names)


def test_a_style_of_ones_own_is_refined_when_asked(
    run: Run, photo: Path, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PREVIEW_SIDE_PX", 32)

    def refinements(name: str) -> list[str]:
        return list(load_style(Path(json.loads(run("styles", "show", name, "--json").out)["file"]))[1].refinements)

    assert run("styles", "add", "photo.png", "--name", "mine", "--device", "cpu", "--no-refine").code == 0
    assert refinements("mine") == []
    painted = Path(json.loads(run("styles", "show", "mine", "--json").out)["preview"])
    before = painted.read_bytes()
    refined = run("styles", "refine", "mine", "--device", "cpu")
    assert refined.code == 0 and "refined mine, preview" in refined.err
    assert refinements("mine") == [network_id("fast")] and painted.read_bytes() != before
    assert run("styles", "add", "photo.png", "--name", "another", "--device", "cpu").code == 0
    assert refinements("another") == [network_id("fast")]
    line = run("styles", "refine", "wave")
    assert line.code == 2 and "style 'wave' is built in and stays; only styles you added can be refined" in line.err
