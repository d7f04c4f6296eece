"""Previews: the demo photograph painted in a style, by livestyle itself."""

from __future__ import annotations

from livestyle.assets import asset_dir
from livestyle.engine import Engine
from livestyle.looks.bank import Bank, BankEntry
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painter
from livestyle.sinks.images import save_image
from livestyle.sources.images import load_image

PREVIEW_SIDE_PX = 256


def paint_preview(engine: Engine, bank: Bank, entry: BankEntry) -> None:
    """Write the entry's preview picture. Raises OutputError."""
    photograph = load_image(asset_dir("media") / "astronaut.jpg")
    painter = Painter(engine, bank, size=PREVIEW_SIDE_PX)
    painting = painter.paint(photograph, Look(((entry.info.name, 1.0),)))
    save_image(entry.preview, painting.rgb)
