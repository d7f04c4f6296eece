"""A script: looks over the time of a file or a show, as cues in a TOML file.

    fade = 1.5          # seconds of crossfades that say nothing else; without this line 1

    [[cue]]
    at = "00:12.5"
    style = "wave"

`livestyle.script.cue_tables` tells what a cue may say. A Timeline is a script for one show, all of it checked. What it
says of a moment depends on the moment alone, so any part of a file can be painted anywhere.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livestyle.errors import SettingError
from livestyle.looks.look import Look
from livestyle.looks.tables import Place, header_name
from livestyle.script.cue_tables import RAMPED, read_cue
from livestyle.script.cues import Cue
from livestyle.show import values
from livestyle.show.state import Show

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FADE_SECONDS = 1.0


@dataclass(frozen=True)
class Script:
    """Cues in the order of their times."""

    cues: tuple[Cue, ...]
    fade_seconds: float = FADE_SECONDS

    @property
    def style_names(self) -> tuple[str, ...]:
        """All that the cues name."""
        return tuple(dict.fromkeys(name for cue in self.cues for name in cue.style_names))

    def with_styles(self, resolve: Callable[[str, Path], str]) -> Script:
        """With images made into styles. resolve: what a cue calls a style, and the script's folder, to its name.

        Raises SettingError with the line of a style that is not known.
        """
        names: dict[str, str] = {}
        for cue in self.cues:
            with cue.place.at("style", "blend", "regions"):
                names |= {name: resolve(name, cue.place.folder) for name in cue.style_names if name not in names}
        return replace(self, cues=tuple(cue.renamed(names) for cue in self.cues))


def read_script(path: Path) -> Script:
    """The script in a file. Raises SettingError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"script {path} cannot be read ({error}): give a TOML file with [[cue]] tables") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f'{path}: {error}: texts are in quotes, as in at = "00:12.5" and style = "wave"') from None
    lines = text.splitlines()
    top = Place(path, lines, 0)
    for key in document:
        with top.at(key):
            if key not in ("cue", "fade"):
                raise SettingError(f"{key!r} outside a cue: choose fade, or begin a cue with [[cue]]")
    with top.at("fade"):
        fade_seconds = values.number(document.get("fade", FADE_SECONDS), "fade", 0, 60)
    return Script(_cues(document.get("cue"), path, lines), fade_seconds)


def _cues(tables: object, path: Path, lines: list[str]) -> tuple[Cue, ...]:
    headers = [number for number, line in enumerate(lines, 1) if header_name(line) == "[cue"]
    with Place(path, lines, 0).at("cue"):
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise SettingError('a script needs cues: begin each with [[cue]], then at = "00:12.5" and style = "wave"')
        if len(headers) != len(tables):
            raise SettingError("write each cue as a table of its own that begins with [[cue]]")
    cues = tuple(read_cue(table, Place(path, lines, header)) for table, header in zip(tables, headers, strict=True))
    for before, cue in zip(cues, cues[1:], strict=False):
        with cue.place.at("at"):
            if cue.at_seconds < before.at_seconds:
                raise SettingError(
                    f"at {cue.at_seconds:g} s is before the last cue's {before.at_seconds:g} s: sort them"
                )
    return cues


@dataclass(frozen=True)
class Ramp:
    """A number of the look on its straight way from one value to another."""

    name: str
    start_seconds: float
    over_seconds: float
    low: float
    high: float

    def ended(self, at_seconds: float) -> bool:
        """Whether the second value is reached."""
        return at_seconds >= self.start_seconds + self.over_seconds

    def value(self, at_seconds: float) -> float:
        """At a moment from its start on."""
        if self.ended(at_seconds):
            return self.high
        return self.low + (self.high - self.low) * (at_seconds - self.start_seconds) / self.over_seconds


@dataclass(frozen=True)
class Moment:
    """What holds from one cue to the next."""

    show: Show
    ramps: tuple[Ramp, ...] = ()

    def look_at(self, at_seconds: float) -> Look:
        """The Look then."""
        return ramped(self.show.look_at(at_seconds), self.ramps, at_seconds)

    def after(self, cue: Cue, default_fade_seconds: float) -> Moment:
        """What holds from a cue on. Raises SettingError."""
        at = cue.at_seconds
        before = replace(self.show, look=ramped(self.show.look, self.ramps, at))
        show = cue.play(before, at, default_fade_seconds)
        over_seconds = cue.over_seconds or 0.0
        set_here = {name for name, _ in cue.settings}
        ramps = [
            ramp
            for ramp in self.ramps
            if not ramp.ended(at)
            and cue.look is None
            and ramp.name not in set_here
            and getattr(before.look, ramp.name) == getattr(show.look, ramp.name)
        ]
        ramps += [
            Ramp(name, at, over_seconds, getattr(before.look, name), getattr(show.look, name))
            for name in RAMPED
            if name in set_here and over_seconds
        ]
        return Moment(show, tuple(ramps))


def ramped(look: Look, ramps: Sequence[Ramp], at_seconds: float) -> Look:
    """The Look with what its ramps are at a moment."""
    numbers: dict[str, Any] = {ramp.name: ramp.value(at_seconds) for ramp in ramps}
    return replace(look, **numbers) if numbers else look


@dataclass(frozen=True)
class Timeline:
    """A script for one show: the Look at any moment, whatever was asked before. Can be pickled."""

    times: tuple[float, ...]
    """Seconds at which each moment but the first begins."""
    moments: tuple[Moment, ...]

    def look_at(self, at_seconds: float) -> Look:
        """The Look at a time of the file."""
        return self.moments[bisect_right(self.times, at_seconds)].look_at(at_seconds)

    @property
    def style_names(self) -> tuple[str, ...]:
        """Of all Looks."""
        shows = [moment.show for moment in self.moments]
        blends = [weights for show in shows for weights in (*show.look.region_styles, show.fade_from)]
        return tuple(dict.fromkeys(name for weights in blends for name, _ in weights or ()))

    @property
    def steadies(self) -> bool:
        """Whether some Look has stability, so that paintings depend on those before."""
        ramps = (ramp for moment in self.moments for ramp in moment.ramps)
        stable = any(moment.show.look.stability > 0 for moment in self.moments)
        return stable or any(ramp.low > 0 for ramp in ramps if ramp.name == "stability")


def unchanging(look: Look) -> Timeline:
    """One Look for all time."""
    return Timeline((), (Moment(Show(styles=(), look=look, picks=("", ""))),))


def timeline(script: Script, start: Show) -> Timeline:
    """A script for a show that begins like this. Raises SettingError with file and line."""
    moments = [Moment(start)]
    for cue in script.cues:
        moments.append(moments[-1].after(cue, script.fade_seconds))
    return Timeline(tuple(cue.at_seconds for cue in script.cues), tuple(moments))
