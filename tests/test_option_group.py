"""Options that commands share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from livestyle.options.group import with_options


@dataclass(frozen=True)
class Colours:
    red: Annotated[bool, typer.Option("--red", help="Much of it.")] = False
    blue: Annotated[int, typer.Option("-b", help="How much of it.")] = 3


def program(seen: list[object]) -> typer.Typer:
    @with_options(Colours)
    def paint(name: str, colours: Colours, twice: bool = False) -> None:
        """Paint it."""
        seen.append((name, colours, twice))

    app = typer.Typer()
    app.command()(paint)
    return app


def test_a_command_gets_its_options_as_one_object() -> None:
    seen: list[object] = []
    for arguments in (["a"], ["b", "--red", "-b", "5", "--twice"]):
        assert CliRunner().invoke(program(seen), arguments).exit_code == 0
    assert seen == [("a", Colours(), False), ("b", Colours(True, 5), True)]


def test_help_names_them_all() -> None:
    said = CliRunner().invoke(program([]), ["--help"]).output
    for words in ("Paint it.", "--red", "How much of it.", "--twice"):
        assert words in said
