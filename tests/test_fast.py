"""The `fast` network: sizes, alpha, styles, and that a style's numbers reach every AdaIN layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.fast import FastConfig, FastModel, FastNet, StyleProjection, interpolating


@pytest.fixture(scope="module")
def net() -> FastNet:
    torch.manual_seed(0)
    return FastNet().eval()


def style(seed: int, count: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    projection = StyleProjection(FastConfig())
    projection.fit(torch.randn(50, STYLE_NUMBERS, generator=generator))
    mean, std = projection(torch.randn(count, STYLE_NUMBERS, generator=generator))
    return mean.detach(), std.detach()


@pytest.mark.parametrize("size", [(16, 16), (24, 40), (64, 32)])
def test_the_painting_has_the_photographs_size(net: FastNet, size: tuple[int, int]) -> None:
    with torch.no_grad():
        assert net(torch.rand(2, 3, *size), *style(0)).shape == (2, 3, *size)


def test_projection_gives_every_layer_its_statistics() -> None:
    config = FastConfig()
    mean, std = StyleProjection(config)(torch.randn(3, STYLE_NUMBERS))
    total = config.eighth * (1 + config.blocks) + 2 * config.quarter + 2 * config.half
    assert mean.shape == std.shape == (3, total, 1, 1)
    assert (std > 0).all()


@pytest.mark.parametrize("count", [40, 300])
def test_projection_whitens_what_it_is_fitted_to(count: int) -> None:
    """Directions of very different strength reach the layers with equal strength."""
    torch.manual_seed(1)
    projection = StyleProjection(FastConfig())
    numbers = 3 + torch.randn(count, 20) * torch.logspace(2, -1, 20) @ torch.randn(20, STYLE_NUMBERS)
    projection.fit(numbers)
    seen = torch.nn.functional.linear(numbers - projection.center, projection.basis)
    strong = min(20, count - 1)
    covariance = seen[:, :strong].T @ seen[:, :strong] / count
    torch.testing.assert_close(covariance, torch.eye(strong), atol=2e-2, rtol=0)
    assert projection.basis[count - 1 :].abs().sum() == 0


def test_projection_keeps_far_styles_in_bounds() -> None:
    torch.manual_seed(2)
    projection = StyleProjection(FastConfig())
    numbers = torch.randn(200, STYLE_NUMBERS)
    projection.fit(numbers)
    far, further = projection(numbers[:1] * 1e6), projection(numbers[:1] * 1e8)
    torch.testing.assert_close(far, further)


def test_alpha_0_does_not_know_the_style_and_alpha_1_does(net: FastNet) -> None:
    photograph = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        bare = [net(photograph, *style(seed), 0.0) for seed in (1, 2)]
        full = [net(photograph, *style(seed), 1.0) for seed in (1, 2)]
        half = net(photograph, *style(1), 0.5)
    torch.testing.assert_close(bare[0], bare[1])
    assert (full[0] - full[1]).abs().mean() > 10 * (bare[0] - bare[1]).abs().mean()
    assert not torch.allclose(half, bare[0]) and not torch.allclose(half, full[0])


def test_every_layer_listens_to_its_own_statistics(net: FastNet) -> None:
    photograph = torch.rand(1, 3, 32, 32)
    mean, std = style(1)
    with torch.no_grad():
        before = net(photograph, mean, std)
        start = 0
        for channels in net.config.normalised:
            changed = mean.clone()
            changed[:, start : start + channels] += 1
            start += channels
            assert (net(photograph, changed, std) - before).abs().mean() > 1e-4
    assert start == mean.shape[1]


def painted_grey(model: FastModel, width: int = 400, *, share: float = 1.0, at: tuple[int, int] = (0, 0)) -> Tensor:
    """A painting of even grey, (3, 64, width), in a style of random numbers."""
    numbers = torch.rand(1, STYLE_NUMBERS, generator=torch.Generator().manual_seed(3))
    return model.painted(torch.full((1, 3, 64, width), 0.5), numbers, share, at=at).detach()[0]


def test_flat_ground_gets_strokes_in_style_only() -> None:
    torch.manual_seed(0)
    model = FastModel()
    inner = slice(16, -16, 2)  # each pixel of 2x2 is a channel of its own
    assert painted_grey(model)[:, inner, inner].std(dim=(1, 2)).min() > 1e-3
    assert painted_grey(model, share=0.0)[:, inner, inner].std(dim=(1, 2)).max() < 1e-5


def test_textures_repeat_after_their_period_and_not_before() -> None:
    torch.manual_seed(0)
    painting = painted_grey(FastModel())
    torch.testing.assert_close(painting[:, :, 64:128], painting[:, :, 256:320], atol=1e-5, rtol=0)
    assert (painting[:, :, 64:128] - painting[:, :, 160:224]).abs().max() > 1e-3


def test_a_picture_may_lie_elsewhere_on_the_textures() -> None:
    torch.manual_seed(0)
    model = FastModel()
    plain, elsewhere = painted_grey(model, 576), painted_grey(model, 576, at=(0, 3))
    place = elsewhere[:, :, 64:128]
    # Statistics are the whole picture's, borders included, so the two are not quite equal.
    assert (place - plain[:, :, 88:152]).abs().mean() < 0.1 * (place - plain[:, :, 64:128]).abs().mean()


def test_alpha_goes_straight_from_the_photograph_to_the_painting(net: FastNet) -> None:
    photograph = torch.rand(1, 3, 24, 32)
    mean, std = style(1)
    full, half, none = (net(photograph, mean, std, alpha).detach() for alpha in (1.0, 0.5, 0.0))
    torch.testing.assert_close(none, photograph)
    torch.testing.assert_close(half, (photograph + full.clamp(0, 1)) / 2)


def test_what_a_style_adds_to_the_last_kernels_is_interpolated() -> None:
    """So no pixel has a step to its neighbour that the next four do not have as well."""
    x, colours = torch.rand(1, 5, 6, 7), torch.randn(3, 5)
    added = F.pixel_shuffle(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), interpolating(colours)), 2)
    mixed = torch.einsum("ci,nihw->nchw", colours, x)
    expected = F.interpolate(mixed, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(added, expected)
