"""Compare weights, and pictures that other programs painted: a table of figures and a sheet to look at.

    python -m train.evaluate --content PHOTOGRAPHS --style ARTWORKS --out runs/evaluation \\
        --systems livestyle=weights new=runs/decoder peer=pictures:painted-by-peer

Every photograph is painted in every artwork's style, as the program does it. `train.metrics` says what the
figures mean. They can be compared within one run, or where content, style, side and encoder are the same.
"""

from __future__ import annotations

import glob
import re
import sys
import tarfile
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import islice, product
from pathlib import Path
from typing import Literal

import torch

from livestyle import __version__
from livestyle.bench.timing import interleaved_ms, test_picture
from livestyle.engine.eager import device_name
from livestyle.errors import LivestyleError, SettingError, SourceError
from livestyle.frame import Picture
from livestyle.model.losses import tap_stats
from livestyle.painting.size import parse_size
from livestyle.sinks.images import save_image
from train.data import Entry, index_pictures, read_picture
from train.metrics import Judge, warping_error
from train.runtime import flag, parse_flags, pick_device
from train.sheet import Record, draw_sheet, write_tables
from train.systems import Pictures, Sample, System, Weights, at_side, clip_frames, weights_entry

SAID = 5
"""Reasons why something is left out that are printed for each system."""
SHEET_ROWS = 4
"""Photographs on the sheet, each with an artwork of its own."""


@dataclass(frozen=True)
class Flags:
    """Compare systems on the same photographs, artworks and clips."""

    content: tuple[str, ...] = flag("photographs: folders, tar shards or globs")
    style: tuple[str, ...] = flag("artworks: folders, tar shards or globs")
    systems: tuple[str, ...] = flag(
        "NAME=FOLDER of weights (with manifest.json) or of a training run, or NAME=fast:FOLDER for that model of it; "
        "or NAME=pictures:FOLDER of <content>__<style>.png, and <clip>__<style>.mp4 or .mkv, painted by another program"
    )
    out: Path = flag("folder for table.md, table.json and sheet.png")
    count_content: int = flag("photographs: the first so many by name", 12)
    count_style: int = flag("artworks: the first so many by name", 12)
    side: int = flag("photographs and artworks are resized to this shorter side, in pixels", 384)
    palette: bool = flag("the palette step after the network, as in the program", True)
    refine: bool = flag("refine each artwork for the fast model first, as `livestyle styles add` does", False)
    clips: tuple[str, ...] = flag("video files or globs, for the warping error", ())
    clip_style: str = flag("the artwork for the clips, by its file name; empty: the first", "")
    clip_frames: int = flag("only the first so many frames of a clip; 0: all", 0)
    measure_with: Path = flag("normalised encoder weights that measure", Path("weights/vgg16.safetensors"))
    time_size: str = flag("size of the timed frames, WIDTHxHEIGHT", "640x360")
    time_runs: int = flag("timed frames a system; 0: none", 10)
    device: Literal["auto", "cpu", "cuda"] = flag("where to paint, measure and time", "auto")
    precision: Literal["auto", "float32", "half"] = flag("of the painting; auto: half on a GPU, as the program", "auto")
    keep_pictures: bool = flag("leave the paintings in --out, in pictures/NAME", False)

    def __post_init__(self) -> None:
        allowed = {"count_content": 1, "count_style": 1, "side": 32, "clip_frames": 0, "time_runs": 0}
        for name, least in allowed.items():
            if (value := getattr(self, name)) < least:
                raise SettingError(f"--{name.replace('_', '-')} {value}: give {least} or more")
        _ = self.timed_px

    @property
    def timed_px(self) -> tuple[int, int]:
        """(width, height) of --time-size. Raises SettingError."""
        size = parse_size(self.time_size)
        if not isinstance(size, tuple):
            raise SettingError(f"--time-size {self.time_size}: write WIDTHxHEIGHT, as in 640x360")
        return size


