"""The losses against numpy (eqs. 12 and 13 of Huang & Belongie 2017)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from livestyle.model.adain import mean_std
from livestyle.model.losses import (
    color_loss,
    content_loss,
    grid_loss,
    structure_loss,
    style_loss,
    style_targets,
    tap_stats,
    tint_loss,
    tone_loss,
    total_variation,
)


def make_taps(seed: int, n: int = 2) -> list[Tensor]:
    """Four small feature maps of falling size, as the encoder's taps."""
    generator = torch.Generator().manual_seed(seed)
    return [
        seed + torch.randn(n, channels, side, side + 1, generator=generator) * (1 + seed)
        for channels, side in ((3, 16), (5, 8), (7, 4), (9, 2))
    ]


def numpy_stats(tap: Tensor) -> tuple[np.ndarray, np.ndarray]:
    x = tap.detach().double().numpy()
    return x.mean((2, 3)), np.sqrt(x.var((2, 3)) + 1e-5)


def test_content_loss_is_the_mean_squared_distance() -> None:  # eq. 12
    a, b = make_taps(0)[3], make_taps(1)[3]
    expected = np.mean((a.double().numpy() - b.double().numpy()) ** 2)
    assert content_loss(a, b).item() == pytest.approx(expected, rel=1e-5)
    assert content_loss(a, a).item() == 0


def test_style_loss_is_the_distance_of_means_and_stds_over_all_taps() -> None:  # eq. 13
    output, style = make_taps(0), make_taps(2)
    expected = 0.0
    for a, b in zip(output, style, strict=True):
        (mean_a, std_a), (mean_b, std_b) = numpy_stats(a), numpy_stats(b)
        expected += np.mean((mean_a - mean_b) ** 2) + np.mean((std_a - std_b) ** 2)
    assert style_loss(output, tap_stats(style)).item() == pytest.approx(expected, rel=1e-4)


def test_gradients_are_those_of_the_formulas() -> None:
    """Of the style and the structure loss, each of which has a short way back."""
    (mean, std), tap, other = mean_std(make_taps(2)[0]), make_taps(0)[0].requires_grad_(), make_taps(1)[0]
    own_mean, own_std = mean_std(tap)
    other_mean, other_std = mean_std(other)
    for loss, formula in (
        (style_loss([tap], [(mean, std)]), (own_mean - mean).square().mean() + (own_std - std).square().mean()),
        (structure_loss(tap, other), ((tap - own_mean) / own_std - (other - other_mean) / other_std).square().mean()),
    ):
        ours, theirs = (torch.autograd.grad(one, tap, retain_graph=True)[0] for one in (loss, formula))
        assert theirs.abs().max() > 1e-4
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("tap", range(4))
@pytest.mark.parametrize("change", ["mean", "std"])
def test_style_loss_sees_every_tap_and_both_statistics(tap: int, change: str) -> None:
    taps = make_taps(1)
    same = style_loss(taps, tap_stats(taps)).item()
    x = taps[tap]
    mean = x.mean((2, 3), keepdim=True)
    changed = [*taps]
    changed[tap] = x + 1 if change == "mean" else mean + 1.5 * (x - mean)
    assert same == 0
    assert style_loss(changed, tap_stats(taps)).item() > 0.1


def test_style_loss_ignores_where_things_are() -> None:
    taps = make_taps(1)
    assert style_loss([t.flip(2, 3) for t in taps], tap_stats(taps)).item() == pytest.approx(0, abs=1e-8)


def test_style_loss_wants_all_taps() -> None:
    with pytest.raises(ValueError, match="zip"):
        style_loss(make_taps(0)[:3], tap_stats(make_taps(1)))


def test_tap_stats_are_float32_per_picture_and_channel() -> None:
    for (mean, std), tap in zip(tap_stats([t.half() for t in make_taps(1)]), make_taps(1), strict=True):
        assert mean.shape == std.shape == (*tap.shape[:2], 1, 1)
        assert mean.dtype == std.dtype == torch.float32


def test_total_variation() -> None:
    picture = torch.rand(2, 3, 6, 9, generator=torch.Generator().manual_seed(0))
    x = picture.double().numpy()
    expected = np.abs(np.diff(x, axis=2)).mean() + np.abs(np.diff(x, axis=3)).mean()
    assert total_variation(picture).item() == pytest.approx(expected, rel=1e-5)
    assert total_variation(torch.full((1, 3, 4, 4), 0.3)).item() == 0


def test_losses_are_float32_in_bfloat16() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)).bfloat16()
    for loss, exact in (
        (total_variation(picture), total_variation(picture.double())),
        (content_loss(picture, picture * 0.5), content_loss(picture.float(), (picture * 0.5).float())),
    ):
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(exact.item(), rel=1e-4)


def test_losses_pull_the_output_towards_the_style() -> None:
    style = tap_stats(make_taps(2))
    output = [tap.requires_grad_() for tap in make_taps(0)]
    before = style_loss(output, style)
    before.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        moved = [tap - 0.1 * tap.grad for tap in output if tap.grad is not None]
    assert style_loss(moved, style) < before


