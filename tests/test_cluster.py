"""`livestyle batch --ray` on a real cluster of two workers on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.batches import ARGUMENTS, make_footage, paint_here
from tests.ray_cluster import ROOT, RayCluster
from tests.test_segments import packets_of

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


def batch(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "livestyle", "batch", *arguments, *ARGUMENTS, "--json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its outcomes by the name of the source, and what it said."""
    out, said = process.communicate(timeout=240)
    outcomes = [json.loads(line) for line in out.splitlines()]
    return process.returncode, {Path(outcome["source"]).name: outcome for outcome in outcomes}, said


def test_a_cluster_one_of_whose_machines_dies_paints_what_one_machine_does(tmp_path: Path) -> None:
    footage = make_footage(tmp_path / "footage")
    paint_here(footage, tmp_path / "alone")
    with RayCluster(tmp_path) as cluster:
        running = batch(tmp_path, cluster.secret, str(footage), "-o", "out", "--ray-address", cluster.address)
        while not (at_work := cluster.at_work()):
            assert running.poll() is None
            time.sleep(0.002)
        victim, its_folder = at_work.popitem()
        os.kill(victim, signal.SIGSTOP)  # so that it cannot end its task in time
        os.kill(cluster.machine_of(victim), signal.SIGKILL)
        os.kill(victim, signal.SIGKILL)
        assert its_folder.exists(), "it died in the middle"
        code, outcomes, said = ended(running)
    assert code == 2, said
    assert {name: outcome["status"] for name, outcome in outcomes.items()} == {
        "film.mp4": "painted",
        "cut.mp4": "damaged",
        "bad.mp4": "failed",
        "p.jpg": "painted",
    }
    assert outcomes["film.mp4"]["frames"] == 430 and "Traceback" not in said
    assert "2 tasks at once on a Ray cluster" in said
    for name in ("film.mp4", "cut.mp4"):
        assert packets_of(tmp_path / "out" / name) == packets_of(tmp_path / "alone" / name)
    one, other = (Image.open(tmp_path / folder / "day" / "p.png").tobytes() for folder in ("out", "alone"))
    assert one == other


def test_no_cluster_at_an_address_is_one_line(tmp_path: Path) -> None:
    footage = make_footage(tmp_path / "footage")
    code, _, said = ended(batch(tmp_path, {}, str(footage), "-o", "out", "--ray-address", "127.0.0.1:1"))
    assert code == 2 and said.count("\n") == 1
    assert said.startswith("livestyle: no Ray cluster at 127.0.0.1:1 (Connection refused): give the HOST:PORT")
