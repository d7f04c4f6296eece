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
from livestyle.looks.style import (
    Refinement,
    StyleInfo,
    StyleStats,
    Vector,
    blend_stats,
    load_style,
    palette_of,
    save_style,
)
from livestyle.model import refining
from livestyle.model.adain import mean_std
from livestyle.model.build import build_model
from livestyle.model.fast import interpolating
from livestyle.model.losses import opponent_colors
from livestyle.model.refining import CROP_PX, CROPS, PHOTOGRAPHS, Refiner, Stage, opponent_statistics, photograph_crops
from livestyle.model.weights import network_entries, network_id
from livestyle.sources.images import load_image
from tests.conftest import Run, make_stats, unrefined

FAST = "fast-12345678"
SHAPE = (2, sum((32, 32, 32, 16, 16, 16, 16)))
KERNELS = 40_976


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few steps instead of hundreds."""
    monkeypatch.setattr(refining, "STAGES", (Stage(2, 0.06, 0.0, 38.0, 3.0), Stage(1, 0.06, 2e-3, 38.0, 3.0)))


def refinement(seed: int) -> Refinement:
    """One that a half precision file holds exactly."""
    chance = np.random.default_rng(seed)
    kernels = chance.normal(0, 0.01, KERNELS).astype(np.float16).astype(np.float32)
    code, kernels_code = chance.normal(0, 0.2, (2, *SHAPE)).astype(np.float32)
    return Refinement(code, kernels, kernels_code)


def equal(a: Refinement, b: Refinement, rtol: float = 0) -> None:
    for ours, theirs in ((a.code, b.code), (a.kernels, b.kernels), (a.kernels_code, b.kernels_code)):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-6 if rtol else 0)


def test_each_stage_brings_a_style_nearer_to_the_artwork(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the paper's own loss, at a size that it was not refined at."""
    monkeypatch.setattr(refining, "STAGES", (Stage(40, 0.06, 0.0, 38.0, 3.0), Stage(40, 0.06, 2e-3, 40.0, 20.0)))
    stats = unrefined(bank.stats("composition_vii"))
    engine = choose_engine("cpu", model="fast", half=False)
    photograph = load_image(asset_dir("media") / "astronaut.jpg")[256:448, 128:320]

    def distance(one: StyleStats) -> float:
        found = engine.style_stats(engine.stylize(photograph, engine.style_code(one), 1.0))
        pairs = zip((*found.means, *found.stds), (*stats.means, *stats.stds), strict=True)
        return sum(float(np.square(ours - wanted).mean()) for ours, wanted in pairs)

    refined = Refiner().refine(stats)
    assert distance(refined.without_kernels) < 0.95 * distance(stats)
    assert distance(refined) < 0.95 * distance(refined.without_kernels)


def test_the_same_style_gives_the_same_refinement(bank: Bank, short: None) -> None:
    steps: list[tuple[int, int]] = []
    refiner = Refiner()
    first = refiner.refine(bank.stats("wave"), lambda done, total: steps.append((done, total)))
    again = refiner.refine(bank.stats("wave"))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    ours, theirs = (one.refinements[refiner.network_id] for one in (first, again))
    assert ours.code.shape == ours.kernels_code.shape == SHAPE and ours.kernels.shape == (KERNELS,)
    assert all(np.abs(part).max() > 1e-3 for part in (ours.code, ours.kernels, ours.kernels_code))
    equal(ours, theirs)
    np.testing.assert_array_equal(first.numbers, bank.stats("wave").numbers)


