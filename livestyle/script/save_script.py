"""Saves what happened to the look of a live show as a script, which `video --script` and `live --script` play.

What is saved is the look itself as it changed, whatever changed it: keys, the mouse, autoplay, HTTP, OSC. Each
change is in the file as soon as its painting is made, so nothing that ends the program takes more than the last.
A thread of its own writes, and no file is ever replaced.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType

from livestyle.errors import OutputError
from livestyle.looks.look import Look
from livestyle.looks.masks import Layout, Split
from livestyle.looks.style_weights import StyleWeights
from livestyle.looks.tables import Called, blend_line, quoted, regions_lines
from livestyle.show.changes import Change
from livestyle.sinks import free_path

STOP_SECONDS = 10.0
SWITCHES = {"color": "preserve_color", "palette": "palette", "mirror": "mirror", "bypass": "bypass"}
"""Commands with what they change in a Look."""


class ScriptSaver:
    """One file. A context manager: leaving it finishes the file."""

    def __init__(self, path: Path, start: Look, *, source: str, called: Called, report: Callable[[str], None]) -> None:
        """start: the show's Look at the start. source: what the show is of. report: takes one line for the person.

        Raises OutputError.
        """
        if not path.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")
        self.path = free_path(path)
        self._called, self._report = called, report
        self._cues = 0
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._waiting.put(_header(source) + _cue(0.0, _whole(start, called)))
        try:
            self._file = self.path.open("x", encoding="utf-8", errors="replace")
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written ({error.strerror}): choose another place") from None
        self._thread = threading.Thread(target=self._run, name="save script", daemon=True)
        self._thread.start()

    def note(self, change: Change) -> None:
        """Save a change; for any thread, and never waits."""
        self._cues += 1
        self._waiting.put(_cue(change.at_seconds, _changed(change, self._called)))

    def __enter__(self) -> ScriptSaver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join(STOP_SECONDS)
        self._report(f"saved the looks in {self.path} ({self._cues} changes)")

    def _run(self) -> None:
        said = ""
        while (text := self._waiting.get()) is not None:
            try:
                self._file.write(text)
                self._file.flush()  # what the disk refuses now waits for the next change
            except OSError as error:
                reason = f"{self.path} cannot be written ({error.strerror}): free some space"
                if reason != said:
                    self._report(reason)
                said = reason
        try:
            self._file.close()
        except OSError as error:
            self._report(f"{self.path} has not all of the looks ({error.strerror})")


def _header(source: str) -> str:
    return (
        f"# The looks of a show of {source!a}, {datetime.now():%Y-%m-%d %H:%M}.\n"
        "# livestyle video IN OUT --script THIS does them again; at: seconds of the source.\n"
    )


def _cue(at_seconds: float, lines: list[str]) -> str:
    return "\n".join(["\n[[cue]]", f"at = {at_seconds!r}", *lines]) + "\n"


def _whole(look: Look, called: Called) -> list[str]:
    """The lines that make this Look of any other."""
    lines = _styles(look, called) if look.layout is None else _regions(look, look.layout, called)
    switches = [f"{command} = {_on(look, name)}" for command, name in SWITCHES.items()]
    return [*lines, "fade = 0", f"alpha = {look.alpha!r}", f"stability = {look.stability!r}", *switches]


def _changed(change: Change, called: Called) -> list[str]:
    """The lines that make one Look of another."""
    before, after = change.before, change.after
    lines = _styled(change, called)
    lines += [
        f"{name} = {getattr(after, name)!r}"
        for name in ("alpha", "stability")
        if getattr(after, name) != getattr(before, name)
    ]
    # A crossfade ends the bypass.
    off = replace(before, bypass=False) if any(line.startswith("fade") for line in lines) else before
    switched = [(command, name) for command, name in SWITCHES.items() if getattr(after, name) != getattr(off, name)]
    return lines + [f"{command} = {_on(after, name)}" for command, name in switched]


def _styled(change: Change, called: Called) -> list[str]:
    """The lines about styles and regions."""
    before, after = change.before, change.after
    styled = change.fade_seconds is not None or before.weights != after.weights
    fade = [f"fade = {change.fade_seconds or 0.0!r}"]
    if after.layout is None:
        unsplit = ["regions = {}"] if before.layout else []
        return [*unsplit, *_styles(after, called), *fade] if styled or unsplit else []
    if before.layout is None or not _same_but_edge(before.layout, after.layout):
        return [*_regions(after, after.layout, called), *fade]
    edge = _edge(after.layout)
    moved = [f"edge = {edge!r}"] if edge is not None and edge != _edge(before.layout) else []
    return [*moved, *_styles(after, called), *fade] if styled else moved


def _same_but_edge(one: Layout, other: Layout) -> bool:
    """Whether the layouts differ in the edge and in the styles of the region in focus at most."""

    def rest(layout: Layout) -> Layout:
        area = replace(layout.area, edge=0.5) if isinstance(layout.area, Split) else layout.area
        return replace(layout, area=area, styles=layout.styles_with((("", 1.0),)))

    return rest(one) == rest(other)


def _edge(layout: Layout) -> float | None:
    return float(layout.area.edge) if isinstance(layout.area, Split) else None


def _styles(look: Look, called: Called) -> list[str]:
    return [f"style = {_written(look.weights, called)}"]


def _regions(look: Look, layout: Layout, called: Called) -> list[str]:
    lines = regions_lines(layout, look.region_styles, lambda weights: _written(weights, called))
    return [*lines, f"focus = {quoted(layout.area.names[layout.focus])}"]


def _written(weights: StyleWeights, called: Called) -> str:
    """A style as its name in quotes, a blend as a table, so that any file name can be in it."""
    if len(weights) == 1 and not re.search(r"[,:]", called(weights[0][0])):
        return quoted(called(weights[0][0]))
    return blend_line(weights, called)


def _on(look: Look, name: str) -> str:
    return str(getattr(look, name)).lower()
