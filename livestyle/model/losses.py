"""The losses of Huang & Belongie 2017 (eqs. 11 to 13), and what short trainings of small networks need beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from livestyle.model.adain import EPS, mean_std

TapStats = Sequence[tuple[Tensor, Tensor]]
"""(mean, std), each (N, C, 1, 1) float32, of relu1_1, relu2_1, relu3_1, relu4_1."""


class StyleTargets(NamedTuple):
    """What a batch of artworks asks of the paintings."""

    taps: TapStats
    color: tuple[Tensor, Tensor]
    """(mean, std) of the opponent colours, (N, 5, 1, 1) float32 each."""


def tap_stats(taps: Sequence[Tensor]) -> TapStats:
    """Statistics of the encoder's taps."""
    return [mean_std(tap) for tap in taps]


def style_targets(pictures: Tensor, taps: Sequence[Tensor]) -> StyleTargets:
    """Targets from artworks (N, 3, H, W) in [0, 1] and the encoder's taps of them."""
    return StyleTargets(tap_stats(taps), mean_std(opponent_colors(pictures)))


def content_loss(output_relu4_1: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of the painting's relu4_1 to AdaIN's output (eq. 12)."""
    return F.mse_loss(output_relu4_1.float(), target.float())


class _MeanStd(torch.autograd.Function):
    """`mean_std` of float32 features, whose gradient takes one pass where autograd takes six.

    Those cost half as much as the encoder itself.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = mean_std(features)
        ctx.save_for_backward(features, mean, std)
        return mean, std

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        features, mean, std = ctx.saved_tensors
        of_mean, of_std = (gradient / features[0, 0].numel() for gradient in gradients)
        slope = of_std / std
        return torch.addcmul(of_mean - slope * mean, features, slope)


def structure_loss(painting: Tensor, photograph: Tensor) -> Tensor:
    """Mean squared distance of instance-normalised features: their statistics are the style's affair."""
    return F.mse_loss(F.instance_norm(painting.float(), eps=EPS), F.instance_norm(photograph.float(), eps=EPS))


def deep_structure_loss(painting_taps: Sequence[Tensor], photograph_taps: Sequence[Tensor]) -> Tensor:
    """Structure of relu4_1, and half of that of relu3_1, which faces need.

    Every channel counts alike. In the content loss of eq. 12 those count most that the style makes vary most, and
    a painting may be further from its target than a flat one for a few of them. Of the taps the last two count.
    """
    at_4_1, at_3_1 = (structure_loss(painting_taps[n], photograph_taps[n]) for n in (-1, -2))
    return at_4_1 + 0.5 * at_3_1


LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (BT.601)."""

TONE_PX = 8
TONE_FLOOR = 2.5e-3
"""Added to the variance of luma in [0, 1]: a photograph without light and dark asks for nothing."""


def tone_loss(painting: Tensor, photograph: Tensor) -> Tensor:
    """Whether light and dark are where the photograph has them, whatever their contrast.

    Mean squared distance of instance-normalised luma in patches of 8x8 pixels. Both (N, 3, H, W) in
    [0, 1]. The content loss does not see it: a network that has to reach a dark style's statistics
    puts black clouds on flat ground.
    """
    return F.mse_loss(_tones(painting), _tones(photograph))


def _tones(picture: Tensor) -> Tensor:
    luma = torch.einsum("nchw,c->nhw", picture.float(), picture.new_tensor(LUMA, dtype=torch.float32))
    luma = F.avg_pool2d(luma, TONE_PX)
    centred = luma - luma.mean((1, 2), keepdim=True)
    return centred / (centred.square().mean((1, 2), keepdim=True) + TONE_FLOOR).sqrt()


GRID_PX = 8
"""The network's coarsest step: what it makes that repeats, repeats after so many pixels."""
GRID_TILE_PX = 64
GRID_LIMIT = 0.05
"""Details are cut off softly at this contrast: a grid is faint, edges are not."""


def grid_loss(painting: Tensor) -> Tensor:
    """How much of the detail sits on a grid of 8x8 pixels, in squared levels of 255.

    Up-sampling and sub-pixel outputs like to leave a weave there, which costs nothing in the other
    losses and shows on flat ground. The mean square of the details, folded to 8x8 over tiles of 64x64:
    what is not bound to the grid averages out. painting: (N, 3, H, W) in [0, 1]; 0 for a smaller one.
    """
    x = painting.float()
    detail = x - F.avg_pool2d(x, GRID_PX + 1, 1, GRID_PX // 2, count_include_pad=False)
    detail = 255 * GRID_LIMIT * torch.tanh(detail / GRID_LIMIT)
    count, channels = x.shape[:2]
    rows, columns = (side // GRID_TILE_PX for side in x.shape[2:])
    if not rows or not columns:
        return x.new_zeros(())
    detail = detail[:, :, : rows * GRID_TILE_PX, : columns * GRID_TILE_PX]
    folded = detail.reshape(count, channels, rows, -1, GRID_PX, columns, GRID_TILE_PX // GRID_PX, GRID_PX).mean((3, 6))
    return folded.square().mean()


def style_loss(output_taps: Sequence[Tensor], style: TapStats) -> Tensor:
    """Distance of means plus distance of stds, summed over the taps (eq. 13)."""
    total = torch.zeros((), device=output_taps[0].device)
    for tap, (style_mean, style_std) in zip(output_taps, style, strict=True):
        mean, std = _MeanStd.apply(tap.float())
        total = total + F.mse_loss(mean, style_mean) + F.mse_loss(std, style_std)
    return total


OPPONENT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, -1.0, 0.0), (0.5, 0.5, -1.0))
"""Red, green, blue, red minus green, yellow minus blue."""


TINT_PX = 16


def tint_loss(painting: Tensor, photograph: Tensor) -> Tensor:
    """Whether colour changes where the photograph's does, whatever it changes to.

    Mean squared distance of the opponent colours of patches of 16x16 pixels from what fits them best that is affine in
    the photograph's colours there. Both (N, 3, H, W) in [0, 1]. A network that has to reach a colourful artwork's
    statistics else lays clouds of colour over faces, which neither the content nor the tone loss sees.
    """
    with torch.autocast(painting.device.type, enabled=False):
        small, seen = (F.avg_pool2d(part.float(), TINT_PX) for part in (painting, photograph))
        tints, seen = (part.flatten(2).mT for part in (opponent_colors(small)[:, 3:], seen))
        basis = torch.linalg.qr(F.pad(seen, (0, 1), value=1.0)).Q
        return F.mse_loss(basis @ (basis.mT @ tints), tints)


def fast_losses(
    painting: Tensor,
    taps: Sequence[Tensor],
    style: StyleTargets,
    *,
    photograph: Tensor,
    structure: Sequence[Tensor],
    seen: Tensor | None = None,
) -> dict[str, Tensor]:
    """What the fast model is trained on and styles are refined by, unweighted, by name.

    painting, photograph: (N, 3, H, W) in [0, 1]; taps, structure: their encodings, of the photograph at least the last
    two. seen: what the encoder was shown of the painting, if not all of it as it is; the photograph then too.
    """
    seen = painting if seen is None else seen
    return {
        "content": deep_structure_loss(taps, structure),
        "tone": tone_loss(seen, photograph),
        "tint": tint_loss(seen, photograph),
        "style": style_loss(taps, style.taps),
        "color": color_loss(seen, style.color),
        "grid": grid_loss(painting),
        "tv": total_variation(painting),
    }


def opponent_colors(picture: Tensor) -> Tensor:
    """RGB, red minus green, yellow minus blue: (N, 3, H, W) -> (N, 5, H, W) float32.

    In RGB a faded picture is close to a colourful one; in the differences it is not.
    """
    x = picture.float()
    return torch.einsum("oc,nchw->nohw", x.new_tensor(OPPONENT), x)


def color_loss(picture: Tensor, style: tuple[Tensor, Tensor]) -> Tensor:
    """The style loss on the picture's own colours: `style` is mean_std(opponent_colors(artwork))."""
    mean, std = mean_std(opponent_colors(picture))
    return F.mse_loss(mean, style[0]) + F.mse_loss(std, style[1])


def total_variation(picture: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels. picture: (N, 3, H, W)."""
    x = picture.float()
    return x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()
