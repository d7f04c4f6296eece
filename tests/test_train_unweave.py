"""What alternates from pixel to pixel: seen beside a photograph's own, and fitted away by the last layer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.assets import asset_dir
from livestyle.model.fast import FastModel
from livestyle.model.weights import network_entries
from tests.training import smooth_pictures
from train.fast import load_fast
from train.unweave import Flags, mean_surplus, pairs_of, refit, surplus, unweave, unwoven, weave


@pytest.fixture
def photograph() -> Tensor:
    """Smooth, with an edge: (1, 3, 64, 88)."""
    smooth = F.avg_pool2d(torch.rand(1, 3, 68, 92, generator=torch.Generator().manual_seed(0)), 5, 1)
    smooth[:, :, 20:] *= 0.4
    return smooth


def alternating(picture: Tensor, side: int, period: int) -> Tensor:
    """0.05 up and down along a side, every `period` pixels."""
    steps = torch.arange(picture.shape[side])
    wave = 0.05 * torch.cos(2 * torch.pi / period * steps)
    return wave[:, None] if side == 2 else wave


@pytest.mark.parametrize("side", [2, 3])
def test_all_of_what_alternates_is_seen_and_little_of_what_is_coarser(photograph: Tensor, side: int) -> None:
    flat = torch.full_like(photograph, 0.5)
    for period, share in ((2, 1.0), (4, 1 / 8), (8, 0.0031)):
        seen = weave(flat + alternating(flat, side, period), side)[:, :, 8:-8, 8:-8]
        assert seen.abs().max().item() == pytest.approx(0.05 * share, rel=0.02)
    assert weave(flat + alternating(flat, side, 2), 5 - side).abs().max() < 1e-6


@pytest.mark.parametrize("side", [2, 3])
def test_a_weave_is_taken_away_and_what_the_photograph_has_stays(photograph: Tensor, side: int) -> None:
    assert torch.equal(unwoven(photograph, photograph), photograph)
    torch.testing.assert_close(unwoven(0.9 * photograph, photograph), 0.9 * photograph)
    woven = photograph + alternating(photograph, side, 2)
    assert surplus(woven, photograph, side).abs().mean() > 0.04
    assert surplus(unwoven(woven, photograph), photograph, side).abs().mean() < 0.004
    assert torch.equal(unwoven(woven, woven), woven)
    coarse = photograph + alternating(photograph, side, 8)
    assert (unwoven(coarse, photograph) - coarse).abs().mean() < 0.0005


def weaving(model: FastModel) -> None:
    """Make its paintings alternate where the features say there is something."""
    with torch.no_grad():
        phases = torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat(3)  # of each colour: a chequered pattern
        model.net.out.weight[:, 0, 1, 1] += 0.02 * phases


def test_the_last_layer_is_fitted_and_nothing_else(photograph: Tensor) -> None:
    model = load_fast(network_entries(None, "fast")[1].file, "--init").eval()
    numbers = [model.projection.center[None], model.projection.center[None] * 1.1]
    before = [model.painted(photograph, n, 1.0).detach() for n in numbers]
    plain = mean_surplus(model, pairs_of([photograph[0]], numbers, 2))
    weaving(model)
    woven = mean_surplus(model, pairs_of([photograph[0]], numbers, 2))
    others = {name: value.clone() for name, value in model.state_dict().items() if "net.out" not in name}
    refit(model, pairs_of([photograph[0]], numbers, 2))
    assert mean_surplus(model, pairs_of([photograph[0]], numbers, 2)) < 0.7 * plain < 0.7 * woven
    assert all(torch.equal(model.state_dict()[name], value) for name, value in others.items())
    for n, painting in zip(numbers, before, strict=True):
        coarse = (F.avg_pool2d(model.painted(photograph, n, 1.0) - painting, 4)).abs().mean()
        assert coarse < 0.004  # a level of 255


def test_weights_are_replaced_and_say_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(asset_dir("weights"), weights)
    file = weights / "fast.safetensors"
    model = load_fast(file, "--init")
    content, style = smooth_pictures(tmp_path / "content", 2, 0), smooth_pictures(tmp_path / "style", 2, 1)
    earlier = network_entries(weights, "fast")[1].command
    flags = Flags((str(content),), (str(style),), weights, count=2, side=64, style_side=64, each=1)
    unweave(flags)
    before, after = map(float, capsys.readouterr().out.split(":")[1].split(" -> "))
    assert after <= before
    _, own = network_entries(weights, "fast")
    assert own.command.startswith(f"{earlier}; then python -m train.unweave --content")
    fitted = load_fast(own.file, "--init").state_dict()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(fitted[name], value)}
    assert changed == {"net.out.weight", "net.out.bias"}
