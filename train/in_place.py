"""What programs share that change the fast network of a weights folder without a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from livestyle.model.build import build_reader
from livestyle.model.fast import FastModel
from livestyle.model.losses import style_targets
from livestyle.model.weights import network_entries
from train.data import evenly, index_pictures
from train.fast import load_fast, style_numbers
from train.runtime import command_line, flag
from train.ship import add_networks, trained_network


@dataclass(frozen=True)
class InPlaceFlags:
    """A weights folder, and pictures to look at."""

    content: tuple[str, ...] = flag("photographs: folders, tar shards or globs")
    style: tuple[str, ...] = flag("artworks: the same")
    weights: Path = flag("the weights folder", Path("weights"))
    count: int = flag("photographs, and artworks", 72)
    side: int = flag("of the photographs, squares, in pixels; a multiple of 8", 288)
    style_side: int = flag("statistics of works at this size, in pixels", 384)


class Opened(NamedTuple):
    """The network, and what it is to paint."""

    model: FastModel
    photographs: list[Tensor]
    """(3, side, side) in [0, 1]."""
    styles: list[Tensor]
    """Their numbers, (1, STYLE_NUMBERS) each."""


def opened(flags: InPlaceFlags) -> Opened:
    """Read all of it. Raises OSError, ValueError, WeightsError."""
    model = load_fast(network_entries(flags.weights, "fast")[1].file, "--weights").eval()
    encoder = build_reader("fast", flags.weights).encoder
    photographs, works = (
        evenly(index_pictures(list(sources)), flags.count, side)
        for sources, side in ((flags.content, flags.side), (flags.style, flags.style_side))
    )
    with torch.no_grad():
        styles = [style_numbers(style_targets(work[None], encoder(work[None]))) for work in works]
    return Opened(model, [photograph[:, : flags.side, : flags.side] for photograph in photographs], styles)


def put_back(model: FastModel, program: str, flags: InPlaceFlags) -> None:
    """Replace fast.safetensors, and add the command to those that made it. program: as `python -m` takes it."""
    earlier = network_entries(flags.weights, "fast")[1].command
    command = f"{earlier}; then {command_line(program, flags)}"
    add_networks(flags.weights, {"fast": trained_network("fast", model.state_dict(), "fast", command)})


def bias_of(layer: nn.Conv2d) -> Tensor:
    """The layer's bias; all of the fast network's have one."""
    assert layer.bias is not None
    return layer.bias
