"""The commands that paint files: `video` and `image`. They know no camera and no window."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from livestyle.errors import PartialError
from livestyle.option_group import with_options
from livestyle.options import (
    AlphaOption,
    ColorOption,
    DeviceOption,
    FormatOption,
    HalfOption,
    Int8Option,
    LookOption,
    MaskOption,
    MatchColorOption,
    ModelOption,
    PaletteOption,
    ProfileOption,
    QualityOption,
    QuietOption,
    RegionsOption,
    ResumeOption,
    Setup,
    SizeOption,
    SplitOption,
    StyleOption,
    VerboseOption,
    WeightsOption,
    size_option,
)
from livestyle.painting_options import PaintingOptions


@with_options(PaintingOptions)
def video(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Video file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Video file to write: mp4, mkv, mov or webm.")],
    options: PaintingOptions,
    resume: ResumeOption = True,
    profile: ProfileOption = False,
) -> None:
    """Stylize a video file: same frames, same timestamps, same sound."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from livestyle.studio import Studio
    from livestyle.transcode import profile_text

    studio = Studio(options)
    studio.prepare()
    say = studio.setup.say
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=options.quiet) as bar:
        task = bar.add_task(source.name, total=None)
        report = studio.paint_video(
            source,
            out,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            note=say,
            resume=resume,
        )
    say(f"{out}: {report.frames} frames in {report.seconds:.1f} s, {report.fps:.2f} fps")
    if profile:
        say(profile_text(report))
    if report.damage:
        raise PartialError(f"{report.damage}; {out} has what could be read")


def image(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help='Image files, folders of them, or patterns: "photos/**/*.jpg".'),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, or a folder for several.")],
    file_format: FormatOption = None,
    quality: QualityOption = None,
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
    from livestyle.jobs import Job
    from livestyle.late_bar import late_bar
    from livestyle.look_options import LookOptions
    from livestyle.picture_jobs import paint_all, planned
    from livestyle.pipeline import Painter
    from livestyle.sources.picture_files import picture_files
    from livestyle.stills import Stills

    setup = Setup(device, half, model=model, int8=int8, weights=weights, verbose=verbose, quiet=quiet)
    painting_size = size_option(size)
    jobs = planned(picture_files(sources), out, file_format=file_format, quality=quality)
    options = LookOptions(look, style, split, mask, regions, alpha, preserve_color, palette)
    painter = cache(lambda: Painter(setup.engine, setup.bank, size=painting_size))
    look_for = setup.look_for(options, match_color=match_color)
    stills = Stills(painter, look_for, size=painting_size, quality=quality, weights=setup.weights_dir)

    def paint(job: Job) -> None:
        with late_bar(job.source.name, quiet=quiet) as progress:
            stills.paint(job, setup.say, progress)
        setup.say(str(job.output))

    failures = paint_all(jobs, paint)
    if failures:
        typer.echo("\n  ".join([f"livestyle: {len(failures)} of {len(jobs)} pictures failed:", *failures]), err=True)
        raise typer.Exit(2)
