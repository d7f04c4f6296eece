"""Looks with a name, in looks.toml in the person's config folder.

    [F1]                        # on the key F1; any other name is for --look
    style = "wave:0.7,scream:0.3"
    alpha = 0.8

    [F2]                        # two sides; the regions of a mask have its colours for names
    regions = {left = "wave", right = "original"}
    edge = 0.4

Storing a look replaces its table and leaves the rest of the file as the person wrote it. Style names
are not looked up here: the bank may have changed since.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs

from livestyle.errors import LivestyleError, OutputError, SettingError
from livestyle.masks import ORIGINAL, Layout, Split, layout_of, read_mask, split_of, style_of
from livestyle.settings import Look, StyleWeights, nearest_names, parse_style_weights
from livestyle.show import Show

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FLAGS = ("preserve_color", "palette", "mirror")
KEYS = ("style", "alpha", "stability", *FLAGS, "regions", "edge", "mask")


def looks_path() -> Path:
    """Where the looks are kept."""
    return Path(platformdirs.user_config_dir("livestyle", appauthor=False)) / "looks.toml"


def read_looks(path: Path) -> dict[str, Look]:
    """The looks in a file by name; none where there is no file. Raises SettingError with file and line."""
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: {error}: correct it, or remove the file") from None
    return {name: _look(_Place(path, text, name), table) for name, table in tables.items()}


def find_look(name: str, path: Path) -> Look:
    """The look of that name. Raises SettingError when there is none."""
    looks = read_looks(path)
    if name in looks:
        return looks[name]
    there = f"has {nearest_names(name, list(looks))}" if looks else "has none yet"
    raise SettingError(f"look {name!r}: {path} {there}; in the window of `livestyle live` w and F1 store one as F1")


def save_look(path: Path, name: str, look: Look) -> None:
    """Write a look into a file, in place of the one of that name, atomically. Raises OutputError."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(_replaced(_text(path), name, look), encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OutputError(
            f"look {name} cannot be saved in {path} ({error.strerror or error}): check space and permissions"
        ) from None


class Keeper:
    """Saves looks that a show has stored; to be called with the show's state again and again."""

    def __init__(self, path: Path, looks: Mapping[str, Look]) -> None:
        """looks: those in the file."""
        self._path, self._saved = path, dict(looks)

    def __call__(self, show: Show, now_seconds: float) -> Show:
        """The state; with a message where a look could not be saved."""
        for name, look in show.looks.items():
            if self._saved.get(name) is look:
                continue
            self._saved[name] = look
            try:
                save_look(self._path, name, look)
            except LivestyleError as error:
                return replace(show, message=str(error))
        return show


class _Place:
    """Where a look is in a file, for messages."""

    def __init__(self, path: Path, text: str, name: str) -> None:
        self.name = name
        self.folder = path.parent
        self._path, self._text = path, text

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """Put file and line of a key of this look before an error's message."""
        try:
            yield
        except LivestyleError as error:
            raise SettingError(f"{self._path}, line {self._line(key)}: {error}") from None

    def _line(self, key: str) -> int:
        """The key's line; where it is not there the table's."""
        table = 1
        inside = False
        for number, line in enumerate(self._text.splitlines(), 1):
            header = _header(line)
            if header is not None:
                inside = header == self.name
                table = number if inside else table
            elif (inside or key == self.name) and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return table


def _look(place: _Place, table: object) -> Look:
    if not isinstance(table, dict):
        with place.at(place.name):
            raise SettingError(f"{place.name} is outside a look: begin one with its name, as in [F1]")
    for key in table:
        with place.at(key):
            if key not in KEYS:
                raise SettingError(f"{key!r} in look {place.name}: choose {', '.join(KEYS)}")
    with place.at("regions"):
        layout = _layout(place, table)
    with place.at("style"):
        weights = _weights(table) if layout is None else layout.focused_styles
    options: dict[str, Any] = {}
    for flag in FLAGS:
        with place.at(flag):
            options |= _flag(table, flag)
    with place.at("stability"):
        options["stability"] = _number(table, "stability", 0.5)
    with place.at("alpha"):
        return Look(weights, _number(table, "alpha", 1.0), **options, layout=layout)


