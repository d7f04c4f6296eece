"""Channels that nothing sees: found, drawn anew, and not heard at first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from livestyle.assets import asset_dir
from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.fast import FastModel
from livestyle.model.weights import network_entries
from tests.training import smooth_pictures
from train.fast import load_fast
from train.revive import Flags, dead, main, revive


@pytest.fixture
def model() -> FastModel:
    """With a dead channel that also passes the coarser ones, one inside a block, and one after the last AdaIN layer."""
    torch.manual_seed(3)
    model = FastModel().eval()
    with torch.no_grad():
        for layer in model.net.convolutions()[:2]:
            layer.bias += 2  # alive, all of them
        model.net.stem.weight[2] = 0
        model.net.stem.bias[2] = -1
        first = model.net.convolutions()[5]
        first.weight[7] = 0
        first.bias[7] = -1
        at = sum(model.net.config.normalised) - 4
        model.projection.direct.bias[at] = -90
    return model


@pytest.fixture
def styles() -> list[Tensor]:
    return list(torch.randn(3, 1, STYLE_NUMBERS, generator=torch.Generator().manual_seed(1)))


@pytest.fixture
def photographs() -> Tensor:
    return torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(2))


def counted(model: FastModel, photographs: Tensor, styles: list[Tensor]) -> list[int]:
    return [int(part.sum()) for part in dead(model, photographs, styles).values()]


def painted(model: FastModel, photographs: Tensor, styles: list[Tensor]) -> Tensor:
    with torch.no_grad():
        return torch.cat([model(photographs, numbers.expand(2, -1)) for numbers in styles])


def test_dead_channels_live_and_paintings_stay(model: FastModel, photographs: Tensor, styles: list[Tensor]) -> None:
    before, found = painted(model, photographs, styles), counted(model, photographs, styles)
    others = {name: value.clone() for name, value in model.state_dict().items() if "down2" in name or "merge1" in name}
    assert found[1] == found[6] == found[-1] == 1 and sum(found) == 3
    assert revive(model, photographs, styles) == 3
    assert sum(counted(model, photographs, styles)) == 0
    torch.testing.assert_close(painted(model, photographs, styles), before, atol=4e-3, rtol=0)  # a level of 255
    assert all(torch.equal(model.state_dict()[name], value) for name, value in others.items())
    assert revive(model, photographs, styles) == 0


def test_what_listens_later_is_changed_by_them(model: FastModel, photographs: Tensor, styles: list[Tensor]) -> None:
    """As training does; a dead channel's weight has no gradient."""
    for expected in (False, True):
        painting = model(photographs, styles[0].expand(2, -1))
        model.net.out.weight.grad = None
        painting.square().sum().backward()
        gradient = model.net.out.weight.grad
        assert gradient is not None and bool(gradient[:, -4].abs().sum() > 0) == expected
        revive(model, photographs, styles)


def test_weights_are_replaced_and_say_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(asset_dir("weights"), weights)
    content, style = smooth_pictures(tmp_path / "content", 2, 0), smooth_pictures(tmp_path / "style", 2, 1)
    earlier = network_entries(weights, "fast")[1]
    main(Flags((str(content),), (str(style),), weights, count=2, side=40, style_side=64))
    assert capsys.readouterr().out.startswith("channels drawn anew: ")
    own = network_entries(weights, "fast")[1]
    assert own.command.startswith(f"{earlier.command}; then python -m train.revive --content")
    assert load_fast(own.file, "--init").net.config == load_fast(earlier.file, "--init").net.config
