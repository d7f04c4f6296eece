"""A cue: what happens to the look of a show at one moment of a script, as commands of the one table do it.

Played, it is what its commands are: a function from the show's state and the time to a new state. It knows no
clock and no other cues: `livestyle.script.script` puts cues in order and does their ramps (`over`). How one is written
is `livestyle.script.cue_tables`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from livestyle.errors import SettingError
from livestyle.looks.masks import Layout, Split
from livestyle.looks.style_weights import StyleWeights
from livestyle.looks.tables import Place
from livestyle.show import values
from livestyle.show.control import command_named
from livestyle.show.moves import focus_region
from livestyle.show.state import Show, set_blend

STEPS = ("next", "previous")
"""Commands without a value that crossfade."""


@dataclass(frozen=True)
class Cue:
    """One moment of a script. What is None or empty stays as it is."""

    at_seconds: float
    place: Place
    styles: StyleWeights = ()
    """To crossfade to; names may be image files until they are `renamed`."""
    layout: Layout | None = None
    """Regions to crossfade to."""
    look: str | None = None
    """Name of a stored look to crossfade to."""
    unsplit: bool = False
    """Regions end."""
    edge: float | None = None
    focus: str | None = None
    """Name of the region whose styles the cues change from now on."""
    settings: tuple[tuple[str, object], ...] = ()
    """Commands with values that change the look at once."""
    do: tuple[str, ...] = ()
    """Commands without a value."""
    fade_seconds: float | None = None
    over_seconds: float | None = None
    """How long alpha and stability take."""

    @property
    def crossfades(self) -> bool:
        """Whether a crossfade begins here."""
        return bool(self.styles or self.layout or self.look or set(self.do) & set(STEPS))

    @property
    def style_names(self) -> tuple[str, ...]:
        """All styles it names itself."""
        regions = self.layout.styles if self.layout else ()
        return tuple(name for weights in (self.styles, *regions) for name, _ in weights or ())

    def renamed(self, names: Mapping[str, str]) -> Cue:
        """With other names for styles."""

        def of(weights: StyleWeights) -> StyleWeights:
            return tuple((names.get(name, name), weight) for name, weight in weights)

        return replace(self, styles=of(self.styles), layout=self.layout.restyled(of) if self.layout else None)

    def play(self, show: Show, now_seconds: float, default_fade_seconds: float) -> Show:
        """The state after it. Raises SettingError with its line."""
        show = replace(show, message="")
        if self.crossfades:
            fade_seconds = default_fade_seconds if self.fade_seconds is None else self.fade_seconds
            seen = show.look_at(now_seconds).weights  # kept apart, as another pace would change what it is
            show = replace(show, fade_seconds=fade_seconds, fade_from=seen, fade_start_seconds=now_seconds)
        show = self._arranged(self._crossfaded(show, now_seconds))
        for name, value in self.settings:
            with self.place.at(name):
                show = command_named(name).run(show, now_seconds, value)
        for name in self.do:
            with self.place.at("do"):
                show = _changed(show, command_named(name).run(show, now_seconds), f"do {name!r}")
        return show

    def _crossfaded(self, show: Show, now: float) -> Show:
        if self.unsplit:
            show = replace(show, look=replace(show.look, layout=None))
        if self.look is not None:
            with self.place.at("look"):
                show = _changed(show, command_named("look").run(show, now, self.look), f"look {self.look!r}")
        with self.place.at("style", "blend", "regions"):
            for name in self.style_names:
                values.style_name(name, show.styles)
        if len(self.styles) == 1:
            show = command_named("style").run(show, now, self.styles[0][0])
        elif self.styles:
            show = command_named("blend").run(show, now, dict(self.styles))
        if self.layout:
            show = set_blend(show, self.layout.focused_styles, now)
            show = replace(show, look=replace(show.look, layout=self.layout))
        return show

    def _arranged(self, show: Show) -> Show:
        """With another edge and another region in focus."""
        layout = show.look.layout
        if self.edge is not None:
            with self.place.at("edge"):
                if layout is None or not isinstance(layout.area, Split):
                    raise SettingError(f"edge {self.edge:g}: there is no split to move the edge of; give regions too")
            show = replace(show, look=replace(show.look, layout=layout.with_edge(self.edge, self.edge)))
        if self.focus is not None:
            with self.place.at("focus"):
                if layout is None:
                    raise SettingError(f"focus {self.focus!r}: there are no regions; give regions too")
                show = focus_region(show, region_named(layout, self.focus))
        return show


def region_named(layout: Layout, name: str) -> int:
    """The region's number. Raises SettingError, also for one that shows the photograph."""
    styled = [n for n, style in zip(layout.area.names, layout.styles, strict=True) if style is not None]
    if name not in styled:
        raise SettingError(f"focus {values.quoted(name)}: choose a region with a style: {', '.join(styled)}")
    return layout.area.names.index(name)


def _changed(before: Show, after: Show, what: str) -> Show:
    """The state after a command that says in its message only that it could do nothing. Raises SettingError."""
    if replace(after, message=before.message) == before:
        raise SettingError(f"{what} changes nothing at this point: {after.message}")
    return after
