"""The state of a show, everything that a person can change, and its crossfades and blends as pure functions.

It does not know keys, commands, windows or threads; whoever holds the state puts a new one in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from livestyle.looks.look import Look
from livestyle.looks.style_weights import StyleWeights, normalised
from livestyle.show.pad import Pad
from livestyle.show.view import View


@dataclass(frozen=True)
class Show:
    """Everything that commands change. Times are seconds of one monotonic clock."""

    styles: tuple[str, ...]
    """All styles in order; the first nine are on the number keys."""
    look: Look
    """Where the crossfade is going; `look_at` says where it is."""
    picks: tuple[str, str]
    """The last two picks, the newest second."""
    blend: float = 1.0
    """Between the last two picks: 0 is all the older, 1 all the newer."""
    fade_seconds: float = 1.0
    fade_from: StyleWeights = ()
    fade_start_seconds: float = 0.0
    hud: bool = True
    help: bool = False
    fullscreen: bool = False
    frozen: bool = False
    snapshots: int = 0
    """Snapshots asked for so far."""
    looks: Mapping[str, Look] = field(default_factory=dict)
    """Looks with a name; those named F1 to F12 are on the function keys."""
    storing_until_seconds: float = 0.0
    """Until then a function key stores."""
    shuffle: bool = False
    """Autoplay is on; see `livestyle.show.shuffle`."""
    shuffle_seconds: float = 20.0
    taps: tuple[float, ...] = ()
    """Of the tempo, in seconds; see `livestyle.show.tempo`."""
    view: View = View()
    pad: Pad | None = None
    recent: tuple[str, ...] = ()
    """The last four picks, the newest first."""
    held: Literal["", "wipe", "split"] = ""
    """What the mouse has hold of."""
    recording: bool = False
    """A video of the show is wanted; the outputs say whether it works."""
    quitting: bool = False
    message: str = ""
    """What the last command did, for the window; never in the clean picture."""

    def look_at(self, now_seconds: float) -> Look:
        """The Look at a moment: in a crossfade, between the old weights and the new."""
        elapsed = max(0.0, now_seconds - self.fade_start_seconds)
        if not self.fade_from or elapsed >= self.fade_seconds:
            return self.look
        part = elapsed / self.fade_seconds
        mixed = [(name, w * (1 - part)) for name, w in self.fade_from]
        mixed += [(name, w * part) for name, w in self.look.weights]
        return replace(self.look, weights=normalised(mixed))


def new_show(
    styles: tuple[str, ...],
    look: Look,
    *,
    fade_seconds: float = 1.0,
    looks: Mapping[str, Look] | None = None,
    shuffle_seconds: float | None = None,
) -> Show:
    """The state a show starts in. shuffle_seconds: autoplay is on from the start, with this interval."""
    show = Show(styles=styles, look=look, picks=picks_of(look.weights), fade_seconds=fade_seconds, looks=looks or {})
    return replace(show, shuffle=True, shuffle_seconds=shuffle_seconds) if shuffle_seconds else show


def picks_of(weights: StyleWeights) -> tuple[str, str]:
    """A blend as if its heaviest styles had been picked, the heaviest last."""
    heaviest = sorted(weights, key=lambda pair: pair[1])
    return heaviest[-2][0] if len(heaviest) > 1 else heaviest[-1][0], heaviest[-1][0]


def share_of_newer(weights: StyleWeights) -> float:
    """How far a blend is between its `picks_of`, as `Show.blend` counts."""
    older, newer = picks_of(weights)
    shares = dict(weights)
    return 1.0 if older == newer else shares[newer] / (shares[older] + shares[newer])


def fade_to(show: Show, weights: StyleWeights, now_seconds: float) -> Show:
    """Start a crossfade from what is seen now to other weights."""
    return replace(
        show,
        look=replace(show.look, weights=weights, bypass=False),
        fade_from=show.look_at(now_seconds).weights,
        fade_start_seconds=now_seconds,
    )


def pick(show: Show, name: str, now_seconds: float) -> Show:
    """Crossfade to one style."""
    previous = show.picks[1] if show.picks[1] != name else show.picks[0]
    show = fade_to(show, ((name, 1.0),), now_seconds)
    recent = (name, *(n for n in show.recent if n != name))[:4]
    return replace(show, picks=(previous, name), recent=recent, blend=1.0, message=name)


def set_blend(show: Show, weights: StyleWeights, now_seconds: float) -> Show:
    """Crossfade to a blend; [ and ] then move between its two heaviest styles."""
    show = fade_to(show, weights, now_seconds)
    return replace(show, picks=picks_of(weights), blend=share_of_newer(weights), message=describe(weights))


def move_blend(show: Show, step: float, now_seconds: float) -> Show:
    """Shift the blend between the last two picks; at once, as the key is held down."""
    older, newer = show.picks
    if older == newer:
        return replace(show, message="pick two styles first, then [ and ] blend them")
    blend = min(1.0, max(0.0, show.blend + step))
    weights = normalised([(older, 1 - blend), (newer, blend)])
    look = replace(show.look, weights=weights, bypass=False)
    return replace(show, look=look, blend=blend, fade_from=(), message=describe(weights))


def describe(weights: StyleWeights) -> str:
    """Styles and weights in one line."""
    if len(weights) == 1:
        return weights[0][0]
    return " + ".join(f"{name} {weight:.0%}" for name, weight in weights)
