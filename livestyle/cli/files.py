"""The commands that paint files: `video` and `image`. They know no camera and no window."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import typer

from livestyle.errors import PartialError, SettingError
from livestyle.options.common import (
    EngineOptions,
    FormatOption,
    LookOptions,
    MatchColorOption,
    ProfileOption,
    QualityOption,
    ResumeOption,
)
from livestyle.options.format import FormatOptions
from livestyle.options.group import with_options
from livestyle.options.painting import PaintingOptions
from livestyle.options.setup import Setup


@with_options(FormatOptions)
@with_options(PaintingOptions)
def video(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help='Video file; folder of images, "shots/*.png" or shot%04d.png; - is standard input.'
        ),
    ],
    options: PaintingOptions,
    format_options: FormatOptions,
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help="Video file to write: mp4, mkv, mov, webm or gif.")
    ] = None,
    out_option: Annotated[
        Path | None, typer.Option("--out", "-o", help="The same as OUT; - is standard output, in Matroska.")
    ] = None,
    resume: ResumeOption = True,
    profile: ProfileOption = False,
) -> None:
    """Stylize a video: same frames, same timestamps, same sound."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from livestyle.files import pipes
    from livestyle.files.transcode import PIPE_OUTPUT, profile_text
    from livestyle.options.studio import Studio
    from livestyle.sinks.output_file import check_output

    output = _one_output(out, out_option)
    video_format = format_options.video_format
    studio = Studio(options)
    say = studio.setup.say
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ExitStack() as stack:
        if output == pipes.PIPE:
            video_format.check(PIPE_OUTPUT)
            descriptor = stack.enter_context(pipes.output_descriptor())
            media = stack.enter_context(pipes.input_media(source, whole=studio.paints_each_otherwise))
            paint = partial(studio.paint_stream, media, descriptor)
        else:
            check_output(output, source)
            video_format.check(output)
            path = stack.enter_context(pipes.input_file(source))
            paint = partial(studio.paint_video, path, output, resume=resume)
        studio.prepare()
        bar = stack.enter_context(Progress(*columns, console=Console(stderr=True), disable=options.quiet))
        task = bar.add_task(escape(source.name), total=None)
        report = paint(
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            note=say,
            video_format=video_format,
        )
    say(f"{output}: {report.frames} frames in {report.seconds:.1f} s, {report.fps:.2f} fps")
    if profile:
        say(profile_text(report))
    if report.damage:
        raise PartialError(f"{report.damage}; {output} has what could be read")


def _one_output(argument: Path | None, option: Path | None) -> Path:
    if argument is not None and option is not None:
        raise SettingError(f"{argument} and --out {option}: give one of them, the file to write")
    out = argument or option
    if out is None:
        raise SettingError("no output is named: give a file to write, as in `livestyle video in.mp4 out.mp4`")
    return out


@with_options(EngineOptions)
@with_options(LookOptions)
def image(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help='Image files, folders of them, or patterns: "photos/**/*.jpg".'),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, or a folder for several.")],
    look_options: LookOptions,
    engine_options: EngineOptions,
    file_format: FormatOption = None,
    quality: QualityOption = None,
    match_color: MatchColorOption = False,
) -> None:
    """Stylize pictures: upright, in sRGB, with the photograph's EXIF."""
    from livestyle.cli.late_bar import late_bar
    from livestyle.files.jobs import Job
    from livestyle.files.picture_jobs import paint_all, planned
    from livestyle.files.stills import Stills
    from livestyle.painting.pipeline import Painter
    from livestyle.sources.picture_files import picture_files

    setup, painting_size = Setup(engine_options), engine_options.painting_size
    jobs = planned(picture_files(sources), out, file_format=file_format, quality=quality)
    painter = cache(lambda: Painter(setup.engine, setup.bank, size=painting_size))
    look_for = setup.look_for(look_options, match_color=match_color)
    stills = Stills(painter, look_for, size=painting_size, quality=quality, weights=setup.weights_dir)

    def paint(job: Job) -> None:
        with late_bar(job.source.name, quiet=setup.quiet) as progress:
            stills.paint(job, setup.say, progress)
        setup.say(str(job.output))

    failures = paint_all(jobs, paint)
    if failures:
        typer.echo("\n  ".join([f"livestyle: {len(failures)} of {len(jobs)} pictures failed:", *failures]), err=True)
        raise typer.Exit(2)
