"""Steps of a show beside picks and blends: the region in focus, stored looks, the pad, the tempo.

Pure functions for the command table (`livestyle.control`) and the mouse (`livestyle.mouse`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from livestyle.pad import pad_of
from livestyle.settings import StyleWeights
from livestyle.tempo import BEATS, TAPS_NEEDED, beat_seconds, tapped

if TYPE_CHECKING:
    from livestyle.control import Show


def picks_of(weights: StyleWeights) -> tuple[str, str]:
    """A blend as if its heaviest styles had been picked, the heaviest last."""
    heaviest = sorted(weights, key=lambda pair: pair[1])
    return heaviest[-2][0] if len(heaviest) > 1 else heaviest[-1][0], heaviest[-1][0]


def share_of_newer(weights: StyleWeights) -> float:
    """How far a blend is between its `picks_of`, as `Show.blend` counts."""
    older, newer = picks_of(weights)
    shares = dict(weights)
    return 1.0 if older == newer else shares[newer] / (shares[older] + shares[newer])


def store_look(show: Show, name: str) -> Show:
    """Give the look that is seen, or faded to, a name; the file is written by `livestyle.presets.Keeper`."""
    look = replace(show.look, bypass=False)
    return replace(show, looks={**show.looks, name: look}, storing_until_seconds=0.0, message=f"stored as {name}")


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


def toggle_pad(show: Show) -> Show:
    """Turn the pad on, with the last picks in its corners, or off."""
    pad = None if show.pad else pad_of(show.recent, show.styles)
    if show.pad is None and pad is None:
        return replace(show, message="the pad needs four styles")
    return replace(show, pad=pad, message="pad: move the mouse" if pad else "pad off")


def toggle_shuffle(show: Show) -> Show:
    """Turn autoplay on or off."""
    every = f"{BEATS} beats" if beat_seconds(show.taps) else f"{show.shuffle_seconds:g} s"
    return replace(show, shuffle=not show.shuffle, message="shuffle off" if show.shuffle else f"shuffle every {every}")


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
