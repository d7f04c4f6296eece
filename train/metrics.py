"""How good paintings and painted clips are, in numbers. Pure functions, and the encoder that they measure with.

They compare systems on the same pictures with the same encoder. What they do not know: taste. A blurred
painting scores well on temporal error, an unpainted photograph on content and SSIM; read them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from livestyle.errors import SourceError
from livestyle.frame import Picture
from livestyle.model.losses import LUMA, TapStats, structure_loss, style_loss
from livestyle.model.vgg import Taps, VGGEncoder
from livestyle.model.weights import WeightsEntry, load_into

SSIM_BORDER_PX = 5
"""Half of the 11x11 window: nearer to the border the window would reach outside."""
CLIP_LINES_PX = 360
"""Clips are compared at this shorter side."""
ROUND_TRIP_PX = 1.0
"""A pixel counts if the flow there and back returns it this closely (L1), as occluded ones do not."""


def content_distance(painting_relu4_1: Tensor, photograph_relu4_1: Tensor) -> float:
    """Mean squared distance of instance-normalised features; 0 is the photograph's own structure.

    Both (1, 512, h, w), any float dtype. Features less their mean over their std are what AdaIN (Huang &
    Belongie 2017, eq. 8) keeps of the photograph, so a system is not charged for the style's statistics.
    """
    return structure_loss(painting_relu4_1, photograph_relu4_1).item()


def style_distance(painting_taps: Sequence[Tensor], style: TapStats) -> float:
    """Mean squared distance of the channels' means plus that of their stds, summed over the four taps.

    Eq. 13 of Huang & Belongie 2017. painting_taps: relu1_1 to relu4_1, (1, C, h, w) each; style: the
    artwork's `tap_stats`. 0 or more.
    """
    return style_loss(painting_taps, style).item()


def ssim(a: Picture, b: Picture) -> float:
    """Structural similarity of luma (Wang et al. 2004, eq. 13): 1 for equal pictures, less the less they share.

    Both HxWx3 uint8 RGB of one size, at least 11 px a side. Gaussian window of 11x11 with sigma 1.5, only
    where it lies inside the picture; K1 = 0.01, K2 = 0.03. Raises ImportError without scikit-image.
    """
    from skimage.metrics import structural_similarity

    luma_a, luma_b = _luma(a), _luma(b)
    untyped: Any = structural_similarity
    _, similarity = untyped(
        luma_a, luma_b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    inside = slice(SSIM_BORDER_PX, -SSIM_BORDER_PX)
    return float(similarity[inside, inside].mean())


class WarpingError(NamedTuple):
    """Mean absolute change along the motion, as a fraction of white."""

    input: float
    """Of the clip itself: what noise, light and the flow's own error amount to."""
    output: float
    """Of the painted clip, along the motion in the input."""
    frames: int
    """Of the shorter of the two."""


def warping_error(inputs: Iterable[Picture], outputs: Iterable[Picture]) -> WarpingError:
    """How much a painted clip flickers (Lai et al. 2018, section 3.3, with the mean absolute difference).

    inputs, outputs: frames in order, HxWx3 uint8 RGB, brought to a shorter side of 360 px of the first
    input's shape. Each frame is compared with the one before it, moved along the input's optical flow
    (DIS, Kroeger et al. 2016, medium), where the flow forth and back agrees and stays inside the picture.
    Frames without any such pixel (cuts) are passed over. Raises SourceError with fewer than two frames
    or nothing to compare.
    """
    errors: list[tuple[float, float]] = []
    frames = 0
    before: tuple[Picture, Picture] | None = None
    size: tuple[int, int] | None = None
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for frame, painted_frame in zip(inputs, outputs, strict=False):
        size = size or _compared_size(frame)
        now = _at(frame, size), _at(painted_frame, size)
        frames += 1
        if before:
            x, y, valid = _motion(flow, before[0], now[0])
            if valid.any():
                errors.append((_change(before[0], now[0], x, y, valid), _change(before[1], now[1], x, y, valid)))
        before = now
    if not errors:
        raise SourceError(f"{frames} frames with nothing to follow from one to the next: give a longer clip")
    input_error, output_error = np.mean(errors, axis=0)
    return WarpingError(float(input_error), float(output_error), frames)


class Scores(NamedTuple):
    """Of one painting."""

    content: float
    style: float
    ssim: float


class Judge:
    """Scores paintings with one encoder, always in full float32."""

    def __init__(self, entry: WeightsEntry, device: torch.device) -> None:
        """entry: a normalised encoder. Raises WeightsError."""
        self.device = device
        self.encoder = VGGEncoder(entry.arch).eval().requires_grad_(False)
        load_into(self.encoder, entry)
        self.encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def taps(self, rgb: Picture) -> Taps:
        """relu1_1 to relu4_1 of HxWx3 uint8 RGB."""
        # GPUs would round the factors of float32 convolutions to TF32.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            taps: Taps = self.encoder(as_batch(rgb, self.device, torch.float32))
        return taps

    def scores(self, painting: Picture, photograph: Picture, relu4_1: Tensor, style: TapStats) -> Scores:
        """Of a painting, which is brought to the photograph's size if it has another (Lanczos).

        relu4_1: the photograph's last of `taps`; style: `tap_stats` of the artwork's.
        """
        height, width = photograph.shape[:2]
        if painting.shape != photograph.shape:
            painting = np.array(Image.fromarray(painting).resize((width, height), Image.Resampling.LANCZOS))
        taps = self.taps(painting)
        return Scores(content_distance(taps[3], relu4_1), style_distance(taps, style), ssim(painting, photograph))


def as_batch(rgb: Picture, device: torch.device, dtype: torch.dtype) -> Tensor:
    """HxWx3 uint8 RGB as (1, 3, H, W) in [0, 1] on the device, channels last."""
    pixels = torch.from_numpy(np.require(rgb, requirements=["C", "W"])).to(device)
    return pixels.permute(2, 0, 1)[None].to(dtype).div_(255).contiguous(memory_format=torch.channels_last)


def _luma(rgb: Picture) -> NDArray[np.float64]:
    luma: NDArray[np.float64] = rgb.astype(np.float64) @ np.array(LUMA) / 255
    return luma


def _compared_size(rgb: Picture) -> tuple[int, int]:
    height, width = rgb.shape[:2]
    k = CLIP_LINES_PX / min(height, width)
    return round(width * k), round(height * k)


def _at(rgb: Picture, size: tuple[int, int]) -> Picture:
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


Map = NDArray[np.float32]


def _motion(flow: cv2.DISOpticalFlow, before: Picture, now: Picture) -> tuple[Map, Map, NDArray[np.bool_]]:
    """Where each pixel of `now` was in `before` (x, y in pixels), and where that can be believed."""
    grey_before, grey_now = (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in (before, now))
    # Without a start of our own each frame is on its own: the typing of OpenCV knows no None here.
    untyped: Any = flow
    backward, forward = untyped.calc(grey_now, grey_before, None), untyped.calc(grey_before, grey_now, None)
    height, width = grey_now.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x + backward[..., 0], y + backward[..., 1]
    returned = np.abs(backward + cv2.remap(forward, x, y, cv2.INTER_LINEAR)).sum(2) < ROUND_TRIP_PX
    return x, y, returned & (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)


def _change(before: Picture, now: Picture, x: Map, y: Map, valid: NDArray[np.bool_]) -> float:
    moved = cv2.remap(before, x, y, cv2.INTER_LINEAR).astype(np.float32)
    return float(np.abs(now.astype(np.float32) - moved).mean(2)[valid].mean()) / 255
