"""The overlay of numbers, help and messages. Pure: it draws on a copy, never on the clean picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from livestyle.frame import Picture

PAD_PX = 8
SHADE = 0.38
"""How much of the picture shines through a panel."""
MIN_TEXT_PX = 9
"""Lines too long for the window are written smaller, but not smaller than this."""


@dataclass(frozen=True)
class Overlay:
    """What to draw. Lines are top-left, help is a two-column table, the message bottom-centre."""

    lines: tuple[str, ...] = ()
    help: tuple[tuple[str, str], ...] = ()
    message: str = ""
    corners: tuple[str, ...] = ()
    """Top left, top right, bottom left and bottom right, or nothing."""


HIDDEN_BELOW_MS = 0.5


def size_text(width: int, height: int, working_size: tuple[int, int] | None) -> str:
    """The size of a painting, and the one it was made at where that is another. All in pixels."""
    text = f"{width}x{height}"
    if working_size is None or working_size == (width, height):
        return text
    return f"{text} painted at {working_size[0]}x{working_size[1]}"


def stages_text(stage_ms: Mapping[str, float]) -> str:
    """Where the time goes, in whole milliseconds; stages that take next to none are left out."""
    shown = [f"{stage} {ms:.0f}" for stage, ms in stage_ms.items() if ms >= HIDDEN_BELOW_MS]
    return "  ".join(shown) + " ms" if shown else ""


@lru_cache(maxsize=8)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def text_size_px(height: int) -> int:
    """Font size for a picture of this many lines."""
    return int(min(30, max(11, height / 26)))


def draw(rgb: Picture, overlay: Overlay) -> Picture:
    """A copy of the picture (HxWx3 uint8 RGB) with the overlay on it."""
    out: Picture = rgb.copy()
    size = text_size_px(out.shape[0])
    if overlay.lines:
        fitting = _fitting_size(overlay.lines, size, out.shape[1] - 4 * PAD_PX)
        _panel(out, _render(overlay.lines, fitting), x=PAD_PX, y=PAD_PX)
    if overlay.help:
        table = _fitting_table(overlay.help, size, out.shape[0], out.shape[1])
        _panel(out, table, x=(out.shape[1] - table.shape[1]) // 2, y=(out.shape[0] - table.shape[0]) // 2)
    for n, label in enumerate(overlay.corners):
        text = _render((label,), size)
        right, bottom = out.shape[1] - text.shape[1] - PAD_PX, out.shape[0] - text.shape[0] - PAD_PX
        _panel(out, text, x=right if n % 2 else PAD_PX, y=bottom if n >= 2 else PAD_PX)
    if overlay.message:
        text = _render((overlay.message,), size)
        _panel(out, text, x=(out.shape[1] - text.shape[1]) // 2, y=out.shape[0] - text.shape[0] - PAD_PX)
    return out


def _fitting_size(lines: Sequence[str], size_px: int, width_px: int) -> int:
    """The font size at which the lines are no wider than that: `size_px`, or less down to MIN_TEXT_PX."""
    fitting = (size for size in range(size_px, MIN_TEXT_PX, -1) if _width_px(lines, size) <= width_px)
    return next(fitting, MIN_TEXT_PX)


def _width_px(lines: Sequence[str], size_px: int) -> int:
    return max(math.ceil(_font(size_px).getlength(line)) for line in lines)


@lru_cache(maxsize=16)
def _render(lines: tuple[str, ...], size_px: int) -> np.ndarray:
    """Text as an HxW float32 coverage mask in [0, 1], one line under the other."""
    font = _font(size_px)
    step = round(size_px * 1.35)
    mask = Image.new("L", (_width_px(lines, size_px) + 2 * PAD_PX, step * len(lines) + PAD_PX))
    pen = ImageDraw.Draw(mask)
    for i, line in enumerate(lines):
        pen.text((PAD_PX, PAD_PX // 2 + i * step), line, fill=255, font=font)
    return np.asarray(mask, dtype=np.float32) / 255


@lru_cache(maxsize=4)
def _table(rows: tuple[tuple[str, str], ...], size_px: int) -> np.ndarray:
    """Rows of (key, meaning) in two columns of rows, as a coverage mask."""
    half = (len(rows) + 1) // 2
    blocks = []
    for part in (rows[:half], rows[half:]):
        keys = _render(tuple(key for key, _ in part), size_px)
        words = _render(tuple(word for _, word in part), size_px)
        blocks.append(np.hstack([keys, words]))
    height = max(b.shape[0] for b in blocks)
    return np.hstack([np.pad(b, ((0, height - b.shape[0]), (0, 0))) for b in blocks])


def _fitting_table(rows: Sequence[tuple[str, str]], size_px: int, height: int, width: int) -> np.ndarray:
    """The table in the largest type that fits the picture (cut off below 8 px)."""
    for size in range(size_px, 7, -1):
        table = _table(tuple(rows), size)
        if table.shape[0] <= height and table.shape[1] <= width:
            break
    return table[:height, :width]


def _panel(out: Picture, mask: np.ndarray, *, x: int, y: int) -> None:
    """Darken the mask's rectangle of `out` and write the text in white, in place, clipped."""
    x, y = max(0, x), max(0, y)
    mask = mask[: out.shape[0] - y, : out.shape[1] - x]
    area = out[y : y + mask.shape[0], x : x + mask.shape[1]]
    coverage = mask[..., None]
    area[:] = (area * (SHADE * (1 - coverage)) + 255 * coverage).astype(np.uint8)
