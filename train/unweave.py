"""Take from the `fast` model's paintings what alternates from pixel to pixel and no photograph has.

    python -m train.unweave --content 'content-*.tar' --style 'style-*.tar'

Its last layer makes four pixels at a time, which do not always fit to their neighbours: a weave of dots beside
edges. Losses that see it cost strokes. But of the same features that layer can make the painting without the weave too,
nearly: a linear regression, solved in a minute, in which all that comes before stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.model.fast import FastModel
from train.in_place import InPlaceFlags, bias_of, opened, put_back
from train.runtime import flag, parse_flags, run

WEAVE = (-1, 6, -15, 20, -15, 6, -1)
"""Sixth differences over 64: all of what repeats every two pixels, an eighth of what repeats every four."""
RIDGE = 1e-6
"""What keeps the weights where the features say nothing, as a part of the features' mean square."""


@dataclass(frozen=True)
class Flags(InPlaceFlags):
    """Fit the last layer of the fast network of a weights folder anew."""

    each: int = flag("artworks for each photograph", 4)


def weave(picture: Tensor, side: int) -> Tensor:
    """What alternates from pixel to pixel along a side, 2 or 3: (N, 3, H, W) float -> the same, signed."""
    kernel = torch.tensor(WEAVE, dtype=picture.dtype, device=picture.device) / 64
    shape, padding = ((-1, 1), (0, 0, 3, 3)) if side == 2 else ((1, -1), (3, 3, 0, 0))
    channels = picture.shape[1]
    return F.conv2d(
        F.pad(picture, padding, mode="reflect"), kernel.view(1, 1, *shape).expand(channels, 1, *shape), groups=channels
    )


def surplus(painting: Tensor, photograph: Tensor, side: int) -> Tensor:
    """How much more than the photograph the painting alternates, with the painting's sign. Both (N, 3, H, W)."""
    own = weave(painting, side)
    return own.sign() * F.relu(own.abs() - weave(photograph, side).abs())


def unwoven(painting: Tensor, photograph: Tensor) -> Tensor:
    """The painting without its surplus, along columns and then along rows. Both (N, 3, H, W)."""
    for side in (2, 3):
        painting = painting - surplus(painting, photograph, side)
    return painting


@torch.no_grad()
def refit(model: FastModel, pairs: Iterator[tuple[Tensor, Tensor]]) -> None:
    """Give the last layer the weights whose paintings come nearest to `unwoven` ones.

    pairs: photographs, (1, 3, H, W) in [0, 1] with sides of multiples of 8, and styles' numbers, (1, STYLE_NUMBERS).
    """
    out = model.net.out
    given: list[Tensor] = []
    hook = out.register_forward_pre_hook(lambda _layer, inputs: given.append(inputs[0]))
    size = out.weight[0].numel() + 1
    square, product = (out.weight.new_zeros(size, n, dtype=torch.float64) for n in (size, out.out_channels))
    try:
        for photograph, numbers in pairs:
            painting = model.painted(photograph, numbers, 1.0)
            wanted = F.pixel_unshuffle(unwoven(painting, photograph), 2).flatten(2)[0].T
            seen = _inputs(given.pop(), out)
            square += (seen.T @ seen).double()
            product += (seen.T @ wanted).double()
    finally:
        hook.remove()
    before = torch.cat([out.weight.flatten(1), bias_of(out)[:, None]], dim=1).T.double()
    ridge = RIDGE * square.diagonal().mean() * torch.eye(size, dtype=torch.float64, device=square.device)
    after = torch.linalg.solve(square + ridge, product + ridge @ before).float()
    out.weight.copy_(after[:-1].T.reshape_as(out.weight))
    bias_of(out).copy_(after[-1])


def _inputs(features: Tensor, layer: nn.Conv2d) -> Tensor:
    """What each place of a layer sees, and a one for the bias: (1, C, h, w) -> (h * w, C * 9 + 1)."""
    padding = layer.kernel_size[0] // 2
    padded = F.pad(features, (padding,) * 4, mode="reflect")
    seen = F.unfold(padded, layer.kernel_size)[0].T
    return torch.cat([seen, seen.new_ones(len(seen), 1)], dim=1)


def pairs_of(photographs: Sequence[Tensor], styles: Sequence[Tensor], each: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Every photograph, (3, H, W), with so many of the styles in turns."""
    for n, photograph in enumerate(photographs):
        for k in range(each):
            yield photograph[None], styles[(each * n + k) % len(styles)]


def mean_surplus(model: FastModel, pairs: Iterator[tuple[Tensor, Tensor]]) -> float:
    """Of the paintings, in levels of 255, the mean over both ways."""
    with torch.no_grad():
        parts = [
            surplus(model.painted(photograph, numbers, 1.0), photograph, side).abs().mean()
            for photograph, numbers in pairs
            for side in (2, 3)
        ]
    return 255 * float(torch.stack(parts).mean())


def unweave(flags: Flags) -> None:
    """Replace fast.safetensors in the weights folder. Raises OSError, ValueError, WeightsError."""
    model, squares, styles = opened(flags)
    before = mean_surplus(model, pairs_of(squares, styles, 1))
    refit(model, pairs_of(squares, styles, flags.each))
    print(
        f"alternating beyond the photographs: {before:.3f} -> {mean_surplus(model, pairs_of(squares, styles, 1)):.3f}"
    )
    put_back(model, "train.unweave", flags)


if __name__ == "__main__":
    run(unweave, parse_flags(Flags))
