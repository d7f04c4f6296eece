"""The bank: named style statistics on disk, one safetensors file with JSON metadata a style.

Built-in styles travel with the program; a person's own live in the platform's user data folder,
statistics of images named on the command line in the user cache folder, by content hash. Statistics
fit the encoder that made them: with another one in use a style is left out, not offered. The bank
does not know how statistics are computed: it is given a function for that.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import platformdirs

from livestyle.assets import asset_dir
from livestyle.errors import StyleError, nearest_names
from livestyle.frame import Picture
from livestyle.looks.style import StyleInfo, StyleStats, blended, load_style, save_style, style_name
from livestyle.looks.style_weights import StyleWeights, normalised

MIN_STYLE_SIDE_PX = 32
STYLE_SIDE_PX = 384
"""Style images are reduced to this shorter side first: strokes keep their size in the painting."""


@dataclass(frozen=True)
class BankEntry:
    """A style and where it lies."""

    info: StyleInfo
    stats: StyleStats
    path: Path
    builtin: bool

    @property
    def preview(self) -> Path:
        """The picture that livestyle painted of the demo photograph in this style."""
        return self.path.with_suffix(".jpg")


Encode = Callable[[Picture], StyleStats]
"""Runs the encoder on a style image."""


class Bank:
    """All styles that can be named. Each file is read once, at the start: a style is 8 KB."""

    def __init__(
        self,
        *,
        encoder: str = "",
        weights: str = "",
        builtin_dir: Path | None = None,
        user_dir: Path | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """encoder: id of the encoder in use; styles of another one are left out ("" leaves out none).

        weights: what --weights says where that encoder is not the shipped one, else "". Styles of the
        person's own then have a folder for that encoder, so that a name can be used once for each.
        """
        self.encoder = encoder
        self.weights = weights
        self.user_dir = user_dir or Path(platformdirs.user_data_dir("livestyle", appauthor=False)) / "styles"
        self.cache_dir = cache_dir or Path(platformdirs.user_cache_dir("livestyle", appauthor=False)) / "styles"
        self._own_dir = self.user_dir / encoder if weights else self.user_dir
        self._entries: dict[str, BankEntry] = {}
        self._images: dict[str, Path] = {}
        self._lent = 0
        self.damaged: list[StyleError] = []
        """Files that could not be read; their styles are left out."""
        self.left_out: list[BankEntry] = []
        """Styles of another encoder."""
        folders = {builtin_dir or asset_dir("bank"): True, self._own_dir: False, self.user_dir: False}
        for folder, builtin in folders.items():
            for entry in sorted(self._read(folder, builtin), key=lambda e: (e.info.order, e.info.name)):
                if encoder and entry.info.encoder != encoder:
                    self.left_out.append(entry)
                else:
                    self._entries.setdefault(entry.info.name, entry)

    def _read(self, folder: Path, builtin: bool) -> Iterator[BankEntry]:
        for path in folder.glob("*.safetensors"):
            try:
                yield BankEntry(*load_style(path), path, builtin)
            except StyleError as error:
                self.damaged.append(error)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that fit the encoder, in order: built-in ones, then the person's own."""
        return tuple(self._entries)

    @property
    def default_name(self) -> str:
        """The style when none is named: the first. Raises StyleError when no style fits the encoder."""
        if not self._entries:
            raise StyleError(
                f"no style fits encoder {self.encoder} ({len(self.left_out)} are of another one): "
                f"add one with `{self.add_command}`; `live`, `image` and `video` take --style IMAGE as well"
            )
        return self.names[0]

    @property
    def add_command(self) -> str:
        """What a person types to add a style for the encoder in use."""
        return "livestyle styles add IMAGE" + (f" --weights {shlex.quote(self.weights)}" if self.weights else "")

    def entry(self, name: str) -> BankEntry:
        """A style's metadata and place. Raises StyleError when unknown or of another encoder."""
        if name not in self._entries:
            raise self._not_offered(name)
        return self._entries[name]

    def _not_offered(self, name: str) -> StyleError:
        for entry in self.left_out:
            if entry.info.name == name:
                return StyleError(
                    f"style {name!r} was computed with encoder {entry.info.encoder or 'unknown'}, in use is "
                    f"{self.encoder}: add it again from its image with `{self.add_command}`"
                )
        return unknown_style(name, self.names)

    def stats(self, name: str) -> StyleStats:
        """A style's statistics. Raises StyleError when unknown or of another encoder."""
        return self.entry(name).stats

    def blend(self, weights: StyleWeights) -> StyleStats:
        """Blended statistics of weighted styles."""
        return blended(weights, self.stats)

    def resolve(self, weights: StyleWeights, encode: Encode) -> StyleWeights:
        """Replace image paths among the names by styles made of them; others must be known.

        Raises StyleError or SourceError.
        """
        return normalised((self._resolve_one(name, encode), weight) for name, weight in weights)

    def _resolve_one(self, name: str, encode: Encode) -> str:
        if name in self._entries:
            return name
        path = Path(name).expanduser()
        if not path.exists() or any(entry.info.name == name for entry in self.left_out):
            raise self._not_offered(name)
        return self.from_image(path, encode)

    def from_image(self, path: Path, encode: Encode) -> str:
        """Make an image file usable as a style for this run; cached by content. Returns its name.

        Raises SourceError when it is no image, StyleError when it is smaller than 32 px.
        """
        rgb = read_style_image(path)
        digest = hashlib.sha256(rgb.tobytes() + repr(rgb.shape).encode()).hexdigest()[:16]
        cached = self.cache_dir / f"{digest}-{self.encoder or 'any'}.safetensors"
        name = style_name(path.stem)
        if name in self._entries and self._entries[name].path != cached:
            name = f"{name}-{digest[:4]}"
        info = StyleInfo(name, path.stem, encoder=self.encoder)
        try:
            stats = load_style(cached)[1]
        except StyleError:
            stats = encode(rgb)
            save_style(cached, info, stats)
        self._entries[name] = BankEntry(info, stats, cached, builtin=False)
        self._images[name] = path.resolve()
        return name

    def called(self, name: str) -> str:
        """What another run of the program calls a style: for one made of an image file in this run that file."""
        return str(self._images.get(name, name))

    def lend(self, name: str, stats: StyleStats) -> str:
        """Make statistics usable as a style for this run only. Returns its name, another one each time."""
        self._lent += 1
        unique = f"{name} {self._lent}"
        self._entries[unique] = BankEntry(StyleInfo(unique, name, encoder=self.encoder), stats, Path(), builtin=False)
        return unique

    def add(self, path: Path, encode: Encode, *, name: str | None = None) -> BankEntry:
        """Keep an image's statistics as a style of the person's own.

        Raises StyleError when the name is taken, SourceError when the file is no image.
        """
        name = style_name(name or path.stem)
        target = self._own_dir / f"{name}.safetensors"
        if name in self._entries or any(entry.path == target for entry in self.left_out):
            raise StyleError(
                f"style {name!r} is there already: choose another --name, or `livestyle styles remove {name}` first"
            )
        stats = encode(read_style_image(path))
        info = StyleInfo(name, path.stem, encoder=self.encoder)
        entry = BankEntry(info, stats, target, builtin=False)
        save_style(entry.path, info, stats)
        self._entries[name] = entry
        return entry

    def own(self, name: str, to_be: str) -> BankEntry:
        """A style of the person's own. to_be: what is to be done with it. Raises StyleError for others."""
        entry = self.entry(name)
        if entry.builtin:
            raise StyleError(f"style {name!r} is built in and stays; only styles you added can be {to_be}")
        return entry

    def refine(self, name: str, refined: Callable[[StyleStats], StyleStats]) -> BankEntry:
        """Keep a style of the person's own with other statistics. Raises StyleError for built-in ones, OutputError."""
        entry = self.own(name, "refined")
        entry = replace(entry, stats=refined(entry.stats))
        save_style(entry.path, entry.info, entry.stats)
        self._entries[name] = entry
        return entry

    def remove(self, name: str) -> None:
        """Delete a style of the person's own with its preview. Raises StyleError for built-in ones.

        One that is left out can be deleted too, but not with the weights of another encoder chosen.
        """
        stale = [e for e in self.left_out if e.info.name == name and e.path.parent == self._own_dir]
        entry = stale[0] if stale and name not in self._entries else self.own(name, "removed")
        entry.path.unlink(missing_ok=True)
        entry.preview.unlink(missing_ok=True)
        self._entries.pop(name, None)
        self.left_out = [e for e in self.left_out if e is not entry]


def read_style_image(path: Path) -> Picture:
    """A style image as HxWx3 uint8 RGB, its shorter side at most 384 px.

    Raises SourceError when it is no image, StyleError when a side is under 32 px.
    """
    import cv2

    from livestyle.sources.images import load_image

    rgb = load_image(path)
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_STYLE_SIDE_PX:
        raise StyleError(
            f"style image {path} is {width}x{height}: at least {MIN_STYLE_SIDE_PX} px a side; use a larger copy"
        )
    k = STYLE_SIDE_PX / min(height, width)
    if k < 1:
        size = (round(width * k), round(height * k))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return rgb


def unknown_style(name: str, known: Sequence[str]) -> StyleError:
    """The error for a style that is neither in the bank nor a file."""
    hint = "no such file" if Path(name).suffix else "not in the bank"
    nearest = f"nearest: {nearest_names(name, known)}; " if known else ""
    return StyleError(f"style {name!r}: {hint}; {nearest}`livestyle styles list` shows all, and any image file works")
