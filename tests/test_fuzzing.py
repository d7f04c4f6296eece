"""Files that are broken in any way: no traceback, no hang, nothing left over; what decodes is painted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests import fuzzing

COUNT = 150
LIMIT_SECONDS = 300


def test_broken_videos_are_painted_as_far_as_they_decode_or_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    clips = fuzzing.write_whole(tmp_path / "whole")
    assert [fuzzing.tried(clip, tmp_path / f"{clip.name}.mkv") for clip in clips] == ["ok"] * len(clips)
    command = [sys.executable, "-m", "tests.fuzzing", str(tmp_path), "0", str(COUNT)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment
    ) as run:
        try:
            said, errors = run.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            run.kill()
            said, errors = run.communicate()
            raise AssertionError(f"hangs after {said.splitlines()[-1:]}") from None
    lines = [json.loads(line) for line in said.splitlines()]
    assert run.returncode == 0, f"{lines[-1]}: {errors[-2000:]}"
    given, outcomes = lines[::2], lines[1::2]
    assert len(given) == len(outcomes) == COUNT
    fine = ("ok", "damaged", "refused")
    assert [(g, o) for g, o in zip(given, outcomes, strict=True) if o["outcome"] not in fine or o["left"]] == []
    counts = Counter(outcome["outcome"] for outcome in outcomes)
    assert min(counts[outcome] for outcome in fine) > 10  # they are broken neither too little nor too much
