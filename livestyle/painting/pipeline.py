"""From a frame to a painting: resize, mirror, engine, colour, steadiness, enlarge. Owns the state of one stream.

The style code is computed when the blend of styles changes, never per frame, and never with an
encoder: styles are statistics. A painting may be made at a smaller working size to hold a frame rate
(`livestyle.painting.rate`); it is then enlarged to its own size.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from livestyle.engine import Engine, StyleCode
from livestyle.frame import Masks, Picture
from livestyle.looks.look import Look, look_change
from livestyle.looks.masks import Layout, composed, masks_of, shares_of
from livestyle.looks.style import Palette, Styles
from livestyle.looks.style_weights import StyleWeights
from livestyle.painting.color import keep_frame_color, match_palettes, sampled_palette
from livestyle.painting.rate import RateHold, Size
from livestyle.painting.size import fit_size
from livestyle.painting.stability import Stabilizer, Step
from livestyle.resize import resized


@dataclass(frozen=True, eq=False)
class Painting:
    """A finished picture: HxWx3 uint8 RGB, and the milliseconds that each stage took."""

    rgb: Picture
    stage_ms: dict[str, float]
    working_size: Size | None = None
    """(width, height) that the network saw; None where no network ran."""


Ready = Callable[[], Picture]
"""Waits for the network's painting."""
Run = Callable[[Picture, list[StyleCode], Masks | None, float], Ready]


@dataclass(frozen=True, eq=False)
class Started:
    """A frame whose painting is under way; for `Painter.finish`."""

    look: Look
    frame: Picture
    """As the network sees it."""
    photograph: Callable[[], Picture]
    """Makes it in the painting's size; whatever it needs is kept, and no more."""
    output: Size
    working: Size
    stage_ms: dict[str, float]
    painting: Ready | None = None
    """None where the frame itself is shown."""
    memory: Stabilizer | None = None
    step: Step | None = None
    palettes: Sequence[Palette] = ()
    shares: Masks | None = None


