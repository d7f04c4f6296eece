"""Operations of a frame, counted against the networks' own layers, and the peak of a matrix product."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from livestyle.bench import roofline
from livestyle.bench.roofline import Product, network_gflop
from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.build import Painter, build_model
from livestyle.model.fast import FastModel


def counted(painter: nn.Module, projection: nn.Module, width: int, height: int) -> float:
    """Billions of operations of the convolutions that really run."""
    total = 0

    def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += 2 * output.numel() * layer.weight[0].numel()

    for layer in painter.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(add)
    with torch.no_grad():
        painter.network(torch.zeros(1, 3, height, width), *projection(torch.ones(1, STYLE_NUMBERS)))
    return total / 1e9


def strokes_multiplications(width: int, height: int) -> int:
    """Of the convolution that is no layer: lines in 6 directions."""
    return width * height // 4 * 6 * 25


@pytest.mark.parametrize(("width", "height"), [(64, 48), (41, 33)])
def test_the_paper_models_operations(width: int, height: int) -> None:
    expected = counted(*build_model("paper"), width, height)
    assert network_gflop("paper", None, width, height) == pytest.approx(expected)
    assert expected > 1


def test_the_fast_models_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "build_model", lambda model, weights: (Painter(fast.net), fast.projection))
    fast = FastModel()
    found = network_gflop("fast", None, 64, 48)
    fast = FastModel()
    layers = counted(Painter(fast.net), fast.projection, 64, 48)
    assert found == pytest.approx(layers + 2 * strokes_multiplications(64, 48) / 1e9)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_product_is_timed(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    monkeypatch.setitem(roofline.SIDES, "cpu", 64)
    product = Product("cpu", precision)
    monkeypatch.setattr(roofline.time, "perf_counter", itertools.accumulate([1.0, 0.25]).__next__)
    assert product.seconds() == pytest.approx(0.25)
    assert product.gflop == pytest.approx(64 * 64 * 64 * 2 / 1e9)


def test_a_product_is_of_two_square_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(roofline.SIDES, "cpu", 64)
    product = Product("cpu", "float32")
    with FlopCounterMode(display=False) as counter:
        product.seconds()
    assert counter.get_total_flops() == 2 * 64**3
