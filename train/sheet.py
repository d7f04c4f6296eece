"""What an evaluation leaves: the table of what was measured, and the sheet of paintings side by side."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from livestyle.frame import Picture
from livestyle.meters import percentiles_ms
from train.metrics import Scores, WarpingError

MAX_WIDTH_PX = 2400
MAX_CELL_PX = 400
MARGIN_PX, GAP_PX, GROUP_GAP_PX = 24, 8, 20
"""Around the sheet, between cells, and between what goes in and the paintings."""
TALLEST, FLATTEST = 1.4, 0.5
"""A cell's height as a multiple of its width follows the photograph, within these limits."""
HEAD = (
    *("system", "palette", "pairs", "content", "style", "style median", "SSIM"),
    *("warping", "of the input", "ms p50", "ms p95"),
)
INPUTS = ("photograph", "artwork")
PAPER, INK, ABSENT = (250, 249, 246), (40, 40, 44), (232, 230, 225)


@dataclass
class Record:
    """What has been measured of one system."""

    system: str
    palette: bool | None
    """Whether the palette step was on; None for pictures that another program made."""
    scores: list[Scores] = field(default_factory=list)
    """One a painting."""
    clips: dict[str, WarpingError] = field(default_factory=dict)
    """By the clip's name."""
    times_ms: list[float] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """What was missing or broken, in a line each."""

    @property
    def label(self) -> str:
        """The system's name, and whether its colours are the palette step's."""
        return self.system if self.palette is None else f"{self.system}, palette {'on' if self.palette else 'off'}"

    def figures(self) -> dict[str, float | None]:
        """Means over pairs and over clips; None where nothing was measured."""
        p50_ms, p95_ms = percentiles_ms(self.times_ms)
        styles, clips = [s.style for s in self.scores], self.clips.values()
        figures = {
            "content": _mean([s.content for s in self.scores]),
            "style": _mean(styles),
            "style_median": float(np.median(styles)) if styles else math.nan,
            "ssim": _mean([s.ssim for s in self.scores]),
            "warping": _mean([c.output for c in clips]),
            "warping_input": _mean([c.input for c in clips]),
            "p50_ms": p50_ms,
            "p95_ms": p95_ms,
        }
        return {name: round(value, 6) if math.isfinite(value) else None for name, value in figures.items()}

    def as_json(self) -> dict[str, Any]:
        """Everything of it, single clips included."""
        head = {"system": self.system, "palette": self.palette, "pairs": len(self.scores)}
        clips = {name: error._asdict() for name, error in self.clips.items()}
        return head | self.figures() | {"clips": clips, "left_out": self.left_out}


def table(records: Sequence[Record]) -> str:
    """A Markdown table that also reads well as text; "-" where nothing was measured."""
    lines = [HEAD, *(_cells(record) for record in records)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    padded = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    padded.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join("| " + " | ".join(line) + " |" for line in padded)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _cells(record: Record) -> tuple[str, ...]:
    palette = {True: "on", False: "off", None: "-"}[record.palette]
    digits = (3, 3, 3, 3, 4, 4, 1, 1)
    numbers = zip(record.figures().values(), digits, strict=True)
    return (record.system, palette, str(len(record.scores)), *("-" if v is None else f"{v:.{d}f}" for v, d in numbers))


def write_tables(folder: Path, protocol: Mapping[str, Any], records: Sequence[Record]) -> str:
    """Write table.md and table.json; returns the former's text. Raises OSError."""
    lines = [
        "{photographs} photographs x {artworks} artworks, shorter side {side_px} px; measured with {measured_with}.",
        "ms per frame: the network alone at {timed_px}, {timed_runs} runs; painted and timed on {device}, {precision}.",
    ]
    if protocol["clips"]:
        lines.append("Clips: {clips}, in the style {clip_style}; frames of each: {clip_frames}.")
    said = "  \n".join(lines).format(**protocol)
    text = f"{said}\n\n{table(records)}\n"
    rows = [record.as_json() for record in records]
    _write(folder / "table.json", json.dumps({"protocol": dict(protocol), "rows": rows}, indent=1) + "\n")
    _write(folder / "table.md", text)
    return text


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def draw_sheet(systems: Sequence[str], rows: Sequence[Sequence[Picture | None]]) -> Picture:
    """Rows of a photograph, an artwork and each system's painting, labelled: HxWx3 uint8 RGB.

    rows: HxWx3 uint8 RGB of any sizes, shown whole; None where a system has no painting. At most
    2400 px wide.
    """
    names = (*INPUTS, *systems)
    gaps = [0, GAP_PX, GROUP_GAP_PX, *[GAP_PX] * (len(systems) - 1)]
    cell = min(MAX_CELL_PX, (MAX_WIDTH_PX - 2 * MARGIN_PX - sum(gaps)) // len(names))
    lefts = [MARGIN_PX + i * cell + sum(gaps[: i + 1]) for i in range(len(names))]
    heights = [_cell_height(row[0], cell) for row in rows]
    font = ImageFont.load_default(max(12, min(22, cell // 14)))
    top = MARGIN_PX + round(font.size * 1.6) if isinstance(font, ImageFont.FreeTypeFont) else 2 * MARGIN_PX
    size = (lefts[-1] + cell + MARGIN_PX, top + sum(heights) + GAP_PX * (len(rows) - 1) + MARGIN_PX)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for left, name in zip(lefts, names, strict=True):
        pen.text((left + cell // 2, top - GAP_PX), _fitted(name, font, cell), fill=INK, font=font, anchor="ms")
    for row, height in zip(rows, heights, strict=True):
        for left, rgb in zip(lefts, row, strict=True):
            _place(sheet, rgb, (left, top, left + cell, top + height), font)
        top += height + GAP_PX
    return np.array(sheet)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Box = tuple[int, int, int, int]


def _cell_height(photograph: Picture | None, cell: int) -> int:
    shape = 1.0 if photograph is None else photograph.shape[0] / photograph.shape[1]
    return round(cell * min(TALLEST, max(FLATTEST, shape)))


def _fitted(text: str, font: Font, width: int) -> str:
    """The text, cut off with dots where it is too long."""
    if font.getlength(text) <= width:
        return text
    while len(text) > 1 and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."


def _place(sheet: Image.Image, rgb: Picture | None, box: Box, font: Font) -> None:
    """Show a picture whole in the middle of its cell, or say that there is none."""
    left, top, right, bottom = box
    middle = ((left + right) // 2, (top + bottom) // 2)
    if rgb is None:
        pen = ImageDraw.Draw(sheet)
        pen.rectangle((left, top, right - 1, bottom - 1), fill=ABSENT)
        pen.text(middle, "missing", fill=INK, font=font, anchor="mm")
        return
    height, width = rgb.shape[:2]
    k = min((right - left) / width, (bottom - top) / height)
    size = (max(1, round(width * k)), max(1, round(height * k)))
    picture = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
    sheet.paste(picture, (left + (right - left - size[0]) // 2, top + (bottom - top - size[1]) // 2))
