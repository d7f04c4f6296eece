"""Give channels of the `fast` model that nothing sees another chance.

    python -m train.revive --content 'content-*.tar' --style 'style-*.tar'

In training some channels get where their ReLU lets nothing through, for no photograph and no style, and gradients
cannot bring them back. They are drawn anew, and what comes after them does not listen at first: paintings stay as
they are, and training goes on with more than it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from livestyle.model.fast import FastModel
from train.in_place import InPlaceFlags, bias_of, opened, put_back
from train.runtime import flag, parse_flags, run

SKIPPED_STD_BIAS = -7.0
"""Of a new channel on its way past the coarser ones: it begins at a five-hundredth of the others."""


@dataclass(frozen=True)
class Flags(InPlaceFlags):
    """Draw the dead channels of the fast network of a weights folder anew."""

    count: int = flag("photographs, and artworks, to look at", 24)
    side: int = flag("of the photographs, squares, in pixels; a multiple of 8", 160)
    seed: int = flag("of the new weights", 0)


@torch.no_grad()
def dead(model: FastModel, photographs: Tensor, styles: Sequence[Tensor]) -> dict[nn.Conv2d, Tensor]:
    """Which of each convolution's inputs are above zero in no painting, (C,), bool.

    photographs: (N, 3, H, W) in [0, 1]; styles: their numbers, (1, STYLE_NUMBERS) each.
    """
    silent = {layer: torch.ones(layer.in_channels, dtype=torch.bool) for layer in model.net.convolutions()}

    def look(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        assert isinstance(layer, nn.Conv2d)
        silent[layer] &= (inputs[0] <= 0).all(dim=(0, 2, 3))

    hooks = [layer.register_forward_pre_hook(look) for layer in silent]
    try:
        for numbers in styles:
            model.painted(photographs, numbers.expand(len(photographs), -1), 1.0)
    finally:
        for hook in hooks:
            hook.remove()
    return silent


@torch.no_grad()
def revive(model: FastModel, photographs: Tensor, styles: Sequence[Tensor], seed: int = 0) -> int:
    """Draw dead channels anew, returns how many; as `dead`.

    Paintings stay as they were but for the channels that pass the coarser ones, which hardly change them yet, and for
    what these photographs and styles do not show.
    """
    silent, generator = dead(model, photographs, styles), torch.Generator().manual_seed(seed)
    net, blocks = model.net, model.net.config.blocks
    inner = net.convolutions()[3 : 3 + 2 * blocks]
    makers: list[tuple[nn.Conv2d, nn.Conv2d, int | None, float | None]] = [  # with what reads it, and the AdaIN between
        (net.stem, net.down1, blocks + 3, SKIPPED_STD_BIAS),
        (net.down1, net.down2, blocks + 1, SKIPPED_STD_BIAS),
        *((first, second, None, None) for first, second in zip(inner[::2], inner[1::2], strict=True)),
        (net.merge1, net.up2, blocks + 2, None),
        (net.merge2, net.out, blocks + 4, None),
    ]
    count = 0
    for maker, reader, normalised, std_bias in makers:
        for channel in silent[reader].nonzero().flatten().tolist():
            fan_in = maker.weight[channel].numel()
            maker.weight[channel] = torch.randn(maker.weight[channel].shape, generator=generator) * (2 / fan_in) ** 0.5
            bias_of(maker)[channel] = 0
            reader.weight[:, channel] = 0
            if normalised is not None:
                _give_statistics(model, normalised, channel, std_bias)
            count += 1
    return count


def _give_statistics(model: FastModel, layer: int, channel: int, std_bias: float | None) -> None:
    """The same mean and std for all styles. layer: of the AdaIN layers, in the order in which they run.

    std_bias: None for a channel that is read at once, with a mean of 0 and a std of 1. One that passes the coarser ones
    has had a mean all along, which stays.
    """
    sizes = model.net.config.normalised
    at, projection = sum(sizes[:layer]) + channel, model.projection
    rows = [(sum(sizes) + at, std_bias)] if std_bias is not None else [(at, 0.0), (sum(sizes) + at, 0.0)]
    for row, bias in rows:
        projection.direct.weight[row] = 0
        projection.out.weight[row] = 0
        projection.direct.bias[row] = bias


def main(flags: Flags) -> None:
    """Replace fast.safetensors in the weights folder. Raises OSError, ValueError, WeightsError."""
    model, squares, styles = opened(flags)
    print(f"channels drawn anew: {revive(model, torch.stack(squares), styles, flags.seed)}")
    put_back(model, "train.revive", flags)


if __name__ == "__main__":
    run(main, parse_flags(Flags))
