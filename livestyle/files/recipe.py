"""How files are painted, all of it in one object that can be sent to another process, here or on another machine.

Styles go along as their numbers: whoever has the recipe needs no bank. Networks do not: their folder has to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from livestyle.engine import Engine, choose_engine
from livestyle.files.file_painter import LookPainter, networks_in
from livestyle.files.jobs import Job
from livestyle.files.stills import Stills
from livestyle.looks.style import Styles, StyleStats, blended
from livestyle.looks.style_weights import StyleWeights
from livestyle.painting.pipeline import Painter
from livestyle.script.script import Timeline


@dataclass(frozen=True)
class EngineChoice:
    """As `choose_engine` takes it."""

    device: str = "auto"
    model: str = "auto"
    half: bool | None = None
    int8: bool = False
    weights: Path | None = None

    def build(self) -> Engine:
        """The engine; the last one that was built in this process stays. Raises LivestyleError."""
        return _built(self)

    @property
    def networks(self) -> str:
        """What an engine built here computes; see `networks_in`. Raises LivestyleError."""
        return networks_in(self.build(), self.weights)


@lru_cache(maxsize=1)
def _built(choice: EngineChoice) -> Engine:
    return choose_engine(choice.device, model=choice.model, half=choice.half, int8=choice.int8, weights=choice.weights)


@dataclass(frozen=True)
class NamedStyles:
    """See `livestyle.looks.style.Styles`."""

    stats: Mapping[str, StyleStats]

    def blend(self, weights: StyleWeights) -> StyleStats:
        """Of styles that are there."""
        return blended(weights, self.stats.__getitem__)


@dataclass(frozen=True)
class Recipe:
    """How files are painted."""

    engine: EngineChoice
    looks: Timeline
    styles: NamedStyles
    """All that the looks name."""
    size: tuple[int, int] | int | None = None
    """Of the paintings."""
    quality: int | None = None
    """Of lossy pictures."""

    def video_painter(self) -> LookPainter:
        """Raises LivestyleError."""
        return LookPainter(self._painter(), self.looks, self.engine.weights)

    def paint_picture(self, job: Job) -> list[str]:
        """Paint an image file, in the look of time 0; notes for the person. Raises SourceError, OutputError."""
        notes: list[str] = []
        stills = Stills(
            cache(self._painter),
            lambda colours: self.looks.look_at(0.0),
            size=self.size,
            quality=self.quality,
            weights=self.engine.weights,
        )
        stills.paint(job, notes.append)
        return notes

    def _painter(self) -> Painter:
        return Painter(self.engine.build(), self.styles, size=self.size)


def styles_of(looks: Timeline, styles: Styles) -> NamedStyles:
    """The numbers of all styles that looks name. Raises StyleError."""
    return NamedStyles({name: styles.blend(((name, 1.0),)) for name in looks.style_names})
