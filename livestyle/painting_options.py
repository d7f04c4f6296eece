"""The options of the commands that paint files over time: `video` and `batch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livestyle.errors import SettingError
from livestyle.options import (
    AlphaOption,
    ColorOption,
    DeviceOption,
    HalfOption,
    Int8Option,
    LookOption,
    MaskOption,
    MatchColorOption,
    ModelOption,
    PaletteOption,
    QuietOption,
    RegionsOption,
    ScriptOption,
    Setup,
    SizeOption,
    SplitOption,
    StabilityOption,
    StyleOption,
    VerboseOption,
    WeightsOption,
    size_option,
)

if TYPE_CHECKING:
    from livestyle.look_options import LookOptions


@dataclass(frozen=True)
class PaintingOptions:
    """As typed; None: not given."""

    look: LookOption = None
    style: StyleOption = None
    split: SplitOption = None
    mask: MaskOption = None
    regions: RegionsOption = None
    alpha: AlphaOption = None
    preserve_color: ColorOption = None
    palette: PaletteOption = None
    match_color: MatchColorOption = False
    stability: StabilityOption = None
    script: ScriptOption = None
    size: SizeOption = None
    model: ModelOption = "auto"
    device: DeviceOption = "auto"
    half: HalfOption = None
    int8: Int8Option = False
    weights: WeightsOption = None
    verbose: VerboseOption = False
    quiet: QuietOption = False

    def check(self) -> None:
        """Refuse what cannot be together. Raises SettingError."""
        if self.script is not None and self.match_color:
            raise SettingError("--script and --match-color exclude each other: give one of them")

    @property
    def painting_size(self) -> tuple[int, int] | int | None:
        """Of the paintings. Raises SettingError."""
        return size_option(self.size)

    @property
    def look_options(self) -> LookOptions:
        """Those that describe the Look."""
        from livestyle.look_options import LookOptions

        return LookOptions(
            self.look,
            self.style,
            self.split,
            self.mask,
            self.regions,
            self.alpha,
            self.preserve_color,
            self.palette,
            stability=self.stability,
        )

    def setup(self) -> Setup:
        """Raises SettingError, WeightsError."""
        return Setup(
            self.device,
            self.half,
            model=self.model,
            int8=self.int8,
            weights=self.weights,
            verbose=self.verbose,
            quiet=self.quiet,
        )
