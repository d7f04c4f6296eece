"""`livestyle styles`: the bank on the command line."""

from __future__ import annotations

import json as jsonlib
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livestyle.errors import SettingError
from livestyle.options.common import DeviceOption, EngineOptions, HalfOption, JsonOption, QuietOption, WeightsOption
from livestyle.options.setup import Setup

if TYPE_CHECKING:
    from livestyle.engine.tiled import Progress
    from livestyle.frame import Picture
    from livestyle.looks.bank import BankEntry
    from livestyle.looks.style import StyleStats
    from livestyle.model.refining import Refiner

styles_app = typer.Typer(no_args_is_help=True, help="The bank of styles: list, add, refine, remove, show.")


def _as_dict(entry: BankEntry) -> dict[str, Any]:
    info = entry.info
    preview = str(entry.preview) if entry.preview.exists() else None
    return {
        "name": info.name,
        "title": info.title,
        "artist": info.artist,
        "year": info.year,
        "kind": info.kind,
        "builtin": entry.builtin,
        "file": str(entry.path),
        "preview": preview,
    }


@styles_app.command("list")
def list_styles(weights: WeightsOption = None, json: JsonOption = False) -> None:
    """All styles, built-in ones first; the first nine are on the number keys."""
    setup = Setup(EngineOptions(device="cpu", weights=weights))
    bank = setup.bank
    entries = [bank.entry(name) for name in bank.names]
    if json:
        typer.echo(jsonlib.dumps([_as_dict(entry) for entry in entries]))
        return
    for number, entry in enumerate(entries, 1):
        key = str(number) if number <= 9 else " "
        own = "" if entry.builtin else "   (yours)"
        typer.echo(f"{key} {entry.info.name:<24} {entry.info.label}{own}")
    if not entries:
        setup.say(f"no style fits encoder {bank.encoder}; `{bank.add_command}` adds one")


@styles_app.command()
def show(
    name: Annotated[str, typer.Argument(help="A style's name.")],
    weights: WeightsOption = None,
    json: JsonOption = False,
) -> None:
    """Everything about one style, with the path of its preview picture."""
    entry = Setup(EngineOptions(device="cpu", weights=weights)).bank.entry(name)
    fields = _as_dict(entry)
    typer.echo(
        jsonlib.dumps(fields) if json else "\n".join(f"{k:<8} {v}" for k, v in fields.items() if v not in ("", None))
    )


@styles_app.command()
def add(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    name: Annotated[str | None, typer.Option(help="Name of the style; default: the file's.")] = None,
    device: DeviceOption = "auto",
    half: HalfOption = None,
    weights: WeightsOption = None,
    refine: Annotated[
        bool, typer.Option("--refine/--no-refine", help="Also do what `styles refine` does. Default: yes.")
    ] = True,
    quiet: QuietOption = False,
) -> None:
    """Keep images as styles of your own, for the encoder in use, each with a preview painted in it."""
    from livestyle.cli.late_bar import late_bar
    from livestyle.files.preview import paint_preview
    from livestyle.model.weights import models_in

    if name is not None and len(images) > 1:
        raise SettingError(f"--name {name!r} for {len(images)} images: add them one by one to name them")
    setup = Setup(EngineOptions(device=device, half=half, weights=weights, quiet=quiet))
    refine = refine and "fast" in models_in(setup.weights_dir)
    refiner = cache(lambda: _refiner(setup))  # made when an image turned out to be one
    for path in images:
        with late_bar(path.name, quiet=quiet) as progress:

            def encode(rgb: Picture, progress: Progress = progress) -> StyleStats:
                stats = setup.engine.style_stats(rgb)
                return refiner().refine(stats, progress) if refine else stats

            entry = setup.bank.add(path, encode, name=name)
        paint_preview(setup.engine, setup.bank, entry)
        setup.say(f"added {entry.info.name}, preview {entry.preview}")


@styles_app.command("refine")
def refine_styles(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Styles that you added.")],
    device: DeviceOption = "auto",
    half: HalfOption = None,
    weights: WeightsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Bring the fast model nearer to styles, once, in about a minute each; it paints as quickly as before."""
    from livestyle.cli.late_bar import late_bar
    from livestyle.files.preview import paint_preview
    from livestyle.model.weights import models_in

    setup = Setup(EngineOptions(device=device, half=half, weights=weights, quiet=quiet))
    for name in names:
        setup.bank.own(name, "refined")
    if "fast" not in models_in(setup.weights_dir):
        raise SettingError(f"--weights {weights} has no fast model, which is what is refined: name others, or none")
    refiner = _refiner(setup)
    for name in names:
        with late_bar(name, quiet=quiet) as progress:
            entry = setup.bank.refine(name, partial(refiner.refine, progress=progress))
        paint_preview(setup.engine, setup.bank, entry)
        setup.say(f"refined {name}, preview {entry.preview}")


def _refiner(setup: Setup) -> Refiner:
    from livestyle.model.refining import Refiner

    return Refiner(setup.weights_dir, device="cuda" if setup.engine.name.endswith("cuda") else "cpu")


@styles_app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Styles that you added.")],
    weights: WeightsOption = None,
) -> None:
    """Remove styles of your own."""
    bank = Setup(EngineOptions(device="cpu", weights=weights)).bank
    for name in names:
        bank.remove(name)
        typer.echo(f"removed {name}")
