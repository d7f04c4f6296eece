"""Tables of a TOML file that say looks: where their lines are, and regions in them, read and written.

What a table's other keys are is for those who have the file: `livestyle.show.presets` and `livestyle.script.cues`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from livestyle.errors import LivestyleError, SettingError, SourceError
from livestyle.looks.masks import ORIGINAL, Layout, Split, layout_of, read_mask, split_of, style_of
from livestyle.looks.style_weights import StyleWeights, normalised

REGION_KEYS = ("regions", "edge", "mask")
Called = Callable[[str], str]
"""What a file calls a style of this run: its name, or an image file."""


class Place:
    """Where a table is in a file, for messages."""

    def __init__(self, path: Path, lines: Sequence[str], header: int) -> None:
        """lines: of the whole file. header: number of the table's first line, from 1; 0 is before all tables."""
        self.folder = path.parent
        self._path, self._lines, self._header = path, lines, header

    @contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """Put file and line of a key of this table, the first of these that is there, before an error's message.

        Raises SourceError for a file that cannot be read, SettingError for all else.
        """
        try:
            yield
        except LivestyleError as error:
            kind = SourceError if isinstance(error, SourceError) else SettingError
            raise kind(f"{self._path}, line {self._line(keys)}: {error}") from None

    def _line(self, keys: Sequence[str]) -> int:
        """The key's line; where none is there the table's."""
        end = next((n for n in range(self._header, len(self._lines)) if header_name(self._lines[n])), len(self._lines))
        for key in keys:
            for number in range(self._header, end):
                if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", self._lines[number]):
                    return number + 1
        return max(1, self._header)


def header_name(line: str) -> str | None:
    """The name in a table's first line, with a bracket before it in an array of tables; None for other lines."""
    found = re.match(r"\s*\[\s*([\"']?)(.+?)\1\s*\]", line)
    return found[2] if found else None


def read_regions(table: Mapping[str, Any], folder: Path) -> Layout | None:
    """The regions of a look, of a mask file or of a split; None where it has none.

    folder: where a mask's name begins. Raises SettingError, SourceError.
    """
    regions = table.get("regions")
    if regions is None:
        if "mask" in table or "edge" in table:
            raise SettingError('mask and edge need regions, as in regions = {left = "wave", right = "scream"}')
        return None
    if not isinstance(regions, Mapping) or not all(isinstance(style, (str, Mapping)) for style in regions.values()):
        raise SettingError(f'regions {regions!r}: write regions = {{left = "wave", right = "original"}}')
    if "style" in table:
        raise SettingError("style and regions exclude each other: give one of them")
    styles = {name: style_of(style) if isinstance(style, str) else read_blend(style) for name, style in regions.items()}
    mask = table.get("mask")
    if mask is None:
        edge = read_number(table, "edge", 0.5)
        return layout_of(lambda names: split_of(names, ",".join(names), edge), styles)
    if not isinstance(mask, str):
        raise SettingError(f'mask {mask!r}: write a file\'s name in quotes, as in mask = "mask.png"')
    return layout_of(lambda names: read_mask(folder / mask, names), styles)


def read_blend(weights: Mapping[str, Any]) -> StyleWeights:
    """A blend that is written as a table of styles and weights. Raises SettingError."""
    return normalised((name, read_weight(name, weight)) for name, weight in weights.items())


def read_weight(name: str, value: object) -> float:
    """A style's weight in a blend. Raises SettingError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingError(f"weight {value!r} of style {name!r}: write a number, as in {{wave = 0.7, scream = 0.3}}")
    return float(value)


def read_number(table: Mapping[str, Any], key: str, default: float) -> float:
    """A number from 0 to 1. Raises SettingError."""
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingError(f"{key} {value!r}: write a number from 0 to 1, as in {key} = 0.8")
    if not 0 <= value <= 1:
        raise SettingError(f"{key} {value} is out of range: 0 to 1")
    return float(value)


def regions_lines(
    layout: Layout, styles: tuple[StyleWeights | None, ...], written: Callable[[StyleWeights], str]
) -> list[str]:
    """The lines of a table that `read_regions` reads; `written` says how styles are."""
    area = layout.area
    pairs = ", ".join(
        f"{quoted(region)} = {quoted(ORIGINAL) if weights is None else written(weights)}"
        for region, weights in zip(area.names, styles, strict=True)
    )
    place = f"edge = {float(area.edge)!r}" if isinstance(area, Split) else f"mask = {quoted(str(area.path.resolve()))}"
    return [f"regions = {{{pairs}}}", place]


def blend_line(weights: StyleWeights, called: Called) -> str:
    """A blend as a table that `read_blend` reads: any file name can be in it."""
    return f"{{{', '.join(f'{_key(called(name))} = {weight!r}' for name, weight in weights)}}}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def quoted(text: str) -> str:
    """As a TOML string."""
    return json.dumps(text, ensure_ascii=False)
