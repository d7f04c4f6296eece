"""Looks with a name, in looks.toml in the person's config folder.

    [F1]                        # on the key F1; any other name is for --look
    style = "wave:0.7,scream:0.3"
    alpha = 0.8

    [F2]                        # two sides; the regions of a mask have its colours for names
    regions = {left = "wave", right = "original"}
    edge = 0.4

A style may be an image file with its whole path; `style = {"/home/me/sea, calm.jpg" = 0.7, wave = 0.3}` takes any
file name. Storing a look replaces its table and leaves the rest of the file as the person wrote it. Style names
are not looked up here: the bank may have changed since.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs

from livestyle.errors import LivestyleError, OutputError, SettingError, SourceError, nearest_names
from livestyle.looks.look import Look
from livestyle.looks.style_weights import StyleWeights, parse_style_weights
from livestyle.looks.tables import (
    REGION_KEYS,
    Called,
    Place,
    blend_line,
    header_name,
    quoted,
    read_blend,
    read_number,
    read_regions,
    regions_lines,
)
from livestyle.show.state import Show

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FLAGS = ("preserve_color", "palette", "mirror")
KEYS = ("style", "alpha", "stability", *FLAGS, *REGION_KEYS)


def looks_path() -> Path:
    """Where the looks are kept."""
    return Path(platformdirs.user_config_dir("livestyle", appauthor=False)) / "looks.toml"


def read_looks(path: Path, say: Callable[[str], None]) -> dict[str, Look]:
    """The looks in a file by name; none where there is no file. Raises SettingError with file and line.

    A look whose mask cannot be read is left out, which is said in one line.
    """
    looks, unreadable = _looks(path)
    for error in unreadable.values():
        say(f"left out: {error}")
    return looks


def _looks(path: Path) -> tuple[dict[str, Look], dict[str, SourceError]]:
    """The looks by name, and why others, whose mask cannot be read, are not among them. Raises SettingError."""
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: {error}: correct it, or remove the file") from None
    lines = text.splitlines()
    headers = {name: number for number, line in enumerate(lines, 1) if (name := header_name(line)) is not None}
    looks: dict[str, Look] = {}
    unreadable: dict[str, SourceError] = {}
    for name, table in tables.items():
        try:
            looks[name] = _look(Place(path, lines, headers.get(name, 0)), name, table)
        except SourceError as error:
            unreadable[name] = error
    return looks, unreadable


def find_look(name: str, path: Path) -> Look:
    """The look of that name. Raises SettingError when there is none, SourceError when its mask cannot be read."""
    looks, unreadable = _looks(path)
    if name in looks:
        return looks[name]
    if name in unreadable:
        raise unreadable[name]
    there = f"has {nearest_names(name, list(looks))}" if looks else "has none yet"
    raise SettingError(f"look {name!r}: {path} {there}; in the window of `livestyle live` w and F1 store one as F1")


def save_look(path: Path, name: str, look: Look, called: Called = str) -> None:
    """Write a look into a file, in place of the one of that name, atomically. called: what the file calls a style.

    Raises OutputError, also where the file's text leaves no place for the look; the file is as it was then.
    """
    part = path.with_suffix(f".{os.getpid()}.part")
    table = _table(name, look, called)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = _text(path)
        after = _replaced(before, name, table)
        if not _has_only_this_changed(before, after, table):
            raise OutputError(
                f"look {name} cannot be saved in {path}: the file is damaged, or has {name} written in another way "
                f"than as one table [{name}]; correct it there"
            )
        part.write_text(after, encoding="utf-8", errors="replace")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OutputError(
            f"look {name} cannot be saved in {path} ({error.strerror or error}): check space and permissions"
        ) from None


class Keeper:
    """Saves looks that a show has stored; to be called with the show's state again and again."""

    def __init__(self, path: Path, looks: Mapping[str, Look], called: Called = str) -> None:
        """looks: those in the file. called: what it calls a style of this run."""
        self._path, self._saved, self._called = path, dict(looks), called

    def __call__(self, show: Show, now_seconds: float) -> Show:
        """The state; with a message where a look could not be saved."""
        for name, look in show.looks.items():
            if self._saved.get(name) is look:
                continue
            self._saved[name] = look
            try:
                save_look(self._path, name, look, self._called)
            except LivestyleError as error:
                return replace(show, message=str(error))
        return show


def _look(place: Place, name: str, table: object) -> Look:
    if not isinstance(table, dict):
        with place.at(name):
            raise SettingError(f"{name} is outside a look: begin one with its name, as in [F1]")
    for key in table:
        with place.at(key):
            if key not in KEYS:
                raise SettingError(f"{key!r} in look {name}: choose {', '.join(KEYS)}")
    with place.at("regions"):
        layout = read_regions(table, place.folder)
    with place.at("style"):
        weights = _weights(table) if layout is None else layout.focused_styles
    options: dict[str, Any] = {}
    for flag in FLAGS:
        with place.at(flag):
            options |= _flag(table, flag)
    with place.at("stability"):
        options["stability"] = read_number(table, "stability", 0.5)
    with place.at("alpha"):
        return Look(weights, read_number(table, "alpha", 1.0), **options, layout=layout)


def _weights(table: dict[str, Any]) -> StyleWeights:
    style = table.get("style")
    if isinstance(style, dict):
        return read_blend(style)
    if not isinstance(style, str):
        raise SettingError(f'style {style!r}: write a name or a blend in quotes, as in style = "wave:0.7,scream:0.3"')
    return parse_style_weights(style)


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


def _has_only_this_changed(before: str, after: str, table: list[str]) -> bool:
    """Whether the text after can be read, and has this table and all others as they were."""
    try:
        return bool(tomllib.loads(after) == tomllib.loads(before) | tomllib.loads("\n".join(table)))
    except tomllib.TOMLDecodeError:
        return False


def _replaced(text: str, name: str, table: list[str]) -> str:
    """The file's text with this as the table `name`."""
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if header_name(line) is not None]
    start = next((n for n in starts if header_name(lines[n]) == name), len(lines))
    end = next((n for n in starts if n > start), len(lines))
    before, after = lines[:start], lines[end:]
    if before and before[-1].strip():
        before.append("")
    return "\n".join([*before, *table, *([""] if after else []), *after]) + "\n"


def _table(name: str, look: Look, called: Called) -> list[str]:
    lines = [f"[{quoted(name) if ' ' in name else name}]", *_area(look, called)]
    lines += [f"alpha = {look.alpha:g}", f"stability = {look.stability:g}"]
    return lines + [f"{flag} = {str(getattr(look, flag)).lower()}" for flag in FLAGS]


def _area(look: Look, called: Called) -> list[str]:
    """The lines about styles and regions."""
    if look.layout is None:
        return [f"style = {_style(look.weights, called)}"]
    return regions_lines(look.layout, look.region_styles, lambda weights: _style(weights, called))


def _style(weights: StyleWeights, called: Called) -> str:
    """As a person would write it; with file names that this does not allow as a table."""
    pairs = [(called(style), weight) for style, weight in weights]
    if any(re.search("[,:]", style) for style, _ in pairs):
        return blend_line(weights, called)
    return quoted(pairs[0][0] if len(pairs) == 1 else ",".join(f"{style}:{weight:.4g}" for style, weight in pairs))
