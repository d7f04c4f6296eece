"""The encoder against a plain restatement, and the two rewritings of its weights."""

from __future__ import annotations

import copy
import functools
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.model.vgg import (
    CHANNELS,
    MIN_SIDE_PX,
    Arch,
    VGGEncoder,
    fold_preprocessing,
    layer_names,
    normalise_activations,
)

BLOCKS: dict[Arch, tuple[int, ...]] = {"vgg16": (2, 2, 3, 1), "vgg19": (2, 2, 4, 1)}
SHIPPED = Path(__file__).parents[1] / "weights" / "vgg16.safetensors"


@functools.cache
def make_encoder(arch: Arch = "vgg16", seed: int = 0) -> VGGEncoder:
    """An encoder with seeded random weights whose activations neither die nor explode. Shared: copy to change."""
    torch.manual_seed(seed)
    encoder = VGGEncoder(arch).eval().requires_grad_(False)
    for name, parameter in encoder.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            parameter -= parameter.mean((2, 3), keepdim=True)  # filters of detail: none dead, none always on
        else:
            torch.nn.init.uniform_(parameter, 0.0, 0.2)
    return encoder


def plain_taps(x: Tensor, weights: dict[str, Tensor], arch: Arch) -> list[Tensor]:
    """Padded convolution, ReLU, tap after each block's first, ceil-mode pooling between blocks."""
    taps = []
    for block, count in enumerate(BLOCKS[arch], 1):
        if block > 1:
            x = F.max_pool2d(x, 2, stride=2, ceil_mode=True)
        for i in range(1, count + 1):
            padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
            x = F.relu(F.conv2d(padded, weights[f"conv{block}_{i}.weight"], weights[f"conv{block}_{i}.bias"]))
            if i == 1:
                taps.append(x)
    return taps


@pytest.mark.parametrize("arch", ["vgg16", "vgg19"])
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (9, 9), (17, 90)])
def test_equals_the_plain_restatement(arch: Arch, size: tuple[int, int]) -> None:
    encoder = make_encoder(arch)
    picture = torch.rand(2, 3, *size)
    for tap, expected in zip(encoder(picture), plain_taps(picture, encoder.state_dict(), arch), strict=True):
        torch.testing.assert_close(tap, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(64, 48), (33, 47), (41, 66), (9, 15)])
def test_tap_sizes_are_rounded_up(size: tuple[int, int]) -> None:
    taps = make_encoder()(torch.rand(1, 3, *size))
    expected = [
        (1, channels, math.ceil(size[0] / 2**k), math.ceil(size[1] / 2**k)) for k, channels in enumerate(CHANNELS)
    ]
    assert [tuple(tap.shape) for tap in taps] == expected


def test_smallest_side() -> None:
    encoder = make_encoder()
    assert encoder(torch.rand(1, 3, MIN_SIDE_PX, MIN_SIDE_PX))[3].shape[-2:] == (2, 2)
    with pytest.raises(RuntimeError):
        encoder(torch.rand(1, 3, MIN_SIDE_PX - 1, MIN_SIDE_PX - 1))


def test_layer_names_and_order() -> None:
    to_conv3_2 = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2"]
    assert layer_names("vgg16") == [*to_conv3_2, "conv3_3", "conv4_1"]
    assert layer_names("vgg19") == [*to_conv3_2, "conv3_3", "conv3_4", "conv4_1"]
    for arch in BLOCKS:
        assert [name for name, _ in VGGEncoder(arch).named_children()] == layer_names(arch)


def test_taps_are_not_negative_and_not_dead() -> None:
    for tap in make_encoder()(torch.rand(1, 3, 40, 40)):
        assert tap.min() >= 0
        assert tap.max() > 0


def test_folded_preprocessing_is_exact_up_to_the_border() -> None:
    encoder = copy.deepcopy(make_encoder()).double()
    folded = copy.deepcopy(encoder)
    scale, shift = torch.tensor([255.0, 200.0, 0.5]).double(), torch.tensor([123.68, 116.779, -3.0]).double()
    folded.load_state_dict(fold_preprocessing(encoder.state_dict(), scale, shift))
    x = torch.rand(1, 3, 21, 35, dtype=torch.float64)
    prepared = scale.view(1, 3, 1, 1) * x - shift.view(1, 3, 1, 1)
    with torch.no_grad():
        for tap, expected in zip(folded(x), encoder(prepared), strict=True):
            torch.testing.assert_close(tap, expected, rtol=1e-9, atol=1e-8)


def test_folding_leaves_the_weights_it_was_given() -> None:
    weights = {k: v.clone() for k, v in make_encoder().state_dict().items()}
    before = {k: v.clone() for k, v in weights.items()}
    folded = fold_preprocessing(weights, torch.full((3,), 255.0), torch.full((3,), 100.0))
    assert all(torch.equal(weights[k], before[k]) for k in before)
    assert {k for k in before if not torch.equal(folded[k], before[k])} == {"conv1_1.weight", "conv1_1.bias"}


@pytest.mark.parametrize("arch", ["vgg16", "vgg19"])
def test_normalised_activations_have_mean_one(arch: Arch) -> None:
    encoder = copy.deepcopy(make_encoder(arch))
    pictures = [torch.rand(1, 3, 40, 56), torch.rand(1, 3, 33, 47) ** 2, torch.rand(1, 3, 24, 24) * 0.5]
    assert normalise_activations(encoder, pictures) is encoder
    each = [encoder(p) for p in pictures]
    for tap in range(4):
        mean = torch.stack([taps[tap].mean((0, 2, 3)) for taps in each]).mean(0)
        assert mean.max() < 1.001
        assert mean.min() > 0.999


def test_normalising_keeps_the_function_up_to_scales() -> None:
    encoder = copy.deepcopy(make_encoder()).double()
    unseen = torch.rand(1, 3, 21, 34, dtype=torch.float64)
    before = encoder(unseen)
    normalise_activations(encoder, [torch.rand(1, 3, 24, 24, dtype=torch.float64) for _ in range(2)])
    for old, new in zip(before, encoder(unseen), strict=True):
        scale = old.amax((0, 2, 3), keepdim=True) / new.amax((0, 2, 3), keepdim=True).clamp_min(1e-30)
        torch.testing.assert_close(new * scale, old, rtol=1e-9, atol=1e-9)
        assert not torch.allclose(scale, torch.ones_like(scale), atol=0.05)


def smooth_picture(height: int, width: int, seed: int) -> Tensor:
    """Noise at several scales, coarse ones strongest, as in photographs; (1, 3, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 3, height, width)
    for side, strength in ((2, 1.0), (5, 0.7), (12, 0.5), (32, 0.3), (96, 0.15)):
        noise = torch.randn(1, 3, side, side, generator=generator)
        picture += strength * F.interpolate(noise, (height, width), mode="bilinear", align_corners=False)
    return torch.sigmoid(picture)


@pytest.mark.skipif(not SHIPPED.exists(), reason="weights/vgg16.safetensors is not in this checkout")
def test_shipped_weights_are_normalised() -> None:
    from safetensors.torch import load_file

    weights = load_file(SHIPPED)
    assert {v.dtype for v in weights.values()} == {torch.float16}
    encoder = VGGEncoder("vgg16").eval().requires_grad_(False)
    encoder.load_state_dict({k: v.float() for k, v in weights.items()}, strict=True)
    for tap in zip(*(encoder(smooth_picture(96, 128, seed)) for seed in range(4)), strict=True):
        assert 0.7 < torch.stack([t.mean() for t in tap]).mean() < 2