def open_systems(flags: Flags, device: torch.device) -> list[System]:
    """What --systems names. Raises SettingError or WeightsError."""
    systems: dict[str, System] = {}
    for spec in flags.systems:
        name, _, where = spec.partition("=")
        if not where or not re.fullmatch(r"[\w+()-][\w .+()-]*", name):
            raise SettingError(
                f"--systems {spec!r}: write NAME=FOLDER or NAME=pictures:FOLDER, as in livestyle=weights"
            )
        if name in systems:
            raise SettingError(f"--systems: two are named {name!r}; give each its own name")
        if where.startswith("pictures:"):
            systems[name] = Pictures(name, Path(where.removeprefix("pictures:")))
        else:
            half = flags.precision == "half" or (flags.precision == "auto" and device.type != "cpu")
            systems[name] = Weights(
                name, Path(where), palette=flags.palette, half=half, refine=flags.refine, device=device.type
            )
    return list(systems.values())


def read_samples(entries: list[Entry], side: int) -> list[Sample]:
    """The pictures at this shorter side; broken ones are named and left out.

    Raises SettingError when two have one name or none can be read.
    """
    samples: dict[str, Sample] = {}
    for entry in entries:
        stem = Path(entry.name).stem
        if stem in samples:
            raise SettingError(f"two pictures are named {stem!r}; paintings could not be told apart: rename one")
        try:
            samples[stem] = Sample(stem, at_side(read_picture(entry), side))
        except OSError as error:
            print(f"skipped, not a readable picture: {entry.name} in {entry.path} ({error})", flush=True)
    if not samples:
        raise SettingError(f"none of {len(entries)} pictures can be read, the first is {entries[0].path}: give others")
    return list(samples.values())


def clip_style(flags: Flags, artworks: list[Sample]) -> Sample:
    """The artwork in whose style clips are painted. Raises SettingError."""
    if not flags.clip_style:
        return artworks[0]
    wanted = [e for e in index_pictures(list(flags.style)) if flags.clip_style in (e.name, Path(e.name).stem)]
    if not wanted:
        raise SettingError(f"--clip-style {flags.clip_style!r} is not among the artworks: try {artworks[0].stem!r}")
    return read_samples(wanted[:1], flags.side)[0]


def find_clips(patterns: tuple[str, ...]) -> list[Path]:
    """The video files. Raises SettingError."""
    if patterns and not find_spec("av"):
        raise SettingError("--clips are read with PyAV: pip install av, or leave --clips out")
    clips: dict[str, Path] = {}
    for pattern in patterns:
        found = [Path(pattern)] if Path(pattern).is_file() else [Path(p) for p in sorted(glob.glob(pattern))]
        if not found:
            raise SettingError(f"--clips {pattern!r} matches no file: give video files or globs of them (in quotes)")
        for path in found:
            if clips.setdefault(path.stem, path) != path:
                raise SettingError(f"--clips: two are named {path.stem!r}; give each its own name")
    return list(clips.values())


def score_pictures(
    flags: Flags, systems: dict[System, Record], photographs: list[Sample], artworks: list[Sample], judge: Judge
) -> None:
    """Every photograph in every artwork's style, by every system; what is missing or broken is left out."""
    styles = [tap_stats(judge.taps(artwork.rgb)) for artwork in artworks]
    for number, photograph in enumerate(photographs, 1):
        print(f"photograph {number} of {len(photographs)}: {photograph.stem}", flush=True)
        structure = judge.taps(photograph.rgb)[3]
        for (artwork, style), (system, record) in product(zip(artworks, styles, strict=True), systems.items()):
            try:
                painting = system.paint(photograph, artwork)
            except SourceError as error:
                record.left_out.append(str(error))
                continue
            record.scores.append(judge.scores(painting, photograph.rgb, structure, style))
            if flags.keep_pictures and isinstance(system, Weights):
                folder = flags.out / "pictures" / system.name
                folder.mkdir(parents=True, exist_ok=True)
                save_image(folder / f"{photograph.stem}__{artwork.stem}.png", painting)


