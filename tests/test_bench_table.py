"""The benchmark's rows as text, Markdown and JSON."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import replace
from typing import Any

import pytest

from livestyle import __version__
from livestyle.bench import table
from livestyle.bench.peak_memory import Memory
from livestyle.bench.table import as_json, as_markdown, as_text, machine
from livestyle.bench.timing import BenchRow

PLAIN = BenchRow(
    model="paper",
    engine="torch-cpu",
    device="a CPU",
    precision="float32",
    width=1280,
    height=720,
    runs=15,
    p50_ms=1234.56,
    p95_ms=2345.67,
    fps=0.81,
    network_ms=1200.04,
    network_p95_ms=2300.0,
    speedup=None,
)
QUICK = replace(
    PLAIN, engine="openvino", device="the CPU", p50_ms=12.34, speedup=100.05, memory=Memory(199.6, "process"),
    gflop=1.5, peak_gflop_s=80.0, peak_share=0.626, peer_speedup=2.5,
)  # fmt: skip


def lines_of(text: str) -> list[list[str]]:
    """The table's lines in words; a column's name may be two."""
    return [line.split() for line in text.split("\n\n")[1].splitlines()]


def test_the_text_has_a_line_for_each_row_in_columns() -> None:
    table = as_text([QUICK, PLAIN]).split("\n\n")[1].splitlines()
    head, quick, plain = table
    assert quick.split() == [
        "paper", "openvino", "float32", "1280x720", "15", "12.3", "2345.7", "0.81", "1200.0", "2300.0", "200", "63",
        "100.05", "2.50",
    ]  # fmt: skip
    assert plain.split()[-4:] == ["-"] * 4
    assert len({len(line) for line in table}) == 1
    for column in ("p50 ms", "MiB", "x peer"):
        end = head.index(column) + len(column)
        assert all(line[end - 1] != " " and line[end : end + 1] in ("", " ") for line in (quick, plain))


def test_columns_that_nobody_fills_are_left_out_with_their_legend() -> None:
    full, bare = as_text([QUICK, PLAIN]), as_text([PLAIN])
    for word in ("MiB", "% peak", "x plain", "x peer"):
        assert word in full.split("\n\n")[1] and f"{word}: " in full
        assert word not in bare
    assert "fps: uint8 frame in" in bare


def test_the_head_names_machine_versions_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_cpu_name", lambda: "A CPU")
    monkeypatch.setattr(table, "usable_cores", lambda: 3)
    monkeypatch.setattr(table, "_version", {"torch": "2", "onnxruntime": "7"}.get)
    machine_line, devices = as_text([QUICK, PLAIN, PLAIN]).splitlines()[:2]
    assert machine_line == f"A CPU, 3 cores; livestyle {__version__}, torch 2, onnxruntime 7"
    assert devices == "openvino on the CPU; torch-cpu on a CPU"
    assert "onnxruntime" not in as_text([PLAIN])
    monkeypatch.setattr(table, "usable_cores", lambda: 1)
    assert as_text([PLAIN]).startswith("A CPU, 1 core; ")


def test_markdown_has_the_same_cells() -> None:
    head, rule, *lines = [line for line in as_markdown([QUICK, PLAIN]).splitlines() if line.startswith("|")]
    assert rule.split("|")[1:3] == [" --- ", " --- "] and rule.endswith("| ---: |")
    text = lines_of(as_text([QUICK, PLAIN]))[1:]
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines] == text
    assert head.count("|") == rule.count("|") == lines[0].count("|")


def test_json_is_one_line_with_everything() -> None:
    text = as_json([QUICK, PLAIN])
    found: dict[str, Any] = json.loads(text)
    assert "\n" not in text and found["livestyle"] == __version__
    quick, plain = found["rows"]
    assert quick["memory"] == {"mib": 199.6, "of": "process"} and quick["peak_gflop_s"] == 80
    assert plain["speedup"] is None and plain["p50_ms"] == 1234.56 and plain["device"] == "a CPU"


def test_the_machine() -> None:
    found = machine()
    assert found["cpu"] and found["cores"] >= 1 and found["python"].startswith("3.")
    assert found["versions"]["torch"] == importlib.metadata.version("torch")
    assert "no-such-package" not in found["versions"] and table._version("no-such-package") is None


def test_the_cpu_has_a_name_without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise ImportError("openvino")

    monkeypatch.setattr("livestyle.engine.openvino.shared_core", absent)
    monkeypatch.setattr(table.platform, "processor", lambda: "")
    monkeypatch.setattr(table.platform, "machine", lambda: "riscv64")
    assert table._cpu_name() == "riscv64"
