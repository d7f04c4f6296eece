"""The decoder against a plain restatement, its sizes, and that nothing shifts."""

from __future__ import annotations

import copy
import functools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.model.adain import adain, mean_std
from livestyle.model.decoder import Decoder
from livestyle.model.vgg import Arch, VGGEncoder, layer_names


@functools.cache
def make_decoder(arch: Arch = "vgg16", seed: int = 0) -> Decoder:
    """A decoder with seeded weights whose activations keep their size through the layers. Shared: copy to change."""
    torch.manual_seed(seed)
    decoder = Decoder(arch).eval().requires_grad_(False)
    for name, parameter in decoder.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            nn.init.uniform_(parameter, -0.1, 0.1)
    return decoder


def make_features(height: int, width: int, n: int = 1) -> Tensor:
    """Random relu4_1 features for a picture of height x width."""
    generator = torch.Generator().manual_seed(height * 1000 + width)
    return torch.rand(n, 512, math.ceil(height / 8), math.ceil(width / 8), generator=generator)


def plain_painting(x: Tensor, weights: dict[str, Tensor], arch: Arch) -> Tensor:
    """conv4_1, up, conv3_*, up, conv2_*, up, conv1_*: each pixel doubled; uncropped."""
    for block, count in ((4, 1), (3, {"vgg16": 3, "vgg19": 4}[arch]), (2, 2), (1, 2)):
        for i in range(count, 0, -1):
            padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
            x = F.conv2d(padded, weights[f"conv{block}_{i}.weight"], weights[f"conv{block}_{i}.bias"])
            if (block, i) != (1, 1):
                x = F.relu(x)
        if block > 1:
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return x


@pytest.mark.parametrize("arch", ["vgg16", "vgg19"])
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (9, 70)])
def test_equals_the_top_left_of_the_plain_restatement(arch: Arch, size: tuple[int, int]) -> None:
    decoder = make_decoder(arch)
    features = make_features(*size, n=2)
    expected = plain_painting(features, decoder.state_dict(), arch)[:, :, : size[0], : size[1]]
    torch.testing.assert_close(decoder(features, *size), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.01


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (40, 25), (161, 89), (9, 9), (9, 300), (257, 11)])
def test_painting_has_the_size_asked_for(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    encoder = VGGEncoder().eval().requires_grad_(False)
    features = encoder(torch.rand(1, 3, *size))[3]
    assert make_decoder()(features, *size).shape == (1, 3, *size)


def test_painting_of_321x179() -> None:
    features = make_features(179, 321)
    assert make_decoder()(features, 179, 321).shape == (1, 3, 179, 321)


def test_the_surplus_is_cut_at_the_right_and_bottom() -> None:
    decoder = make_decoder()
    features = make_features(40, 48)
    whole = decoder(features, 40, 48)
    torch.testing.assert_close(decoder(features, 33, 47), whole[..., :33, :47], rtol=0, atol=0)


@pytest.mark.parametrize("arch", ["vgg16", "vgg19"])
def test_mirrors_the_encoder_layer_by_layer(arch: Arch) -> None:
    encoder, decoder = dict(VGGEncoder(arch).named_children()), dict(Decoder(arch).named_children())
    assert list(decoder) == layer_names(arch)[::-1]
    for name, conv in decoder.items():
        twin = encoder[name]
        assert isinstance(conv, nn.Conv2d) and isinstance(twin, nn.Conv2d)
        assert (conv.in_channels, conv.out_channels) == (twin.out_channels, twin.in_channels)
        assert conv.kernel_size == twin.kernel_size == (3, 3)


def test_has_no_normalisation_layers() -> None:
    kinds = {type(module) for module in Decoder().modules()} - {Decoder}
    assert all(issubclass(kind, nn.Conv2d) for kind in kinds)
    assert not list(Decoder().buffers())


def test_output_is_not_clamped() -> None:
    painting = make_decoder()(20 * make_features(32, 32), 32, 32)
    assert painting.min() < 0 or painting.max() > 1


def test_shifted_content_is_a_shifted_painting() -> None:
    torch.manual_seed(1)
    encoder = VGGEncoder().eval().requires_grad_(False)
    for name, parameter in encoder.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    decoder = make_decoder()
    scene = torch.rand(1, 3, 168 + 16, 168 + 16)
    style_mean, style_std = mean_std(encoder(torch.rand(1, 3, 32, 32))[3])
    mean, std = mean_std(encoder(scene)[3])
    gain = style_std / std  # one affine map for both views, as their own statistics differ a little

    def paint(view: Tensor) -> Tensor:
        features = encoder(view)[3]
        return decoder((features - mean) * gain + style_mean, 168, 168)

    dy, dx = 8, 16
    still = paint(scene[..., :168, :168])
    moved = paint(scene[..., dy : dy + 168, dx : dx + 168])
    inside = slice(72, 168 - 72)
    expected = still[..., 72 + dy : 168 - 72 + dy, 72 + dx : 168 - 72 + dx]
    torch.testing.assert_close(moved[..., inside, inside], expected, rtol=1e-3, atol=1e-3)
    assert (still[..., inside, inside] - expected).abs().mean() > 0.05  # a painting that differs from place to place


def test_gradients_reach_every_parameter() -> None:
    decoder = copy.deepcopy(make_decoder()).requires_grad_(True)
    target = adain(make_features(32, 48), torch.zeros(1, 512, 1, 1), torch.ones(1, 512, 1, 1))
    decoder(target, 31, 45).square().mean().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
