"""What the commands share: their options, and the parts that are built from them when first used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livestyle.errors import SettingError, StyleError

if TYPE_CHECKING:
    from livestyle.bank import Bank
    from livestyle.engine import Engine
    from livestyle.frame import Picture
    from livestyle.look_options import LookOptions
    from livestyle.script import Script
    from livestyle.settings import Look
    from livestyle.show import Show
    from livestyle.style import Palette, StyleStats

StyleOption = Annotated[
    str | None,
    typer.Option(
        "--style",
        "-s",
        help="A style's name, an image file, or a blend: wave:0.7,scream:0.3. Default: the first style.",
    ),
]
LookOption = Annotated[
    str | None,
    typer.Option("--look", help="A look stored in looks.toml; other options change what it says."),
]
AlphaOption = Annotated[float | None, typer.Option(help="Degree of stylization, 0 to 1. Default: 1.")]
ColorOption = Annotated[
    bool | None,
    typer.Option(
        "--preserve-color/--no-preserve-color",
        help="Keep the source's colours: luma of the painting, chroma of the frame. Default: no.",
    ),
]
PaletteOption = Annotated[
    bool | None,
    typer.Option("--palette/--no-palette", help="Match the painting's colours to the style's palette. Default: yes."),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        help="Two sides in styles of their own: left:wave,right:scream, or top and bottom. "
        "The style `original` is the photograph."
    ),
]
MaskOption = Annotated[
    Path | None, typer.Option(help="A picture whose colours are regions with styles of their own; see --regions.")
]
RegionsOption = Annotated[
    str | None,
    typer.Option(help='What the colours of --mask mean: "black:original,white:wave" or "#ff0000:wave,#00ff00:scream".'),
]
MatchColorOption = Annotated[
    bool, typer.Option("--match-color", help="Recolour the style image to the content first; needs -s IMAGE.")
]
ScriptOption = Annotated[
    Path | None,
    typer.Option("--script", metavar="FILE", help="Looks over time, as cues in a TOML file: see docs/scripts.md."),
]
MirrorOption = Annotated[bool | None, typer.Option("--mirror/--no-mirror", help="Flip left and right. Default: no.")]
StabilityOption = Annotated[
    float | None, typer.Option(help="How steady the paintings of a stream are, 0 (off) to 1. Default: 0.5.")
]
SizeOption = Annotated[
    str | None, typer.Option(help="Size of the painting: WIDTHxHEIGHT or the shorter side, in pixels.")
]
ModelOption = Annotated[
    str,
    typer.Option(
        help="paper (VGG, the look of Huang & Belongie 2017), fast (a small network, real time on a CPU) or "
        "auto: paper on CUDA, fast elsewhere."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cuda, mps, openvino[:DEVICE] or cpu (plain PyTorch).")]
HalfOption = Annotated[
    bool | None, typer.Option("--half/--no-half", help="Half precision. Default: where the hardware has it.")
]
Int8Option = Annotated[
    bool,
    typer.Option("--int8", help="The fast model in 8-bit integers, on OpenVINO at alpha 1: quicker, less exact."),
]
WeightsOption = Annotated[
    str | None,
    typer.Option("--weights", help="Other networks: a name from `livestyle weights list`, or a folder of weights."),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume", help="Go on where an interrupted run stopped, if input and settings are the same."
    ),
]
ProfileOption = Annotated[bool, typer.Option("--profile", help="Say where the time went, stage by stage.")]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="Of pictures in a folder: png, jpg, webp or tiff. Default: png.")
]
QualityOption = Annotated[int | None, typer.Option(help="Of jpg and webp, 1 to 100. Default: 95.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

OutFolderOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for what is written.")]


class Setup:
    """What most commands need, each part built when first used."""

    def __init__(
        self,
        device: str,
        half: bool | None,
        *,
        model: str = "auto",
        int8: bool = False,
        weights: str | None = None,
        verbose: bool = False,
        quiet: bool = False,
    ) -> None:
        """Raises SettingError, and WeightsError when there are no such weights."""
        from livestyle.weights_store import find_weights

        if verbose and quiet:
            raise SettingError("--verbose and --quiet exclude each other: give one of them")
        self._device, self._half, self._int8, self._model = device, half, int8, model
        self._weights = weights
        self.weights_dir = None if weights is None else find_weights(weights)
        self._verbose, self._quiet = verbose, quiet

    def say(self, text: str) -> None:
        """Tell the person, on stderr, unless --quiet."""
        if not self._quiet:
            typer.echo(text, err=True)

    def detail(self, text: str) -> None:
        """Tell the person if --verbose."""
        if self._verbose:
            typer.echo(text, err=True)

    @property
    def quiet(self) -> bool:
        """Whether --quiet was given."""
        return self._quiet

    @cached_property
    def engine(self) -> Engine:
        """The engine; its choice is said once, with the reason."""
        from livestyle.engine import choose_engine

        engine = choose_engine(
            self._device, model=self._model, half=self._half, int8=self._int8, weights=self.weights_dir
        )
        weights = f", weights {self._weights}" if self._weights else ""
        chosen = f"model {engine.model}, engine {engine.name}, {engine.precision}{weights}"
        self.say(f"{chosen} ({engine.reason}; {engine.device})")
        return engine

    @cached_property
    def bank(self) -> Bank:
        """The styles that fit the weights; once it is said how many do not."""
        from livestyle.assets import asset_dir
        from livestyle.bank import Bank
        from livestyle.weights import encoder_id

        encoder = encoder_id(self.weights_dir)
        bank = Bank(encoder=encoder, weights=self._weights or "" if encoder != encoder_id() else "")
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
        from livestyle.look_options import LookOptions, described, resolved

        look = described(options or LookOptions(), lambda: self.bank.default_name)  # refuses bad values before any work
        return resolved(look, self.bank, self._encode, self.detail)

    def look_for(self, options: LookOptions, *, match_color: bool) -> Callable[[Callable[[], Palette]], Look]:
        """Gives the Look for a content, whose colours are asked for with match_color only. Raises LivestyleError."""
        from livestyle.look_options import described
        from livestyle.match_color import ColorMatch

        if not match_color:
            look = self.look(options)
            return lambda palette: look
        matched = ColorMatch(described(options, lambda: self.bank.default_name), self.bank, self._encode)
        return lambda palette: matched.look_for(palette())

    def show(self, look: Look) -> Show:
        """A show of all styles and stored looks that begins with this Look. Raises SettingError."""
        from livestyle.presets import looks_path, read_looks
        from livestyle.show import new_show

        return new_show(self.bank.names, look, looks=read_looks(looks_path()))

    def script(self, path: Path) -> Script:
        """The script in a file; its styles are known or image files. Raises LivestyleError."""
        from livestyle.script import read_script

        return read_script(path).with_styles(self._known_style)

    def encoded_script(self, script: Script, show: Show) -> Script:
        """The script with images among its styles encoded, for a show that begins like this.

        Raises LivestyleError, for a mistake in the script before anything is encoded.
        """
        from livestyle.script import timeline

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

    def _encode(self, rgb: Picture) -> StyleStats:
        return self.engine.style_stats(rgb)


def size_option(text: str | None) -> tuple[int, int] | int | None:
    """The value of --size, parsed. Raises SettingError."""
    from livestyle.settings import parse_size

    return None if text is None else parse_size(text)
