"""The command line: all commands in one place. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import dataclasses
import json as jsonlib
import sys
from typing import Annotated

import typer

from livestyle import __version__
from livestyle.cli.batch import batch
from livestyle.cli.bench import bench
from livestyle.cli.files import image, video
from livestyle.cli.live import demo, live
from livestyle.cli.styles import styles_app
from livestyle.cli.weights import weights_app
from livestyle.errors import LivestyleError
from livestyle.options.common import JsonOption

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Turn a camera, a video or a picture into a painting. `livestyle demo` shows it at once.",
)
app.add_typer(styles_app, name="styles")
app.add_typer(weights_app, name="weights")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"livestyle {__version__}")
        raise typer.Exit


def devices(json: JsonOption = False) -> None:
    """List the cameras that are here."""
    from livestyle.sources.devices import list_cameras

    cameras = list_cameras()
    if json:
        typer.echo(jsonlib.dumps([dataclasses.asdict(camera) for camera in cameras], default=str))
        return
    for camera in cameras:
        typer.echo(f"{camera.index}: {camera.name}  {camera.path}  {camera.note}".rstrip())
    if not cameras:
        typer.echo("no cameras found; `livestyle live` also takes a URL or a video file", err=True)


def doctor(json: JsonOption = False) -> None:
    """Check versions, GPU, weights, codecs, display and camera, and say what to do about each."""
    from livestyle.cli.doctor import exit_code, run_checks, text

    checks = run_checks()
    typer.echo(jsonlib.dumps([dataclasses.asdict(check) for check in checks]) if json else text(checks))
    raise typer.Exit(exit_code(checks))


for _command in (live, demo, video, image, batch, devices, doctor, bench):
    app.command()(_command)


def main() -> None:
    """Run the program; an expected error is one line on stderr and exit code 2, or 3 when part of the work is done."""
    try:
        app()
    except LivestyleError as error:
        if str(error):
            print(f"livestyle: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
