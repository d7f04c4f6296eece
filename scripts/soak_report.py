"""What a soak has seen, once a second, and what follows from it. It knows no process and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from livestyle.meters import RECENT

WARM_SECONDS = 60.0
"""Memory counts from here: until then networks of several sizes are loaded and caches fill."""
GROWTH_MIB = 20.0
OLDEST_MS = 250.0
START_PAINTINGS = RECENT
"""The show's start, in which the rate hold finds its size: how old frames are there is told and not judged."""
MEMORY_SAMPLES = 10
"""Of memory at the beginning and at the end the median of so many is taken, none of them in a recording."""


@dataclass(frozen=True)
class Sample:
    """One look at the show. Latencies as /api/state has them: of its last few hundred paintings."""

    at_seconds: float
    """From the first painting."""
    memory_mib: float
    """Resident."""
    paintings: int
    recording: bool
    p50_ms: float
    p95_ms: float
    oldest_ms: float
    oldest_parts_ms: Mapping[str, float]
    """What it was made up of."""

    @classmethod
    def of(cls, at_seconds: float, memory_bytes: int, state: Mapping[str, Any]) -> Sample:
        """From an answer of /api/state."""
        stats = state["stats"]
        latencies_ms = [stats[f"latency_{name}_ms"] for name in ("p50", "p95", "max")]
        memory_mib, parts_ms = memory_bytes / 2**20, stats["latency_max_parts_ms"]
        return cls(at_seconds, memory_mib, stats["paintings"], state["recording"], *latencies_ms, parts_ms)


@dataclass(frozen=True)
class Report:
    """A soak in numbers. commands: how many were sent, by controller."""

    minutes: float
    commands: dict[str, int]
    frames_shown: int
    fps: float
    latency_p50_ms: float
    """Median of what the samples say."""
    latency_p95_ms: float
    oldest_frame_ms: float
    """Of any that was shown after the start, when it was shown."""
    oldest_frame_at_seconds: float
    oldest_parts_ms: Mapping[str, float]
    oldest_at_start_ms: float
    memory_after_first_minute_mib: float
    memory_end_mib: float
    growth_mib: float
    pictures_watched: int
    files_made: int
    refused: int
    """Commands that could not be sent or done."""
    tracebacks: int
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Numbers rounded to what they mean."""
        return {name: round(v, 1) if isinstance(v, float) else v for name, v in asdict(self).items()}


def report_of(
    samples: Sequence[Sample],
    *,
    commands: Mapping[str, int],
    pictures_watched: int,
    files_made: int,
    failures: Sequence[str],
    said: str,
    died: str,
) -> Report:
    """failures: commands that failed, one line each. said: all of stderr. died: how the process ended, or ""."""
    first, last = samples[0], samples[-1]
    seconds = last.at_seconds - first.at_seconds
    warm_seconds = min(WARM_SECONDS, seconds / 2)
    calm = [s.memory_mib for s in samples if not s.recording and s.at_seconds >= warm_seconds] or [last.memory_mib]
    begin_mib, end_mib = median(calm[:MEMORY_SAMPLES]), median(calm[-MEMORY_SAMPLES:])
    settled = [s for s in samples if s.paintings >= START_PAINTINGS + RECENT] or [last]  # all of RECENT is later
    oldest = max(settled, key=lambda s: s.oldest_ms)
    tracebacks = said.count("Traceback")
    checks = {
        died: bool(died),
        f"{tracebacks} tracebacks on stderr": tracebacks > 0,
        f"memory has grown by {end_mib - begin_mib:.1f} MiB, over {GROWTH_MIB:g}": end_mib - begin_mib > GROWTH_MIB,
        f"a frame {oldest.oldest_ms:.0f} ms old was shown, over {OLDEST_MS:g}": oldest.oldest_ms > OLDEST_MS,
    }
    return Report(
        minutes=seconds / 60,
        commands=dict(commands),
        frames_shown=last.paintings,
        fps=(last.paintings - first.paintings) / max(1e-9, seconds),
        latency_p50_ms=median(s.p50_ms for s in samples),
        latency_p95_ms=median(s.p95_ms for s in samples),
        oldest_frame_ms=oldest.oldest_ms,
        oldest_frame_at_seconds=oldest.at_seconds,
        oldest_parts_ms=oldest.oldest_parts_ms,
        oldest_at_start_ms=max(s.oldest_ms for s in samples if s is first or s not in settled),
        memory_after_first_minute_mib=begin_mib,
        memory_end_mib=end_mib,
        growth_mib=end_mib - begin_mib,
        pictures_watched=pictures_watched,
        files_made=files_made,
        refused=len(failures),
        tracebacks=tracebacks,
        problems=tuple(text for text, found in checks.items() if found),
    )


def as_text(report: Report) -> str:
    """For a person."""
    sent = ", ".join(f"{count} by {name}" for name, count in report.commands.items())
    return "\n".join(
        [
            f"{report.minutes:.1f} minutes, commands: {sent}; {report.refused} refused",
            f"{report.frames_shown} frames shown, {report.fps:.1f} fps, {report.pictures_watched} over HTTP",
            f"latency p50 {report.latency_p50_ms:.0f} ms, p95 {report.latency_p95_ms:.0f} ms, "
            f"oldest frame {report.oldest_frame_ms:.0f} ms (seen at {report.oldest_frame_at_seconds:.0f} s; "
            f"at the start {report.oldest_at_start_ms:.0f} ms): "
            + ", ".join(f"{part} {ms:.0f}" for part, ms in report.oldest_parts_ms.items()),
            f"memory {report.memory_after_first_minute_mib:.0f} MiB after the first minute, "
            f"{report.memory_end_mib:.0f} MiB at the end: {report.growth_mib:+.1f} MiB",
            *(f"PROBLEM: {problem}" for problem in report.problems),
        ]
    )
