"""Options that several commands share, as one dataclass: each field is an option, named and typed as for typer.

@dataclass(frozen=True)
class Colours:
    red: Annotated[bool, typer.Option(help="...")] = False

@with_options(Colours)
def paint(path: Path, options: Colours) -> None: ...     # livestyle paint PATH --red
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


def with_options(group: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put a dataclass's fields in the place of the command's parameter of that type, as keyword parameters."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        (taker,) = (name for name, hint in hints.items() if hint is group)
        names = [field.name for field in fields(group)]
        parameters: list[inspect.Parameter] = []
        for name, parameter in inspect.signature(command).parameters.items():
            if name == taker:
                parameters += _parameters(group)
            else:
                parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

        @functools.wraps(command)
        def flat(**given: Any) -> None:
            options = group(**{name: given.pop(name) for name in names})
            command(**given, **{taker: options})

        flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return flat

    return decorate


def _parameters(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    defaults = {f.name: inspect.Parameter.empty if f.default is MISSING else f.default for f in fields(group)}
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
        for name, default in defaults.items()
    ]
