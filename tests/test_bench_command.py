"""The command `livestyle bench`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livestyle.bench import roofline, timing
from tests.conftest import Run
from tests.contestants import count_products, give_engines, stand_still


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines of the tests' own, and none of the parts that take their time."""
    give_engines(monkeypatch, stand_still(monkeypatch))
    count_products(monkeypatch)
    monkeypatch.setattr(roofline, "network_gflop", lambda model, weights, width, height: 1.0)


def rows_of(out: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(out.splitlines()[-1])["rows"]
    return found


def test_the_command_times_what_is_asked_for(run: Run) -> None:
    options = ["--model", "all", "--device", "openvino, cpu", "--size", "64x48, 32,64x48", "--runs", "2", "--no-memory"]
    result = run("bench", *options)
    assert result.code == 0, result.err
    rows = rows_of(result.out)
    assert [(r["model"], r["engine"], r["width"], r["height"]) for r in rows] == [
        (model, engine, width, height)
        for model in ("paper", "fast")
        for width, height in ((64, 48), (56, 32))
        for engine in ("openvino", "torch-cpu")
    ]
    assert {r["runs"] for r in rows} == {2} and rows[0]["speedup"] == 1 and rows[0]["peak_share"] == 0.1
    assert "x plain" in result.out and "x peer" not in result.out
    assert "64x48: timing paper openvino float32" in result.err
    assert run("bench", *options, "--quiet").err == ""


def test_the_command_keeps_to_the_budget(run: Run) -> None:
    options = ["--device", "cpu", "--size", "64x48", "--runs", "20", "--no-memory"]
    assert rows_of(run("bench", *options, "--budget", "0.08").out)[0]["runs"] == 8
    assert rows_of(run("bench", *options).out)[0]["runs"] == 20


def test_the_command_prints_markdown(run: Run) -> None:
    result = run("bench", "--size", "64x48", "--runs", "1", "--no-memory", "--markdown")
    assert "| model | engine |" in result.out and len(rows_of(result.out)) == 2


def test_the_command_measures_memory(run: Run, monkeypatch: Any) -> None:
    monkeypatch.setattr(timing, "peak_memory", lambda work: timing.Memory(77.0, "process"))
    result = run("bench", "--size", "64x48", "--runs", "1", "--device", "cpu")
    assert rows_of(result.out)[0]["memory"] == {"mib": 77.0, "of": "process"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "0"], "size '0'"),
        (["--size", "64x48,"], "size ''"),
        (["--size", "big"], "size 'big'"),
        (["--model", "vgg"], "choose auto, paper, fast or all"),
        (["--runs", "0"], "'--runs'"),
        (["--budget", "-1"], "'--budget'"),
        (["--int8", "--device", "cpu"], "--int8 is for the fast model"),
    ],
)
def test_odd_options_are_refused(run: Run, options: list[str], said: str) -> None:
    result = run("bench", *options)
    assert result.code == 2 and said in result.err and not result.out


def test_an_unknown_device_is_refused(run: Run) -> None:
    result = run("bench", "--device", "abacus,cpu")
    assert result.code == 2 and "device 'abacus': choose auto, cuda" in result.err
