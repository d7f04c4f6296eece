"""Styles recoloured to a picture before they are encoded (Gatys et al. 2017, section 4.1, as AdaIN's authors do).

The style image gets the content's mean and covariance of RGB; its statistics, and the palette that
paintings are matched to, are then those of the recoloured image. So it needs the image: the bank keeps
statistics only.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from livestyle.errors import StyleError
from livestyle.frame import Picture
from livestyle.looks.bank import Bank, Encode, read_style_image
from livestyle.looks.look import Look, restyled
from livestyle.looks.style import Palette, style_name
from livestyle.looks.style_weights import StyleWeights
from livestyle.painting.color import match_palette, sampled_palette

EVERY = 10
"""Of a video's frames one in so many is looked at."""


class ColorMatch:
    """The styles of one Look, all of them image files, for any content."""

    def __init__(self, look: Look, bank: Bank, encode: Encode) -> None:
        """Raises StyleError for a style that is no image file, SourceError for a file that cannot be read."""
        self._look, self._bank, self._encode = look, bank, encode
        names = dict.fromkeys(name for region in look.region_styles for name, _ in region or ())
        self._images = {name: self._image(name) for name in names}

    def look_for(self, content: Palette) -> Look:
        """The Look with its styles recoloured to a content's colours."""

        def recoloured(weights: StyleWeights) -> StyleWeights:
            return tuple((self._recoloured(name, content), weight) for name, weight in weights)

        return restyled(self._look, recoloured)

    def _image(self, name: str) -> Picture:
        path = Path(name).expanduser()
        if not path.is_file():
            raise StyleError(
                f"--match-color recolours the style's image, and of {name!r} there is none here: "
                "give an image file, as in -s painting.jpg"
            )
        return read_style_image(path)

    def _recoloured(self, name: str, content: Palette) -> str:
        """The name under which the bank has the recoloured style for this run."""
        stats = self._encode(match_palette(self._images[name], content))
        return self._bank.lend(f"{style_name(Path(name).stem)} recoloured", stats)


def palette_of_video(path: Path) -> Palette:
    """The colours of a whole video, which is decoded for it. Raises SourceError."""
    from livestyle.sources.video_files import open_video

    with open_video(path) as source:
        return pooled(sampled_palette(frame.rgb) for frame in iter(source.read, None) if frame.index % EVERY == 0)


def pooled(palettes: Iterable[Palette]) -> Palette:
    """The colours of pictures of one size together, from each one's own."""
    parts = list(palettes)
    means = np.stack([p.mean for p in parts])
    mean = means.mean(0)
    covariance = np.mean([p.covariance for p in parts], axis=0) + (means - mean).T @ (means - mean) / len(parts)
    return Palette(mean, covariance.astype(np.float32))
