"""The plain PyTorch engine for pictures that are too large to be painted whole: tile by tile, and without seams.

A tile is painted with the statistics of the whole picture in every AdaIN layer, on its own place of the textures, and
with as much around it as its pixels depend on. Statistics are gathered first: in one run through all tiles for the
layers that see the photograph only, then in one for each later layer, since it needs those of the layers before. So
the painting is the untiled network's but for rounding, at several times its cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from livestyle.engine import Engine
from livestyle.engine.coarse_masks import CoarseMasks, strips
from livestyle.engine.eager import EagerEngine, StyleCode
from livestyle.engine.tiles import Tile, tiles_of
from livestyle.frame import Masks, Picture
from livestyle.looks.masks import composed
from livestyle.model.adain import Statistics, StatisticsOf
from livestyle.model.build import as_bytes, as_float, on_grid
from livestyle.model.part import Moments, Part, PartPainter
from livestyle.model.weights import ModelName

TILE_PX: dict[ModelName, int] = {"fast": 1024, "paper": 1024}
"""Sides of tiles, at most. With `fast` features of larger ones leave the C library's heap, and take twice as long."""

Progress = Callable[[int, int], None]
"""Told how many runs of the network on a tile are done, and how many there are."""


class TiledEngine(EagerEngine):
    """Paints in tiles; see `livestyle.engine.Engine`. One thread at a time.

    progress: to be set by who wants to know; called between tiles.
    """

    def __init__(
        self,
        device: str,
        *,
        model: ModelName,
        half: bool,
        reason: str,
        weights: Path | None = None,
        tile_px: int | None = None,
    ) -> None:
        """tile_px: side of a tile, at most, a multiple of 16; None: TILE_PX. The rest as for EagerEngine."""
        super().__init__(device, model=model, half=half, reason=reason, weights=weights)
        self.progress: Progress = lambda done, total: None
        self._tile_px = tile_px or TILE_PX[model]

    @torch.inference_mode()
    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """See `Engine.stylize`."""
        return self._painted(rgb, code, alpha, None, self.progress)

    def stylize_regions(self, rgb: Picture, codes: Sequence[StyleCode], masks: Masks, alpha: float) -> Picture:
        """See `Engine.stylize_regions`."""
        return self.stylize_wide(rgb, codes, CoarseMasks(masks, rgb.shape[1], rgb.shape[0]), alpha)

    @torch.inference_mode()
    def stylize_wide(self, rgb: Picture, codes: Sequence[StyleCode], masks: CoarseMasks, alpha: float) -> Picture:
        """`stylize_regions` with masks that are never in memory at the picture's size."""
        if self.model == "fast":
            return self._composed(rgb, codes, masks, alpha)
        mean, std = (torch.cat(parts) for parts in zip(*((c.mean, c.std) for c in codes), strict=True))
        return self._painted(rgb, StyleCode(mean, std, codes[0].kernels), alpha, masks, self.progress)

    def _composed(self, rgb: Picture, codes: Sequence[StyleCode], masks: CoarseMasks, alpha: float) -> Picture:
        """A painting for each region, put into those before it in strips: two are in memory at a time."""
        mixed = np.empty_like(rgb)
        for region, code in enumerate(codes):

            def progress(done: int, runs: int, region: int = region) -> None:
                self.progress(region * runs + done, len(codes) * runs)

            painting = self._painted(rgb, code, alpha, None, progress)
            for rows in strips(*rgb.shape[:2]):
                shares = masks.window(rows)
                mixed[rows] = composed(
                    [mixed[rows], painting[rows]], np.stack([shares[:region].sum(0), shares[region]])
                )
        return mixed

    def _painted(
        self, rgb: Picture, code: StyleCode, alpha: float, masks: CoarseMasks | None, progress: Progress
    ) -> Picture:
        paint, network = self._painter.paint, cast(PartPainter, self._painter.network)
        style = code.mean, code.std, code.kernels, alpha
        tiles = tiles_of(*rgb.shape[:2], tile_px=self._tile_px, halo_px=network.halo_px)
        known: dict[int, Statistics] = {}
        first: defaultdict[int, Moments] = defaultdict(Moments)
        done = count(1)
        for tile, window, _ in self._windows(rgb, None, tiles):
            for layer, features in network.unstyled(window, _part(tile), code.kernels).items():
                first[layer].add(_own(tile, features))
            runs = len(tiles) * (2 + network.layers - len(first))
            progress(next(done), runs)
        known.update({layer: moments.statistics() for layer, moments in first.items()})
        for layer in range(network.layers):
            if layer in known:
                continue
            moments = Moments()
            for tile, window, shares in self._windows(rgb, masks, tiles):
                with suppress(_Enough):
                    paint(window, *style, shares, _part(tile, _Supply(known, tile, moments)))
                progress(next(done), runs)
            known[layer] = moments.statistics()
        painting = np.empty_like(rgb)
        for tile, window, shares in self._windows(rgb, masks, tiles):
            part = _part(tile, _Supply(known, tile))
            painted = paint(window, *style, shares, part, as_bytes)[0].permute(1, 2, 0)
            painting[tile.own] = painted[tile.own_in_window()].cpu().numpy()
            progress(next(done), runs)
        return painting

    def _windows(
        self, rgb: Picture, masks: CoarseMasks | None, tiles: Sequence[Tile]
    ) -> Iterator[tuple[Tile, Tensor, Tensor | None]]:
        """Each tile with what the network looks at: pixels (1, 3, h, w) and masks (R, 1, h, w)."""
        dtype = next(self._painter.parameters()).dtype
        for tile in tiles:
            window = as_float(self._to_device(rgb[tile.window]), dtype)
            if masks is None:
                yield tile, window, None
            else:
                shares = torch.from_numpy(masks.window(*tile.window))[:, None]
                yield tile, window, on_grid(shares.to(self._device))


def tiled_engine(engine: Engine, weights: Path | None = None) -> TiledEngine:
    """The engine for large pictures beside another one: its model, where PyTorch can on its device.

    weights: the folder that its weights are from; None: the shipped ones.
    """
    device = {"cuda": "cuda", "torch-cuda": "cuda", "torch-mps": "mps"}.get(engine.name, "cpu")
    half = engine.name != "openvino" and engine.precision != "float32"
    return TiledEngine(device, model=engine.model, half=half, reason="for tiles", weights=weights)


class _Enough(Exception):
    """All that a run of the network was for is known."""


class _Supply:
    """Gives each AdaIN layer in turn the picture's statistics, as far as they are known.

    Of the first layer without any it gathers the tile's share of them, and then ends the run.
    """

    def __init__(self, known: Mapping[int, Statistics], tile: Tile, gathered: Moments | None = None) -> None:
        self._known, self._tile, self._gathered = known, tile, gathered
        self._layer = -1

    def __call__(self, features: Tensor) -> Statistics:
        self._layer += 1
        if self._layer in self._known:
            return self._known[self._layer]
        assert self._gathered is not None
        self._gathered.add(_own(self._tile, features))
        raise _Enough


def _part(tile: Tile, statistics: StatisticsOf | None = None) -> Part:
    return Part(tile.rows.window_start, tile.columns.window_start, statistics)


def _own(tile: Tile, features: Tensor) -> Tensor:
    """Of features of a tile's window, (..., h, w), those of its own pixels."""
    rows, columns = tile.own_in_window(tile.scale_of(features.shape[-2]))
    return features[..., rows, columns]