def score_clips(flags: Flags, systems: dict[System, Record], clips: list[Path], artwork: Sample) -> None:
    """Every clip in one artwork's style, by every system; what is missing or broken is left out."""
    for clip, (system, record) in product(clips, systems.items()):
        print(f"clip {clip.stem}: {system.name}", flush=True)
        try:
            frames = islice(clip_frames(clip), flags.clip_frames or None)
            record.clips[clip.stem] = warping_error(frames, system.paint_clip(clip, artwork))
        except SourceError as error:
            record.left_out.append(str(error))


def time_systems(flags: Flags, systems: dict[System, Record], artwork: Sample) -> None:
    """Milliseconds of the network, uint8 frame in and uint8 frame out, in turns."""
    frame = test_picture(*flags.timed_px)
    painters = [system for system in systems if isinstance(system, Weights)]
    jobs = [partial(painter.network, frame, artwork) for painter in painters]
    for painter, times_ms in zip(painters, interleaved_ms(jobs, flags.time_runs), strict=True):
        systems[painter].times_ms = times_ms


def sheet_of(systems: dict[System, Record], photographs: list[Sample], artworks: list[Sample]) -> Picture:
    """A few photographs, evenly spaced, each with an artwork of its own."""
    count = min(SHEET_ROWS, len(photographs))
    rows: list[list[Picture | None]] = []
    for i in range(count):
        photograph, artwork = photographs[i * len(photographs) // count], artworks[i * len(artworks) // count]
        rows.append([photograph.rgb, artwork.rgb])
        for system in systems:
            try:
                rows[-1].append(system.paint(photograph, artwork))
            except SourceError:
                rows[-1].append(None)
    return draw_sheet([record.label for record in systems.values()], rows)


def evaluate(flags: Flags) -> None:
    """Paint, measure, and leave table.md, table.json and sheet.png in flags.out.

    Raises LivestyleError or OSError when flags name what is not there.
    """
    if flags.device == "cuda" and not torch.cuda.is_available():
        raise SettingError("--device cuda: PyTorch finds no GPU; use --device cpu")
    device = pick_device(flags.device)
    systems = {s: Record(s.name, s.palette) for s in open_systems(flags, device)}
    measuring = weights_entry(flags.measure_with)
    judge = Judge(measuring, device)
    clips = find_clips(flags.clips)
    contents, styles = index_pictures(list(flags.content)), index_pictures(list(flags.style))
    photographs = read_samples(contents[: flags.count_content], flags.side)
    artworks = read_samples(styles[: flags.count_style], flags.side)
    artwork_of_clips = clip_style(flags, artworks)
    flags.out.mkdir(parents=True, exist_ok=True)

    score_pictures(flags, systems, photographs, artworks, judge)
    score_clips(flags, systems, clips, artwork_of_clips)
    time_systems(flags, systems, artworks[0])

    protocol = {
        "photographs": len(photographs),
        "artworks": len(artworks),
        "side_px": flags.side,
        "measured_with": f"{measuring.arch}-{measuring.sha256[:8]}",
        "clips": len(clips),
        "clip_style": artwork_of_clips.stem,
        "clip_frames": flags.clip_frames or "all",
        "timed_px": flags.time_size,
        "timed_runs": flags.time_runs,
        "device": device_name(device.type),
        "precision": ", ".join({s.engine.precision for s in systems if isinstance(s, Weights)}) or "-",
        "livestyle": __version__,
    }
    save_image(flags.out / "sheet.png", sheet_of(systems, photographs, artworks))
    print(write_tables(flags.out, protocol, list(systems.values())))
    for record in systems.values():
        for reason in record.left_out[:SAID]:
            print(f"{record.system}: left out: {reason}")
        if len(record.left_out) > SAID:
            print(f"{record.system}: and {len(record.left_out) - SAID} more, in table.json")


def main(argv: list[str] | None = None) -> None:
    """Read the flags, evaluate; what is wrong with them is said in one line, with exit code 2."""
    try:
        evaluate(parse_flags(Flags, argv))
    except (LivestyleError, OSError, tarfile.TarError) as error:
        print(f"train.evaluate: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
