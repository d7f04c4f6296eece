"""The command that paints many files: `batch`."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from livestyle.options.common import FormatOption, QualityOption, ResumeOption
from livestyle.options.format import FormatOptions
from livestyle.options.group import with_options
from livestyle.options.painting import PaintingOptions


@with_options(FormatOptions)
@with_options(PaintingOptions)
def batch(
    sources: Annotated[
        list[Path], typer.Argument(metavar="IN...", help='Videos, pictures, folders, or patterns: "clips/**/*.mp4".')
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the paintings; folders of folders are kept.")],
    options: PaintingOptions,
    format_options: FormatOptions,
    file_format: FormatOption = None,
    quality: QualityOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Paint what is there already, too.")] = False,
    resume: ResumeOption = True,
    ray: Annotated[
        bool,
        typer.Option("--ray", help="On the Ray cluster that this machine is in, else on one of its own."),
    ] = False,
    ray_address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="On the Ray cluster there. Default: $RAY_ADDRESS.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a file, on a line of its own.")] = False,
) -> None:
    """Stylize many videos and pictures; one that fails does not stop the rest."""
    from livestyle.batch.cluster import connected, needs_gpu
    from livestyle.batch.cluster_batch import ClusterBatch
    from livestyle.batch.local import BatchOptions, LocalBatch, exit_code, remembering, waiting
    from livestyle.batch.plan import planned
    from livestyle.batch.report import BatchReport
    from livestyle.options.studio import Studio

    video_format = format_options.video_format
    studio = Studio(options, quality=quality)
    plan = planned(sources, out, picture_format=file_format or "png", quality=quality, video_format=video_format)
    if plan.left_out:
        names = ", ".join(path.name for path in plan.left_out[:3]) + (" ..." if len(plan.left_out) > 3 else "")
        studio.setup.say(f"left out, neither videos nor pictures: {len(plan.left_out)} files ({names})")
    to_do, outcomes = waiting(plan.jobs, overwrite=overwrite)
    report = BatchReport(plan.jobs, quiet=options.quiet, verbose=options.verbose, lines_of_json=json)
    with ExitStack() as stack:
        how = BatchOptions(resume=resume, progress=report.progress, video_format=video_format)
        batch: LocalBatch | ClusterBatch = LocalBatch(studio, how)
        if to_do and (ray or ray_address):
            gpu, tell = needs_gpu(options.device), studio.setup.detail
            cluster = stack.enter_context(connected(ray_address, gpu=gpu, tell=tell))
            batch = ClusterBatch(cluster, studio, how)
        if to_do:
            batch.prepare()
        stack.enter_context(report)
        for outcome in chain(outcomes, remembering(batch.paint(to_do))):
            report.add(outcome)
    raise typer.Exit(exit_code(report.outcomes))
