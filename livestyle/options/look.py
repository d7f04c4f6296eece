"""From the options of a command to a Look: command line over the look's file over defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from livestyle.errors import SettingError
from livestyle.looks.look import Look, restyled
from livestyle.looks.masks import Layout, parse_mask, parse_split
from livestyle.looks.style_weights import StyleWeights, parse_style_weights
from livestyle.options.common import LookOptions
from livestyle.show.presets import find_look, looks_path

if TYPE_CHECKING:
    from livestyle.looks.bank import Bank, Encode


def described(options: LookOptions, default_style: Callable[[], str]) -> Look:
    """The Look that options describe; its styles may be image files, or unknown. Raises LivestyleError."""
    base = find_look(options.look, looks_path()) if options.look is not None else None
    layout = _layout(options)
    if layout is not None:
        weights = layout.focused_styles
        base = replace(base, weights=weights, layout=layout) if base else Look(weights, layout=layout)
    elif options.style is not None or base is None:
        weights = parse_style_weights(options.style if options.style is not None else default_style())
        base = replace(base, weights=weights, layout=None) if base else Look(weights)
    names = ("alpha", "preserve_color", "palette", "mirror", "stability")
    given: dict[str, Any] = {name: value for name in names if (value := getattr(options, name, None)) is not None}
    return replace(base, **given)


def resolved(look: Look, bank: Bank, encode: Encode, tell: Callable[[str], None]) -> Look:
    """With image files among the styles made into styles, and all others known. Raises LivestyleError."""

    def of(weights: StyleWeights) -> StyleWeights:
        found = bank.resolve(weights, encode)
        for name, weight in found:
            tell(f"style {weight:.0%} {bank.entry(name).info.label}")
        return found

    return restyled(look, of)


def _layout(options: LookOptions) -> Layout | None:
    """The regions of --split or --mask. Raises SettingError, also where they or --style are given together."""
    ways = {"--split": options.split, "--mask": options.mask, "--style": options.style}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise SettingError(f"{' and '.join(given)} exclude each other: give one of them")
    if options.regions is not None and options.mask is None:
        raise SettingError(f"--regions {options.regions!r} needs --mask, a picture with those colours")
    if options.split is not None:
        return parse_split(options.split)
    return None if options.mask is None else parse_mask(options.mask, options.regions)
