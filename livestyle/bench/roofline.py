"""How near a network comes to what its hardware can do: operations of a frame, and the measured peak.

Only convolutions and matrix products are counted, as their definition has them; a library that finds a
shorter way may pass 100 % of the peak.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from livestyle.looks.style import STYLE_NUMBERS
from livestyle.model.build import build_model
from livestyle.model.weights import ModelName

SIDES = {"cpu": 2048, "mps": 4096, "cuda": 8192}
"""Side of the matrices whose product is timed, by hardware: large enough for its peak."""

PRECISIONS = ("float32", "float16", "bfloat16")
"""Those that a product can be timed in."""


@cache
def network_gflop(model: ModelName, weights: Path | None, width: int, height: int) -> float:
    """Billions of operations of the painter for a frame; a multiply-add is two. Raises WeightsError."""
    painter, projection = build_model(model, weights)
    for module in (painter, projection):
        module.to("meta")
    frame = torch.zeros(1, height, width, 3, dtype=torch.uint8, device="meta")
    with torch.no_grad():
        style = projection(torch.zeros(1, STYLE_NUMBERS, device="meta"))
        with FlopCounterMode(display=False) as counter:
            painter(frame, *style, torch.zeros(painter.kernel_numbers, device="meta"))
    return float(counter.get_total_flops()) / 1e9


class Product:
    """A large matrix product, whose best time is the hardware's peak.

    It is written as a 1x1 convolution, to be computed by the rules (TF32, for instance) that PyTorch
    has for the networks' convolutions.
    """

    def __init__(self, hardware: str, precision: str) -> None:
        """hardware: cpu, cuda or mps. precision: one of PRECISIONS."""
        side = SIDES[hardware]
        options = {"device": hardware, "dtype": getattr(torch, precision)}
        self._matrix = torch.rand(1, side, 32, side // 32, **options).to(memory_format=torch.channels_last)
        self._other = torch.rand(side, side, 1, 1, **options)
        self.gflop = 2 * side**3 / 1e9

    @torch.inference_mode()
    def seconds(self) -> float:
        """Compute it once."""
        start = time.perf_counter()
        F.conv2d(self._matrix, self._other)[0, 0, 0, 0].item()  # reading a number waits for the hardware
        return time.perf_counter() - start
