"""The commands that paint files: `video` and `image`. They know no camera and no window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livestyle.errors import PartialError, SettingError
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
    ProfileOption,
    QuietOption,
    RegionsOption,
    ResumeOption,
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
    script: ScriptOption = None,
    size: SizeOption = None,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    half: HalfOption = None,
    int8: Int8Option = False,
    weights: WeightsOption = None,
    resume: ResumeOption = True,
    profile: ProfileOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Stylize a video file: same frames, same timestamps, same sound."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from livestyle.file_painter import LookPainter
    from livestyle.look_options import LookOptions
    from livestyle.match_color import palette_of_video
    from livestyle.pipeline import Painter
    from livestyle.script import timeline, unchanging
    from livestyle.settings import fit_size
    from livestyle.transcode import profile_text, stylize_video

    if script is not None and match_color:
        raise SettingError("--script and --match-color exclude each other: give one of them")
    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    painting_size = size_option(size)
    cues = None if script is None else setup.script(script)
    options = LookOptions(look, style, split, mask, regions, alpha, preserve_color, palette, stability=stability)
    chosen = setup.look_for(options, match_color=match_color)(lambda: palette_of_video(source))
    looks = unchanging(chosen)
    if cues is not None:
        cues = setup.encoded_script(cues, setup.show(chosen))
        looks = timeline(cues, setup.show(chosen))
    painter = Painter(setup.engine, setup.bank, size=painting_size)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(source.name, total=None)
        report = stylize_video(
            source,
            out,
            LookPainter(painter, looks, setup.weights_dir),
            size_of=lambda width, height: fit_size(width, height, painting_size),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            note=setup.say,
            resume=resume,
        )
    setup.say(f"{out}: {report.frames} frames in {report.seconds:.1f} s, {report.fps:.2f} fps")
    if profile:
        setup.say(profile_text(report))
    if report.damage:
        raise PartialError(f"{report.damage}; {out} has what could be read")


def image(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help='Image files, folders of them, or patterns: "photos/**/*.jpg".'),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, or a folder for several.")],
    file_format: Annotated[
        str | None, typer.Option("--format", help="Of the files in a folder: png, jpg, webp or tiff. Default: png.")
    ] = None,
    quality: Annotated[int | None, typer.Option(help="Of jpg and webp, 1 to 100. Default: 95.")] = None,
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
    """Stylize pictures: upright, in sRGB, with the photograph's EXIF."""
    from livestyle.look_options import LookOptions
    from livestyle.picture_jobs import paint_all, planned
    from livestyle.sources.picture_files import picture_files
    from livestyle.stills import Stills

    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    painting_size = size_option(size)
    jobs = planned(picture_files(sources), out, file_format=file_format, quality=quality)
    options = LookOptions(look, style, split, mask, regions, alpha, preserve_color, palette)
    stills = Stills(setup, setup.look_for(options, match_color=match_color), size=painting_size, quality=quality)
    failures = paint_all(jobs, stills.paint)
    if failures:
        typer.echo("\n  ".join([f"livestyle: {len(failures)} of {len(jobs)} pictures failed:", *failures]), err=True)
        raise typer.Exit(2)
