"""Steps of a show beside picks and blends: the region in focus, stored looks, the pad, the tempo.

Pure functions for the command table (`livestyle.show.control`) and the mouse (`livestyle.live.mouse`).
"""

from __future__ import annotations

from dataclasses import replace

from livestyle.show.pad import pad_of
from livestyle.show.state import Show, describe, picks_of, set_blend, share_of_newer
from livestyle.show.tempo import BEATS, TAPS_NEEDED, beat_seconds, tapped


def store_look(show: Show, name: str) -> Show:
    """Give the look that is seen, or faded to, a name; the file is written by `livestyle.show.presets.Keeper`."""
    look = replace(show.look, bypass=False)
    return replace(show, looks={**show.looks, name: look}, storing_until_seconds=0.0, message=f"stored as {name}")


def recall_look(show: Show, name: str, now_seconds: float) -> Show:
    """Crossfade to a look with a name; what else it says happens at once."""
    if name not in show.looks:
        return replace(show, message=f"no look on {name}: w {name} stores this one")
    look = show.looks[name]
    styles = [style for region in look.region_styles for style, _ in region or ()]
    missing = [style for style in styles if style not in show.styles]
    if missing:
        return replace(show, message=f"look {name}: there is no style {', '.join(missing)}")
    return replace(set_blend(show, look.weights, now_seconds), look=look, message=f"{name}: {describe(look.weights)}")


def focus_region(show: Show, region: int) -> Show:
    """Make a region the one whose styles the keys change; a crossfade in the one before ends."""
    if show.look.layout is None:
        return replace(show, message="no regions: start with --split or --mask")
    layout, weights = show.look.layout.focused(region, show.look.weights)
    look = replace(show.look, layout=layout, weights=weights)
    name = f"{layout.area.names[region]}: {'the photograph' if layout.focus != region else picks_of(weights)[1]}"
    return replace(show, look=look, fade_from=(), picks=picks_of(weights), blend=share_of_newer(weights), message=name)


def next_region(show: Show) -> Show:
    """Focus on the next region that has a style."""
    return focus_region(show, show.look.layout.next_focus() if show.look.layout else 0)


def turn_pad(show: Show, on: bool) -> Show:
    """Turn the pad on, with the last picks in its corners, or off. One that is on stays as it is."""
    pad = (show.pad or pad_of(show.recent, show.styles)) if on else None
    if on and pad is None:
        return replace(show, message="the pad needs four styles")
    return replace(show, pad=pad, message="pad: move the mouse" if pad else "pad off")


def turn_shuffle(show: Show, on: bool) -> Show:
    """Turn autoplay on or off."""
    every = f"{BEATS} beats" if beat_seconds(show.taps) else f"{show.shuffle_seconds:g} s"
    return replace(show, shuffle=on, message=f"shuffle every {every}" if on else "shuffle off")


def tap(show: Show, now_seconds: float) -> Show:
    """Note a beat."""
    taps = tapped(show.taps, now_seconds)
    beat = beat_seconds(taps)
    more = f"tap {TAPS_NEEDED - len(taps)} more"
    return replace(show, taps=taps, message=f"{60 / beat:.0f} beats a minute" if beat else more)


def next_view(show: Show) -> Show:
    """Show the painting alone, beside the photograph, or with a wipe."""
    view = show.view.next()
    words = {"painting": "painting", "beside": "original and painting", "wipe": "wipe: drag its edge"}
    return replace(show, view=view, message=words[view.mode])
