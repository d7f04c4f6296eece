"""Interlaced pictures made whole: one for each, at its time, by FFmpeg's bwdif.

A picture counts as interlaced when it is marked so and shows combs; film that is only marked so stays untouched. What
comes out for a picture depends on it and its two neighbours, so that it is the same wherever reading began.

What it does not know: how to take the pulldown out of telecined film, which it only sees, and field rates: half of the
motion is not shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from livestyle.sources.decoding import Decoded
from livestyle.sources.signal import matrix_of

_TICK = Fraction(1, 25)
_MIN_LINES = 8
_COLUMN_STEP = 4
"""Every fourth column shows whether there are combs."""
_DEPTH = 15
"""In levels of 255: how far a line of a comb is from the lines beside it, and more than thrice as far as from the next
ones of its own field."""
_CYCLES = 5
"""Of five pictures: so many show whether there is a pulldown."""
_SHARE = 0.001
"""Of pixels: with more of them in combs, a picture is interlaced. Clips made so have 0.7 to 5 %, others 0.01 %."""


class Deinterlacer:
    """Takes pictures in order and gives as many, one behind while they are interlaced."""

    def __init__(self) -> None:
        self.saw_combs = False
        self.saw_pulldown = False
        """Of five pictures in a row the same two are of two film frames each."""
        self.reset()

    def reset(self) -> None:
        """Pictures from elsewhere follow."""
        self._graph: Graph | None = None
        self._last: Decoded | None = None
        self._waiting: deque[Decoded | None] = deque()
        self._combs: deque[bool] = deque(maxlen=_CYCLES * 5)

    def feed(self, decoded: Decoded) -> list[Decoded]:
        """What is ready with this picture."""
        last, self._last = self._last, decoded
        ready: list[Decoded] = []
        if self._graph is not None and last is not None and not _alike(last.raw, decoded.raw):
            ready = self.finish()
            last = None
        if self._graph is None:
            if not decoded.raw.interlaced_frame or decoded.raw.height < _MIN_LINES:
                return [*ready, decoded]
            self._graph = _graph_for(decoded.raw)
            if last is not None and _alike(last.raw, decoded.raw):
                self._push(last.raw, None)
        self._push(decoded.raw, decoded)
        return [*ready, *self._pull()]

    def finish(self) -> list[Decoded]:
        """The rest: no picture follows."""
        if self._graph is None:
            return []
        self._graph.push(None)
        ready = list(self._pull())
        self._graph = None
        return ready

    def _push(self, raw: VideoFrame, decoded: Decoded | None) -> None:
        assert self._graph is not None
        raw.time_base = _TICK
        self._graph.push(raw)
        self._waiting.append(decoded)

    def _pull(self) -> Iterator[Decoded]:
        assert self._graph is not None
        while True:
            try:
                whole = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            decoded = self._waiting.popleft()
            if decoded is None:
                continue
            if decoded.raw.interlaced_frame and self._has_combs(decoded.raw):
                assert isinstance(whole, VideoFrame)
                yield Decoded(whole, decoded.seconds)
            else:
                yield decoded

    def _has_combs(self, raw: VideoFrame) -> bool:
        combs = has_combs(raw)
        self.saw_combs |= combs
        self._combs.append(combs)
        if len(self._combs) == self._combs.maxlen:
            phases = sorted(sum(list(self._combs)[phase::5]) for phase in range(5))
            self.saw_pulldown |= phases[2] <= 1 and phases[3] >= _CYCLES - 1
        return combs


def has_combs(raw: VideoFrame) -> bool:
    """Whether the lines of a picture are of two moments: where something moves they differ from those beside them."""
    grey = raw.reformat(format="gray", src_colorspace=matrix_of(raw)).to_ndarray()
    lines = grey[:, ::_COLUMN_STEP].astype(np.int16)
    middle = 2 * lines[2:-2]
    beside = np.abs(middle - lines[1:-3] - lines[3:-1])
    own = np.abs(middle - lines[:-4] - lines[4:])
    return bool(((beside > 2 * _DEPTH) & (beside > 3 * own + 10)).mean() > _SHARE)


def _alike(one: VideoFrame, other: VideoFrame) -> bool:
    return (one.width, one.height, one.format.name) == (other.width, other.height, other.format.name)


def _graph_for(raw: VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=raw.width, height=raw.height, format=raw.format, time_base=_TICK)
    filters = [source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")]
    graph.link_nodes(*filters).configure()
    return graph
