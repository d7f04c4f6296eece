"""Every picture in memory, as uint8: crops, resizing and flips happen where the pictures are.

With the pictures on the GPU an iteration waits for no disk, no decoder and no copy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from train.crops import CropRecipe, CropSampler, IndexedPictures, Share
from train.readers import reading

SHARE_OF_FREE_MEMORY = 0.8


class _Decoded(Dataset[Tensor]):
    """Whole pictures, (3, H, W) uint8."""

    def __init__(self, pictures: IndexedPictures, shortest_side: int) -> None:
        self.pictures, self.shortest_side = pictures, shortest_side

    def __len__(self) -> int:
        return len(self.pictures.entries)

    def __getitem__(self, index: int) -> Tensor:
        image = self.pictures.read(index, self.shortest_side)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device; for the CPU, on the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


class CachedCrops:
    """Crops of pictures held on one device; sample n is what `CropStream` makes of n.

    The pictures are kept at the recipe's largest size. Where a sample is smaller, its crop is
    resampled from there (bilinear, twice oversampled): equal to `CropStream`'s but for the filter.
    """

    def __init__(
        self, pictures: IndexedPictures, recipe: CropRecipe, *, seed: int, device: torch.device, workers: int = 0
    ) -> None:
        """Reads all pictures now. Raises MemoryError, one line, when they do not fit."""
        self.pictures = pictures
        self.sampler = CropSampler(len(pictures.entries), recipe, seed)
        decoded = self._decode(device, workers)
        shapes = torch.tensor([picture.shape[1:] for picture in decoded])
        self._heights, self._widths = shapes.unbind(1)
        sizes = 3 * self._heights * self._widths
        self._offsets = sizes.cumsum(0) - sizes
        self._pixels = torch.empty(int(sizes.sum()), dtype=torch.uint8, device=device)
        for i, offset in enumerate(self._offsets.tolist()):
            self._pixels[offset : offset + int(sizes[i])] = decoded[i].flatten()
            decoded[i] = torch.empty(0)  # give the memory back as it is copied

    def _decode(self, device: torch.device, workers: int) -> list[Tensor]:
        loader = reading(_Decoded(self.pictures, self.sampler.recipe.largest_side), workers=workers, batch_size=None)
        room, used = SHARE_OF_FREE_MEMORY * free_bytes(device), 0
        decoded: list[Tensor] = []
        for picture in loader:
            used += picture.numel()
            if used > room:
                estimate = used / (len(decoded) + 1) * len(self.pictures.entries)
                raise MemoryError(
                    f"{len(self.pictures.entries)} pictures need about {estimate / 1e9:.1f} GB, {device} has room for "
                    f"{room / 1e9:.1f} GB: leave --cache out, or lower --crop or the scales"
                )
            decoded.append(picture.clone())  # out of the worker's shared memory
        return decoded

    def __len__(self) -> int:
        return len(self._heights)

    @property
    def nbytes(self) -> int:
        """Memory that the pictures take."""
        return self._pixels.numel()

    @property
    def broken(self) -> int:
        """See `train.crops.Crops.broken`."""
        return self.pictures.broken

    def picture(self, index: int) -> Tensor:
        """Picture `index` as kept, (3, H, W) uint8 on the device."""
        height, width = int(self._heights[index]), int(self._widths[index])
        offset = int(self._offsets[index])
        return self._pixels[offset : offset + 3 * height * width].view(3, height, width)

    def whole(self, index: int, shortest_side: int) -> Tensor:
        """See `train.crops.NumberedCrops.whole`; on the device."""
        picture = self.picture(index)[None].float() / 255
        k = shortest_side / min(picture.shape[2:])
        size = [max(round(side * k), shortest_side) for side in picture.shape[2:]]
        return F.interpolate(picture, size, mode="bicubic", antialias=True)[0].clamp_(0, 1)

    def batches(self, steps: range, *, batch: int, share: Share) -> Iterator[Tensor]:
        """See `Crops.batches`; the tensors are on the device."""
        for step in steps:
            yield self.crops(share.numbers(step, batch))

    def crops(self, numbers: range) -> Tensor:
        """The samples of these numbers, (N, 3, crop, crop) uint8 on the device."""
        recipe = self.sampler.recipe
        rows = [self._place(n) for n in numbers]
        table = torch.tensor(rows, dtype=torch.float64)
        offsets, heights, widths = (v[table[:, 0].long()] for v in (self._offsets, self._heights, self._widths))
        fixed = recipe.scale_min == recipe.scale_max
        taps = recipe.crop_px if fixed else 2 * recipe.crop_px
        steps = torch.arange(taps, dtype=torch.float64)
        pitch = table[:, 1:2] * (1 if fixed else 0.5)
        along_x = table[:, 2:3] + (steps + 0.5) * pitch - 0.5
        along_y = table[:, 3:4] + (steps + 0.5) * pitch - 0.5
        along_x = torch.where(table[:, 4:5] > 0, along_x.flip(1), along_x)
        pixels = self._sample(offsets, heights, widths, along_y, along_x)
        return (pixels if fixed else F.avg_pool2d(pixels, 2)).round_().to(torch.uint8)

    def _place(self, n: int) -> tuple[float, ...]:
        """Picture, kept pixels per pixel of the crop, left, top (in kept pixels), mirrored."""
        index, crop = self.sampler.picture(n), self.sampler.crop(n)
        height, width = int(self._heights[index]), int(self._widths[index])
        ratio = min(height, width) / crop.side
        left, top = crop.corner(round(width / ratio), round(height / ratio), self.sampler.recipe.crop_px)
        return index, ratio, left * ratio, top * ratio, crop.mirrored

    def _sample(self, offsets: Tensor, heights: Tensor, widths: Tensor, ys: Tensor, xs: Tensor) -> Tensor:
        """Bilinear samples (N, 3, len ys, len xs) float32, 0 to 255, at pixel coordinates (N, taps)."""
        device = self._pixels.device
        heights, widths = heights[:, None], widths[:, None]
        ys, xs = (torch.minimum(v.clamp_min(0), size - 1) for v, size in ((ys, heights), (xs, widths)))
        top, left = ys.floor().long(), xs.floor().long()
        bottom, right = torch.minimum(top + 1, heights - 1), torch.minimum(left + 1, widths - 1)
        planes = offsets[:, None] + torch.arange(3) * (heights * widths)
        fy, fx = ((v - v.floor()).float().to(device, non_blocking=True) for v in (ys, xs))
        planes = planes.to(device, non_blocking=True)[:, :, None, None]
        rows = [(v * widths).to(device, non_blocking=True)[:, None, :, None] for v in (top, bottom)]
        columns = [v.to(device, non_blocking=True)[:, None, None, :] for v in (left, right)]
        fy, fx = fy[:, None, :, None], fx[:, None, None, :]
        upper, lower = (
            torch.lerp(
                self._pixels[planes + row + columns[0]].float(), self._pixels[planes + row + columns[1]].float(), fx
            )
            for row in rows
        )
        return torch.lerp(upper, lower, fy)
