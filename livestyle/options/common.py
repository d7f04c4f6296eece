"""The options that commands share, one by one and in groups (`livestyle.options.group`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

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
    typer.Option("--int8", help="The fast model in 8-bit integers, on OpenVINO: quicker, less of the style."),
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


@dataclass(frozen=True)
class LookOptions:
    """What a painting looks like, as typed; None: not given. look: the name of a stored one that the others change."""

    look: LookOption = None
    style: StyleOption = None
    split: SplitOption = None
    mask: MaskOption = None
    regions: RegionsOption = None
    alpha: AlphaOption = None
    preserve_color: ColorOption = None
    palette: PaletteOption = None


@dataclass(frozen=True)
class StreamLookOptions(LookOptions):
    """The same of paintings in a row."""

    stability: StabilityOption = None


@dataclass(frozen=True)
class LiveLookOptions(StreamLookOptions):
    """The same of what is shown to the person in front of the camera."""

    mirror: MirrorOption = None


@dataclass(frozen=True)
class EngineOptions:
    """What paints, at which size, and how much is said of it; as typed."""

    size: SizeOption = None
    model: ModelOption = "auto"
    device: DeviceOption = "auto"
    half: HalfOption = None
    int8: Int8Option = False
    weights: WeightsOption = None
    verbose: VerboseOption = False
    quiet: QuietOption = False

    @property
    def painting_size(self) -> tuple[int, int] | int | None:
        """Of the paintings. Raises SettingError."""
        from livestyle.painting.size import parse_size

        return None if self.size is None else parse_size(self.size)
