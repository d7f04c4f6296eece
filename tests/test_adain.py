"""AdaIN against numpy and against the equations of Huang & Belongie 2017."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from livestyle.model.adain import EPS, adain, adain_regions, mean_std
from livestyle.model.decoder import Decoder


def features(seed: int, *, n: int = 2, channels: int = 6, height: int = 9, width: int = 13) -> Tensor:
    """Random features whose channels differ in mean and spread; (N, C, H, W) float32."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, channels, height, width, generator=generator)
    spread = 0.2 + 2 * torch.rand(1, channels, 1, 1, generator=generator)
    return x * spread + 3 * torch.rand(1, channels, 1, 1, generator=generator)


def numpy_mean_std(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Biased statistics in float64."""
    array = x.double().numpy()
    return array.mean((2, 3), keepdims=True), np.sqrt(array.var((2, 3), keepdims=True, ddof=0) + 1e-5)


def test_statistics_are_biased_with_eps_inside_the_root() -> None:
    x = features(0, height=2, width=3)  # six pixels: the unbiased std would be 10 % larger
    mean, std = mean_std(x)
    expected_mean, expected_std = numpy_mean_std(x)
    assert mean.shape == std.shape == (2, 6, 1, 1)
    np.testing.assert_allclose(mean.numpy(), expected_mean, rtol=1e-5)
    np.testing.assert_allclose(std.numpy(), expected_std, rtol=1e-5)
    assert EPS == 1e-5


def test_a_flat_channel_has_the_std_of_eps() -> None:
    _, std = mean_std(torch.full((1, 2, 4, 4), 7.0))
    torch.testing.assert_close(std, torch.full_like(std, 1e-5**0.5))


@pytest.mark.parametrize(("dtype", "level"), [(torch.float16, 600.0), (torch.bfloat16, 300.0)])
def test_statistics_are_float32_in_half_precision(dtype: torch.dtype, level: float) -> None:
    x = (level + 4 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))).to(dtype)
    mean, std = mean_std(x)
    assert mean.dtype == std.dtype == torch.float32
    expected_mean, expected_std = numpy_mean_std(x)
    np.testing.assert_allclose(mean.numpy(), expected_mean, rtol=1e-5)
    np.testing.assert_allclose(std.numpy(), expected_std, rtol=1e-3)
    naive_std = ((x * x).mean((2, 3)) - x.mean((2, 3)) ** 2).float().sqrt().numpy()
    assert not np.allclose(naive_std, expected_std[..., 0, 0], rtol=0.1)  # the case is one that matters


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_features_stay_half_and_are_right(dtype: torch.dtype) -> None:
    content = (400 + 5 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))).to(dtype)
    style_mean, style_std = mean_std(features(3, n=1, channels=3))
    out = adain(content, style_mean, style_std)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), adain(content.float(), style_mean, style_std), rtol=1e-2, atol=1e-2)


def test_output_has_the_styles_statistics() -> None:  # eq. 8
    style_mean, style_std = mean_std(features(4, height=5, width=31))
    mean, std = mean_std(adain(features(5), style_mean, style_std))
    torch.testing.assert_close(mean, style_mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(std, style_std, rtol=1e-3, atol=1e-3)


def test_equals_equation_8() -> None:
    content = features(6)
    style_mean, style_std = mean_std(features(7))
    mean, std = numpy_mean_std(content)
    expected = style_std.numpy() * (content.double().numpy() - mean) / std + style_mean.numpy()
    np.testing.assert_allclose(adain(content, style_mean, style_std).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_one_style_serves_a_batch() -> None:
    style_mean, style_std = mean_std(features(8, n=1))
    content = features(9, n=3)
    each = torch.cat([adain(content[i : i + 1], style_mean, style_std) for i in range(3)])
    torch.testing.assert_close(adain(content, style_mean, style_std), each)


def test_alpha_zero_is_the_content() -> None:  # eq. 14
    content = features(10)
    torch.testing.assert_close(adain(content, *mean_std(features(11)), alpha=0.0), content, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.75, 1.0, torch.tensor(0.6)])
def test_alpha_blends_content_and_style(alpha: float | Tensor) -> None:  # eq. 14
    content, style = features(12), mean_std(features(13))
    expected = (1 - alpha) * content + alpha * adain(content, *style)
    torch.testing.assert_close(adain(content, *style, alpha=alpha), expected, rtol=1e-5, atol=1e-5)


def test_blended_statistics_are_the_blend_of_outputs() -> None:  # eq. 15
    content = features(14, n=1, channels=512, height=4, width=5)
    styles = [mean_std(features(20 + k, n=1, channels=512)) for k in range(4)]
    shares = (0.4, 0.3, 0.2, 0.1)
    outputs = sum(w * adain(content, *s) for w, s in zip(shares, styles, strict=True))
    mean = sum(w * s[0] for w, s in zip(shares, styles, strict=True))
    std = sum(w * s[1] for w, s in zip(shares, styles, strict=True))
    assert isinstance(outputs, Tensor) and isinstance(mean, Tensor) and isinstance(std, Tensor)
    one_pass = adain(content, mean, std)
    torch.testing.assert_close(one_pass, outputs, rtol=1e-4, atol=1e-4)
    torch.manual_seed(0)
    decoder = Decoder().eval().requires_grad_(False)
    torch.testing.assert_close(decoder(one_pass, 32, 40), decoder(outputs, 32, 40), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(one_pass, adain(content, *styles[0]), atol=0.1)


def test_maps_give_each_region_its_style() -> None:
    content = features(15, n=1)
    (mean_a, std_a), (mean_b, std_b) = mean_std(features(16, n=1)), mean_std(features(17, n=1))
    mask = torch.zeros(1, 1, 9, 13)
    mask[..., :5] = 1
    mean_map, std_map = mask * mean_a + (1 - mask) * mean_b, mask * std_a + (1 - mask) * std_b
    assert mean_map.shape == content.shape
    for alpha in (1.0, 0.4):
        out = adain(content, mean_map, std_map, alpha)
        torch.testing.assert_close(out[..., :5], adain(content, mean_a, std_a, alpha)[..., :5])
        torch.testing.assert_close(out[..., 5:], adain(content, mean_b, std_b, alpha)[..., 5:])


def test_the_short_way_at_full_style_is_the_same() -> None:
    """A Python 1.0 takes one kernel, a tensor the general formula."""
    torch.manual_seed(0)
    content, mean, std = torch.randn(2, 5, 7, 9) * 3 + 1, torch.randn(2, 5, 1, 1), torch.rand(2, 5, 1, 1)
    maps = torch.randn(2, 5, 7, 9)
    for style in ((mean, std), (maps, maps.abs())):
        torch.testing.assert_close(adain(content, *style, 1.0), adain(content, *style, torch.tensor(1.0)))


def region_masks(count: int, height: int, width: int) -> Tensor:
    """Random shares that sum to 1: (R, 1, H, W)."""
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(9)).softmax(0)


@pytest.mark.parametrize("alpha", [1.0, 0.3, 0.0])
def test_regions_are_adain_with_maps_for_statistics(alpha: float) -> None:
    """sum_r m_r AdaIN(x, s_r) = AdaIN with the maps sum_r m_r (mean_r, std_r), also for masks of 8 times the size."""
    x, masks = features(0, n=1), region_masks(3, 72, 104)
    means, stds = mean_std(features(1, n=3))
    shares = masks.unflatten(2, (9, 8)).unflatten(4, (13, 8)).mean((3, 5))
    maps = [(shares * styles).sum(0, keepdim=True) for styles in (means, stds)]
    found = adain_regions(x, means, stds, alpha, masks)
    torch.testing.assert_close(found, adain(x, maps[0], maps[1], alpha), rtol=1e-4, atol=1e-4)
    blended = sum(shares[r] * adain(x, means[r : r + 1], stds[r : r + 1], alpha) for r in range(3))
    torch.testing.assert_close(found, blended, rtol=1e-4, atol=1e-4)