class Painter:
    """Paints the frames of one stream with one engine. Used by one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        styles: Styles,
        *,
        size: tuple[int, int] | int | None = None,
        largest: int | None = None,
        hold: RateHold | None = None,
    ) -> None:
        """size: of the paintings, (width, height) or the shorter side, in pixels; None: the source's own, of sources
        whose shorter side is over `largest` px that. hold: None paints at that size always."""
        self.engine = engine
        self.styles = styles
        self.size, self.largest = size, largest
        self._hold = hold
        self._stabilizer = Stabilizer()
        self._steadied: Look | None = None
        self._blends: dict[StyleWeights, tuple[StyleCode, Palette]] = {}
        self._warm: tuple[Size, int] | None = None
        self._begun: Size | None = None

    def reset(self) -> None:
        """Forget the stream: the next frame is the first."""
        self._stabilizer.reset()

    def paint(self, rgb: Picture, look: Look, *, at_seconds: float | None = None, counts: bool = True) -> Painting:
        """Paint a frame (HxWx3 uint8 RGB) as the Look says. Raises StyleError for unknown styles.

        at_seconds: when in its stream the frame was taken; without it the frame is no part of a stream, and
        nothing is held steady.
        counts: the time it takes says something about the frame rate, as it does in a stream.
        """
        painting = self.finish(self._started(rgb, look, at_seconds, self._stylized))
        if self._hold and counts and painting.working_size:
            self._hold.painted(sum(painting.stage_ms.values()), painting.stage_ms["network"], time.monotonic())
        return painting

    def warm_up(self, rgb: Picture, look: Look) -> bool:
        """Paint a frame for nothing where the last one had another size or other regions; whether that was so.

        Engines may compile a network then, and the frame gets old. When an output has begun, one is painted at the
        size to which the rate goes down first too.
        """
        if look.bypass:
            return False
        output, working = self._sizes(rgb, look)
        wanted = working, len(painted_regions(look))
        if wanted != self._warm:
            self.paint(rgb, look, counts=False)
            self._warm = wanted
            return True
        begins, self._begun = output != self._begun, output
        if not begins or not self._hold or self._hold.smaller is None or look.layout:
            return False
        codes, _ = self._blended(look)
        self.engine.stylize(prepared(rgb, self._hold.smaller, look), codes[0], look.alpha)
        return True

    def start(self, rgb: Picture, look: Look, *, at_seconds: float | None = None) -> Started:
        """Begin to paint a frame, as `paint` does; `finish` gives the painting.

        So many may be under way as the engine's `in_flight` says; they are finished in the order of their starts.
        """
        return self._started(rgb, look, at_seconds, self._submitted)

    def finish(self, started: Started) -> Painting:
        """The painting of a frame that was started."""
        if started.painting is None:
            return Painting(started.frame, started.stage_ms)
        look, frame, stage_ms, memory, shares = (
            started.look, started.frame, started.stage_ms, started.memory, started.shares,
        )  # fmt: skip
        with timed(stage_ms, "network"):
            painting = started.painting()
        step = self._step_to(look, started.step) if memory else None
        if look.palette and not look.preserve_color:
            with timed(stage_ms, "colour"):
                owns = [sampled_palette(painting, share) for share in ([None] if shares is None else shares)]
                owns = memory.palettes(owns, step) if memory else owns
                painting = match_palettes(painting, started.palettes, owns, shares, look.alpha)
        if memory:
            with timed(stage_ms, "steady"):
                painting = memory.steady(painting, step)
        if started.working != started.output:
            with timed(stage_ms, "enlarge"):
                painting = resized(painting, *started.output)
        if look.preserve_color:
            with timed(stage_ms, "colour"):  # of the whole frame: its colours stay as sharp as they are
                whole = frame if started.working == started.output else started.photograph()
                painting = keep_frame_color(painting, whole)
        if look.layout and None in look.layout.styles:
            with timed(stage_ms, "original"):
                masks = masks_of(look.layout.area, *started.output)
                painting = with_original(painting, started.photograph(), look.layout, masks)
        return Painting(painting, stage_ms, started.working)

    def _sizes(self, rgb: Picture, look: Look) -> tuple[Size, Size]:
        """Of the painting, and what the network sees."""
        height, width = rgb.shape[:2]
        large = self.largest is not None and min(width, height) > self.largest
        output = fit_size(width, height, self.largest if self.size is None and large else self.size)
        return output, self._hold.size_for(*output) if self._hold and not look.bypass else output

    def _started(self, rgb: Picture, look: Look, at_seconds: float | None, run: Run) -> Started:
        stage_ms: dict[str, float] = {}
        output, working = self._sizes(rgb, look)
        with timed(stage_ms, "prepare"):
            plain = frame = prepared(rgb, working, look)
        photograph = (lambda: plain) if working == output else partial(prepared, rgb, output, look)
        if look.bypass:
            return Started(look, frame, photograph, output, working, stage_ms)
        memory = self._memory(look) if at_seconds is not None else None
        if memory and at_seconds is not None:
            with timed(stage_ms, "steady"):
                frame = memory.calm(frame, look.stability, at_seconds)
        with timed(stage_ms, "style"):
            codes, palettes = self._blended(look)
        with timed(stage_ms, "network"):
            shares = _shares(look, working)
            painting = run(frame, codes, shares, look.alpha)
        step = memory.step if memory else None
        return Started(look, frame, photograph, output, working, stage_ms, painting, memory, step, palettes, shares)

    def _stylized(self, frame: Picture, codes: list[StyleCode], shares: Masks | None, alpha: float) -> Ready:
        """Run the network now."""
        if shares is None:
            painting = self.engine.stylize(frame, codes[0], alpha)
        else:
            painting = self.engine.stylize_regions(frame, codes, shares, alpha)
        return lambda: painting

    def _submitted(self, frame: Picture, codes: list[StyleCode], shares: Masks | None, alpha: float) -> Ready:
        """Have the network run beside what comes next, where it can."""
        if shares is not None:
            return self._stylized(frame, codes, shares, alpha)
        ticket = self.engine.submit(frame, codes[0], alpha)
        return lambda: self.engine.result(ticket)

    def _memory(self, look: Look) -> Stabilizer | None:
        """What the stream's paintings are held steady by, if they are."""
        if look.stability == 0:
            self._stabilizer.reset()
            return None
        return self._stabilizer

    def _step_to(self, look: Look, step: Step | None) -> Step | None:
        """The step from the last painting, which may have had another look."""
        last, self._steadied = self._steadied, look
        return step.to_another_look(look_change(last, look)) if step and last else None

    def _blended(self, look: Look) -> tuple[list[StyleCode], list[Palette]]:
        """Of each region that is painted."""
        before, self._blends = self._blends, {}
        for weights in look.region_styles:
            if weights is not None:
                self._blends[weights] = before.get(weights) or self._code(weights)
        found = [self._blends[weights] for weights in look.region_styles if weights is not None]
        return [code for code, _ in found], [palette for _, palette in found]

    def _code(self, weights: StyleWeights) -> tuple[StyleCode, Palette]:
        stats = self.styles.blend(weights)
        return self.engine.style_code(stats), stats.palette


def _shares(look: Look, size: Size) -> Masks | None:
    """What each region that is painted has of the pixels; None where there is one only."""
    painted = painted_regions(look)
    return shares_of(look.layout.area, painted, *size) if look.layout and len(painted) > 1 else None


def painted_regions(look: Look) -> tuple[int, ...]:
    """The numbers of the regions that have styles."""
    return tuple(n for n, style in enumerate(look.region_styles) if style is not None)


def with_original(painting: Picture, photograph: Picture, layout: Layout, masks: Masks) -> Picture:
    """The painting with the photograph in the regions that have no style. masks: of all regions."""
    original = masks[[n for n, style in enumerate(layout.styles) if style is None]].sum(0)
    return composed([painting, photograph], np.stack([1 - original, original]))


def prepared(rgb: Picture, size: Size, look: Look) -> Picture:
    """A frame as its painting sees it: of this (width, height), and mirrored where the Look says so."""
    frame = resized(rgb, *size)
    return np.ascontiguousarray(frame[:, ::-1]) if look.mirror else frame


@contextmanager
def timed(stage_ms: dict[str, float], stage: str) -> Iterator[None]:
    """Add to `stage_ms` how many milliseconds the block took."""
    start = time.perf_counter()
    yield
    stage_ms[stage] = stage_ms.get(stage, 0.0) + (time.perf_counter() - start) * 1000
