"""The decoder: the encoder's mirror, from AdaIN's output at relu4_1 back to a picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from livestyle.model.vgg import Arch, ReflectConv, layer_names


class Decoder(nn.Module):
    """Mirrors an encoder layer by layer (Huang & Belongie 2017, section 6).

    Nearest up-sampling where the encoder pools, reflection padding, no normalisation layers:
    those would pull every picture to one style. Layers carry the names of those they invert.
    """

    def __init__(self, arch: Arch = "vgg16") -> None:
        super().__init__()
        self.arch: Arch = arch
        widths = {1: 64, 2: 128, 3: 256, 4: 512}
        for name in reversed(layer_names(arch)):
            block = int(name[4])
            opens_block = name.endswith("_1")
            out_channels = (widths.get(block - 1, 3)) if opens_block else widths[block]
            self.add_module(name, ReflectConv(widths[block], out_channels))

    def block(self, number: int, x: Tensor) -> Tensor:
        """Run the layers that mirror the encoder's block `number`, 4 (the first to run) to 1.

        x: (N, C, h, w), what the block above gave (for 4: relu4_1's features). Returns the mirror of
        what the encoder's block was given, at twice the size (for 4: at the same).
        """
        if number < 4:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        for name, conv in self.named_children():
            if int(name[4]) == number:
                x = conv(x) if name == "conv1_1" else F.relu(conv(x))
        return x

    def forward(self, features: Tensor, height: int, width: int) -> Tensor:
        """Paint features as a picture.

        features: (N, 512, ceil(height / 8), ceil(width / 8)). Returns (N, 3, height, width), not
        clamped. Where the size is no multiple of 8 the surplus is cut at the right and bottom,
        where ceil-mode pooling had its partial windows: nothing shifts.
        """
        x = features
        for number in (4, 3, 2, 1):
            x = self.block(number, x)
        return x[..., :height, :width]
