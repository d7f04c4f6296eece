"""The options of a live show's outputs and remote control."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecordOption = Annotated[
    Path | None, typer.Option("--record", help="Record into this .mp4 or .mkv from the start (key v stops and starts).")
]
SaveScriptOption = Annotated[
    Path | None,
    typer.Option("--save-script", metavar="FILE", help="Save what happens to the look as a script for --script."),
]
VirtualCameraOption = Annotated[
    bool, typer.Option("--virtual-camera", help="Be a camera for other programs: pip install 'livestyle[virtualcam]'.")
]
HttpOption = Annotated[
    int | None, typer.Option("--http", metavar="PORT", help="Serve a viewer page, MJPEG and a control API there.")
]
HttpHostOption = Annotated[str, typer.Option(help="Address to serve on; another than 127.0.0.1 needs --token.")]
OscOption = Annotated[
    int | None, typer.Option("--osc", metavar="PORT", help="Obey OSC messages there: pip install 'livestyle[osc]'.")
]
OscHostOption = Annotated[str, typer.Option(help="Address to listen on; another than 127.0.0.1 needs --token.")]
TokenOption = Annotated[
    str | None,
    typer.Option(envvar="LIVESTYLE_TOKEN", help="Secret of 16 characters or more that --http and --osc then ask for."),
]
NoWindowOption = Annotated[
    bool, typer.Option("--no-window", help="Only the outputs; ends by Ctrl-C, --seconds or the command quit.")
]