def test_of_what_costs_structure_a_share_is_taken(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels learned in great steps are far from any photograph."""
    monkeypatch.setattr(refining, "STAGES", (Stage(1, 0.06, 0.0, 38.0, 3.0), Stage(2, 0.06, 0.02, 38.0, 3.0)))
    refiner, largest = Refiner(), []
    for further in (100.0, 0.15, -1.0):
        monkeypatch.setattr(refining, "FURTHER", further)
        refined = refiner.refine(bank.stats("wave")).refinement(refiner.network_id)
        largest.append(float(np.abs(refined.kernels).max()))
    assert largest[0] > 0.03 and 0 < largest[1] < 0.8 * largest[0] and largest[2] == 0


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
    more, log_factor = added.code + added.kernels_code
    mean, std = (np.asarray(part).ravel() for part in (code.mean, code.std))
    np.testing.assert_allclose(np.asarray(refined.mean).ravel(), mean + more, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(refined.std).ravel(), std * np.exp(log_factor), rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(refined.kernels), added.kernels)
    assert not np.asarray(code.kernels).any()


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_kernels_are_added_to_the_networks_own(device: str, bank: Bank) -> None:
    """One by one, in the order of `FastNet.convolutions`."""
    engine = choose_engine(device, model="fast", half=False)
    stats = replace(unrefined(bank.stats("wave")), refinements={network_id("fast"): refinement(1)})
    frame = load_image(asset_dir("media") / "astronaut.jpg")[200:248, 160:232].copy()
    painting = engine.stylize(frame, engine.style_code(stats), 1.0).astype(int)
    without = engine.stylize(frame, engine.style_code(stats.without_kernels), 1.0)
    assert np.abs(painting - without).mean() > 2
    painter, projection = build_model("fast")
    added = torch.from_numpy(refinement(1).kernels)
    *inner, last = painter.network.convolutions()
    for layer in inner:
        own, added = added.split([layer.weight.numel(), len(added) - layer.weight.numel()])
        layer.weight += own.view_as(layer.weight)
    last.weight += interpolating(added.view(3, last.in_channels))
    mean, std = projection(torch.from_numpy(stats.numbers)[None])
    more, factor = (torch.from_numpy(part) for part in refinement(1).to_code)
    expected = painter(torch.from_numpy(frame)[None], mean + more, std * factor, torch.zeros(KERNELS))[0]
    assert np.abs(painting - expected.numpy().astype(int)).max() <= 1


def test_kernels_of_another_network_are_one_line(bank: Bank) -> None:
    engine = choose_engine("cpu", model="fast", half=False)
    other = Refinement(refinement(1).code, np.ones(5, np.float32))
    with pytest.raises(StyleError, match="refined for 5 kernel numbers, not 40976: refine it again"):
        engine.style_code(replace(bank.stats("wave"), refinements={network_id("fast"): other}))


def test_int8_leaves_kernels_as_they_are(bank: Bank) -> None:
    engine = choose_engine("openvino", model="fast", int8=True)
    stats = replace(unrefined(bank.stats("wave")), refinements={network_id("fast"): refinement(1)})
    frame = load_image(asset_dir("media") / "astronaut.jpg")[:48, :64].copy()
    paintings = [engine.stylize(frame, engine.style_code(one), 1.0) for one in (stats, stats.without_kernels)]
    assert np.array_equal(*paintings)


def mixed(a: Refinement, share: float, b: Refinement, other: float) -> Refinement:
    count = max(len(a.kernels), len(b.kernels))
    return Refinement(
        share * a.code + other * b.code,
        share * a.kernels_of(count) + other * b.kernels_of(count),
        share * a.kernels_code + other * b.kernels_code,
    )


def test_refinements_blend_and_a_style_without_has_none() -> None:
    a, b, c = (replace(make_stats(n), refinements={FAST: refinement(n)}) for n in range(3))
    blend = blend_stats([(a, 0.25), (b, 0.75)]).refinements
    equal(blend[FAST], mixed(refinement(0), 0.25, refinement(1), 0.75), rtol=1e-5)
    half = blend_stats([(unrefined(a), 0.5), (c, 0.5)]).refinements
    equal(half[FAST], mixed(refinement(2), 0.5, refinement(2), 0.0), rtol=1e-5)
    part = blend_stats([(a.without_kernels, 0.5), (c, 0.5)]).refinements
    equal(part[FAST], mixed(refinement(0).without_kernels, 0.5, refinement(2), 0.5), rtol=1e-5)
    assert not blend_stats([(make_stats(0), 0.5), (make_stats(1), 0.5)]).refinements


def test_a_style_file_keeps_refinements(tmp_path: Path) -> None:
    stats = replace(make_stats(1), refinements={FAST: refinement(1), "fast-00000000": refinement(2)})
    save_style(tmp_path / "s.safetensors", StyleInfo("s", "S"), stats)
    found = load_style(tmp_path / "s.safetensors")[1].refinements
    assert found.keys() == stats.refinements.keys()
    for network, one in found.items():
        equal(one, stats.refinements[network])


def test_a_style_file_from_before_kernels_were_refined_is_read(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "s.safetensors"
    save_style(path, StyleInfo("s", "S"), make_stats(1))
    tensors = load_file(path) | {f"refinement.{FAST}": refinement(1).code}
    save_file(tensors, path, metadata={"style": json.dumps(StyleInfo("s", "S").__dict__)})
    equal(load_style(path)[1].refinements[FAST], refinement(1).without_kernels)


@pytest.mark.parametrize(
    ("part", "damaged"),
    [
        ("refinement", np.zeros(320, np.float32)),
        ("refinement", np.full(SHAPE, np.nan, np.float32)),
        ("kernels", np.zeros((2, 3), np.float16)),
        ("kernels", np.full(9, np.inf, np.float16)),
    ],
)
def test_a_damaged_refinement_is_a_damaged_file(tmp_path: Path, part: str, damaged: Vector) -> None:
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "s.safetensors"
    save_style(path, StyleInfo("s", "S"), make_stats(1))
    info = json.dumps(StyleInfo("s", "S").__dict__)
    save_file(load_file(path) | {f"{part}.{FAST}": damaged}, path, metadata={"style": info})
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
    for name in bank.names:
        refinements = bank.stats(name).refinements
        assert list(refinements) == [network] and refinements[network].kernels.shape == (KERNELS,)


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