def _layout(place: _Place, table: dict[str, Any]) -> Layout | None:
    """The regions of a look, of a mask file or of a split."""
    regions = table.get("regions")
    if regions is None:
        if "mask" in table or "edge" in table:
            raise SettingError('mask and edge need regions, as in regions = {left = "wave", right = "scream"}')
        return None
    if not isinstance(regions, dict) or not all(isinstance(style, str) for style in regions.values()):
        raise SettingError(f'regions {regions!r}: write regions = {{left = "wave", right = "original"}}')
    if "style" in table:
        raise SettingError("style and regions exclude each other: give one of them")
    styles = {name: style_of(style) for name, style in regions.items()}
    mask = table.get("mask")
    if mask is None:
        edge = _number(table, "edge", 0.5)
        return layout_of(lambda names: split_of(names, ",".join(names), edge), styles)
    if not isinstance(mask, str):
        raise SettingError(f'mask {mask!r}: write a file\'s name in quotes, as in mask = "mask.png"')
    return layout_of(lambda names: read_mask(place.folder / mask, names), styles)


def _weights(table: dict[str, Any]) -> StyleWeights:
    style = table.get("style")
    if not isinstance(style, str):
        raise SettingError(f'style {style!r}: write a name or a blend in quotes, as in style = "wave:0.7,scream:0.3"')
    return parse_style_weights(style)


def _number(table: dict[str, Any], key: str, default: float) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingError(f"{key} {value!r}: write a number from 0 to 1, as in {key} = 0.8")
    if not 0 <= value <= 1:
        raise SettingError(f"{key} {value} is out of range: 0 to 1")
    return float(value)


def _flag(table: dict[str, Any], key: str) -> dict[str, bool]:
    if key not in table:
        return {}
    if not isinstance(table[key], bool):
        raise SettingError(f"{key} {table[key]!r}: write true or false, as in {key} = true")
    return {key: table[key]}


def _text(path: Path) -> str:
    """What the file has; "" where there is none. Raises SettingError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} cannot be read ({error}): correct it, or remove the file") from None


def _header(line: str) -> str | None:
    """The name in a table's first line; None for other lines."""
    found = re.match(r"\s*\[\s*([\"']?)(.+?)\1\s*\]", line)
    return found[2] if found else None


def _replaced(text: str, name: str, look: Look) -> str:
    """The file's text with this look as the table `name`."""
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if _header(line) is not None]
    start = next((n for n in starts if _header(lines[n]) == name), len(lines))
    end = next((n for n in starts if n > start), len(lines))
    before, after = lines[:start], lines[end:]
    if before and before[-1].strip():
        before.append("")
    return "\n".join([*before, *_table(name, look), *([""] if after else []), *after]) + "\n"


def _table(name: str, look: Look) -> list[str]:
    lines = [f"[{_quoted(name) if ' ' in name else name}]", *_area(look)]
    lines += [f"alpha = {look.alpha:g}", f"stability = {look.stability:g}"]
    return lines + [f"{flag} = {str(getattr(look, flag)).lower()}" for flag in FLAGS]


def _area(look: Look) -> list[str]:
    """The lines about styles and regions."""
    if look.layout is None:
        return [f"style = {_quoted(_style(look.weights))}"]
    area = look.layout.area
    regions = zip(area.names, look.region_styles, strict=True)
    pairs = ", ".join(f"{_quoted(region)} = {_quoted(_style(weights))}" for region, weights in regions)
    place = f"edge = {area.edge:.4g}" if isinstance(area, Split) else f"mask = {_quoted(str(area.path.resolve()))}"
    return [f"regions = {{{pairs}}}", place]


def _style(weights: StyleWeights | None) -> str:
    if weights is None:
        return ORIGINAL
    return weights[0][0] if len(weights) == 1 else ",".join(f"{style}:{weight:.4g}" for style, weight in weights)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
