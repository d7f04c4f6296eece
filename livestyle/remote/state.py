"""A show's state and its commands as JSON has them: what programs that control it read.

Whatever is added to the Look as a number, a word or a switch appears by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields

from livestyle.looks.look import Look
from livestyle.meters import Meters, percentiles_ms
from livestyle.remote.inbox import State
from livestyle.show.control import COMMANDS
from livestyle.show.state import Show
from livestyle.sinks.background import OutputStatus


def show_state(show: Show, now_seconds: float) -> State:
    """What commands change. now_seconds: on the clock of the Show."""
    return {
        "styles": list(show.styles),
        "look": look_state(show.look_at(now_seconds)),
        "going_to": dict(show.look.weights),
        "fade_seconds": show.fade_seconds,
        "frozen": show.frozen,
        "fullscreen": show.fullscreen,
        "hud": show.hud,
        "help": show.help,
        "shuffle": show.shuffle,
        "pad": show.pad is not None,
        "recording": show.recording,
        "message": show.message,
    }


def look_state(look: Look) -> State:
    """A Look: its weights, and all its numbers, words and switches."""
    plain = {f.name: getattr(look, f.name) for f in fields(look)}
    return {"weights": dict(look.weights)} | {k: v for k, v in plain.items() if isinstance(v, (bool, int, float, str))}


def stats_state(meters: Meters, dropped_frames: int, dropped_paintings: int) -> State:
    """How fast the show is. Latencies are of the last `meters.RECENT` paintings; None before the first.

    They go from the camera's frame to its painting shown; one painted again while frozen counts from then.
    """
    p50, p95 = percentiles_ms(meters.latency.recent)
    oldest_ms, parts_ms = meters.oldest_ms()
    return {
        "fps": round(meters.rate.per_second, 2),
        "latency_p50_ms": _rounded(p50),
        "latency_p95_ms": _rounded(p95),
        "latency_max_ms": _rounded(oldest_ms),
        "latency_max_parts_ms": {part: _rounded(ms) for part, ms in parts_ms.items()},
        "paintings": meters.shown,
        "dropped_frames": dropped_frames,
        "dropped_paintings": dropped_paintings,
    }


def outputs_state(statuses: Sequence[OutputStatus]) -> list[State]:
    """The outputs, one by one."""
    return [asdict(status) for status in statuses]


def commands_state() -> list[State]:
    """The command table. value: what the command takes, or None; it may be left out where `optional`."""
    return [
        {
            "name": command.name,
            "keys": list(command.keys),
            "help": command.help,
            "value": command.value.help if command.value else None,
            "optional": command.value.optional if command.value else True,
        }
        for command in COMMANDS
    ]


def _rounded(ms: float) -> float | None:
    return None if math.isnan(ms) else round(ms, 1)