def test_color_loss_is_zero_for_the_same_colours_and_counts_fading() -> None:
    torch.manual_seed(0)
    artwork = torch.rand(2, 3, 24, 24)
    target = style_targets(artwork, [artwork] * 4).color
    moved = artwork.flip(2, 3)
    assert color_loss(moved, target).item() == pytest.approx(0, abs=1e-10)
    faded = artwork.mean(1, keepdim=True).expand_as(artwork)
    assert color_loss(faded, target).item() > 0.01


def test_color_loss_equals_numpy() -> None:
    rng = np.random.default_rng(0)
    artwork, painting = rng.random((1, 3, 9, 7)), rng.random((1, 3, 9, 7))

    def stats(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r, g, b = p[0]
        five = np.stack([r, g, b, r - g, (r + g) / 2 - b])
        return five.mean((1, 2)), np.sqrt(five.var((1, 2)) + 1e-5)

    (m1, s1), (m2, s2) = stats(painting), stats(artwork)
    expected = ((m1 - m2) ** 2).mean() + ((s1 - s2) ** 2).mean()
    pictures = torch.from_numpy(artwork).float()
    loss = color_loss(torch.from_numpy(painting).float(), style_targets(pictures, [pictures] * 4).color)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_tone_is_light_and_dark_whatever_the_contrast() -> None:
    generator = torch.Generator().manual_seed(0)
    patches = torch.rand(2, 1, 4, 6, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    photograph = patches.expand(-1, 3, -1, -1)
    tinted = (0.2 + 0.5 * photograph) * torch.tensor([1.0, 0.8, 0.6]).view(1, 3, 1, 1)
    assert tone_loss(photograph, photograph) == 0
    assert tone_loss(tinted, photograph) < 0.02
    clouded = tinted.clone()
    clouded[:, :, :16, :16] = 0
    assert tone_loss(clouded, photograph) > 10 * tone_loss(tinted, photograph)
    assert tone_loss(1 - photograph, photograph) > 2  # a negative
    flat = torch.full((1, 3, 32, 32), 0.5) + 0.01 * torch.randn(1, 3, 32, 32, generator=generator)
    assert tone_loss(flat.flip(3), flat) < 1e-2  # noise is no tone


def test_tint_is_colour_that_the_photograph_does_not_explain() -> None:
    generator = torch.Generator().manual_seed(0)
    photograph = torch.rand(2, 3, 5, 6, generator=generator).repeat_interleave(16, 2).repeat_interleave(16, 3)
    mixing = torch.tensor([[0.1, 0.5, 0.2], [0.6, 0.1, 0.1], [0.0, -0.4, 0.3]])
    recoloured = torch.einsum("oc,nchw->nohw", mixing, photograph) + torch.tensor([0.1, 0.2, 0.4]).view(1, 3, 1, 1)
    assert tint_loss(photograph, photograph) < 1e-10
    assert tint_loss(recoloured, photograph) < 1e-10
    clouded = recoloured.clone()
    clouded[:, 0, :32, :32] += 0.2  # red, over four places of thirty
    assert 1e-4 < tint_loss(clouded, photograph) <= (0.2**2 + 0.1**2) / 2 * 4 / 30
    darker = recoloured.clone()
    darker[:, :, :32, :32] -= 0.2
    assert tint_loss(darker, photograph) < 1e-10  # that is tone
    grey = photograph.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert tint_loss(grey, grey) < 1e-10 < 1e-4 < tint_loss(photograph, grey)
    dabs = recoloured + 0.2 * torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1) * (torch.arange(96) // 4 % 2 * 2 - 1)
    assert tint_loss(dabs, photograph) < 1e-10  # of brush strokes it says nothing


def test_tint_loss_pulls_a_cloud_off_a_picture() -> None:
    photograph = torch.full((1, 3, 80, 96), 0.5)
    clouded = photograph.clone()
    clouded[:, 0, :32, :32] += 0.2
    clouded.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):  # as training does
        (gradient,) = torch.autograd.grad(tint_loss(clouded, photograph), clouded)
    assert gradient.dtype == torch.float32 and gradient[:, 0, :32, :32].min() > 0 > gradient[:, 1, :32, :32].max()


@pytest.mark.parametrize("period", [2, 4, 8])
def test_grid_loss_sees_what_repeats_every_8_pixels(period: int) -> None:
    plain = torch.full((1, 3, 128, 192), 0.5)
    weave = plain.clone()
    weave[:, :, ::period] += 0.01
    elsewhere = plain.clone()
    elsewhere[:, :, :: period + 1] += 0.01
    assert grid_loss(plain).item() == pytest.approx(0, abs=1e-6)
    assert grid_loss(weave).item() > 20 * grid_loss(elsewhere).item()


def test_grid_loss_pulls_a_weave_off_a_picture() -> None:
    weave = torch.full((1, 3, 64, 64), 0.5)
    weave[:, :, ::2] += 0.01
    weave.requires_grad_()
    (gradient,) = torch.autograd.grad(grid_loss(weave), weave)
    assert gradient[:, :, ::2, 8:-8].mean() > 0 > gradient[:, :, 1::2, 8:-8].mean()


def test_grid_loss_of_a_picture_under_a_tile_is_nothing() -> None:
    assert grid_loss(torch.rand(1, 3, 63, 80)).item() == 0
