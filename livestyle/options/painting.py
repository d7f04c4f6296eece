"""The options of the commands that paint files over time: `video` and `batch`."""

from __future__ import annotations

from dataclasses import dataclass

from livestyle.errors import SettingError
from livestyle.options.common import EngineOptions, MatchColorOption, ScriptOption, StreamLookOptions


@dataclass(frozen=True)
class PaintingOptions(EngineOptions, StreamLookOptions):
    """As typed; None: not given."""

    match_color: MatchColorOption = False
    script: ScriptOption = None

    def check(self) -> None:
        """Refuse what cannot be together. Raises SettingError."""
        if self.script is not None and self.match_color:
            raise SettingError("--script and --match-color exclude each other: give one of them")
