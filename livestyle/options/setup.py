"""What most commands need, each part built from their options when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from livestyle.errors import LivestyleError, SettingError, StyleError
from livestyle.options.common import EngineOptions, LookOptions

if TYPE_CHECKING:
    from livestyle.engine import Engine
    from livestyle.frame import Picture
    from livestyle.looks.bank import Bank
    from livestyle.looks.look import Look
    from livestyle.looks.style import Palette, StyleStats
    from livestyle.script.script import Script
    from livestyle.show.state import Show


class Setup:
    """The weights, the engine, the bank, Looks and scripts; and what is said to the person."""

    def __init__(self, options: EngineOptions) -> None:
        """Raises SettingError, and WeightsError when there are no such weights."""
        from livestyle.model.weights_store import find_weights

        if options.verbose and options.quiet:
            raise SettingError("--verbose and --quiet exclude each other: give one of them")
        self._options = options
        self.weights_dir = None if options.weights is None else find_weights(options.weights)

    def say(self, text: str) -> None:
        """Tell the person, on stderr, unless --quiet."""
        if not self._options.quiet:
            typer.echo(text, err=True)

    def detail(self, text: str) -> None:
        """Tell the person if --verbose."""
        if self._options.verbose:
            typer.echo(text, err=True)

    @property
    def quiet(self) -> bool:
        """Whether --quiet was given."""
        return self._options.quiet

    @cached_property
    def engine(self) -> Engine:
        """The engine; its choice is said once, with the reason."""
        from livestyle.engine import choose_engine

        engine = choose_engine(
            self._options.device,
            model=self._options.model,
            half=self._options.half,
            int8=self._options.int8,
            weights=self.weights_dir,
        )
        weights = f", weights {self._options.weights}" if self._options.weights else ""
        chosen = f"model {engine.model}, engine {engine.name}, {engine.precision}{weights}"
        self.say(f"{chosen} ({engine.reason}; {engine.device})")
        return engine

    @cached_property
    def bank(self) -> Bank:
        """The styles that fit the weights; once it is said how many do not."""
        from livestyle.assets import asset_dir
        from livestyle.looks.bank import Bank
        from livestyle.model.weights import encoder_id

        encoder = encoder_id(self.weights_dir)
        bank = Bank(encoder=encoder, weights=self._options.weights or "" if encoder != encoder_id() else "")
        for error in bank.damaged:
            self.say(f"left out: {error}")
        if bank.names and bank.left_out:
            self.say(
                f"left out: {len(bank.left_out)} of the styles, computed with another encoder than {encoder}; "
                f"`{bank.add_command}` adds one of your own"
            )
        if not bank.names and not bank.left_out:
            raise StyleError(f"there are no styles in {asset_dir('bank')}: reinstall livestyle")
        return bank

    def look(self, options: LookOptions | None = None) -> Look:
        """The Look that the options describe; images among the styles are encoded here. Raises LivestyleError."""
        from livestyle.options.look import described, resolved

        look = described(options or LookOptions(), lambda: self.bank.default_name)  # refuses bad values before any work
        return resolved(look, self.bank, self._encode, self.detail)

    def look_for(self, options: LookOptions, *, match_color: bool) -> Callable[[Callable[[], Palette]], Look]:
        """Gives the Look for a content, whose colours are asked for with match_color only. Raises LivestyleError."""
        from livestyle.options.look import described
        from livestyle.painting.match_color import ColorMatch

        if not match_color:
            look = self.look(options)
            return lambda palette: look
        matched = ColorMatch(described(options, lambda: self.bank.default_name), self.bank, self._encode)
        return lambda palette: matched.look_for(palette())

    def show(self, look: Look, *, fade_seconds: float = 1.0, shuffle_seconds: float | None = None) -> Show:
        """A show of all styles and stored looks that begins with this Look; see `new_show`. Raises SettingError."""
        from livestyle.show.state import new_show

        looks = self.stored_looks()
        return new_show(self.bank.names, look, fade_seconds=fade_seconds, looks=looks, shuffle_seconds=shuffle_seconds)

    def stored_looks(self) -> dict[str, Look]:
        """The looks of looks.toml, images among their styles encoded. Raises SettingError; a bad image is said."""
        from livestyle.looks.look import restyled
        from livestyle.looks.style_weights import normalised
        from livestyle.show.presets import looks_path, read_looks

        looks = read_looks(looks_path(), self.say)
        return {
            name: restyled(look, lambda weights: normalised((self._stored_style(style), w) for style, w in weights))
            for name, look in looks.items()
        }

    def script(self, path: Path) -> Script:
        """The script in a file; its styles are known or image files. Raises LivestyleError."""
        from livestyle.script.script import read_script

        return read_script(path).with_styles(self._known_style)

    def encoded_script(self, script: Script, show: Show) -> Script:
        """The script with images among its styles encoded, for a show that begins like this.

        Raises LivestyleError, for a mistake in the script before anything is encoded.
        """
        from livestyle.script.script import timeline

        timeline(script, replace(show, styles=(*show.styles, *script.style_names)))
        return script.with_styles(self._encoded_style)

    def _known_style(self, name: str, folder: Path) -> str:
        if name not in self.bank.names and not (folder / Path(name).expanduser()).is_file():
            self.bank.entry(name)
        return name

    def _encoded_style(self, name: str, folder: Path) -> str:
        if name in self.bank.names:
            return name
        return self.bank.from_image(folder / Path(name).expanduser(), self._encode)

    def _stored_style(self, name: str) -> str:
        """What this run calls a style of a stored look; as it is where there is none, which is said when it is used."""
        path = Path(name).expanduser()
        if name in self.bank.names or not path.is_absolute() or not path.is_file():
            return name
        try:
            return self.bank.from_image(path, self._encode)
        except LivestyleError as error:
            self.say(str(error))
            return name

    def _encode(self, rgb: Picture) -> StyleStats:
        return self.engine.style_stats(rgb)
