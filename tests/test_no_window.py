"""`livestyle live --no-window` as a program: ends by signals and by command, and finishes its recording."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.headless import Program, free_port
from tests.running import wait_until

PORT = free_port()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path, "--http", str(PORT), "--record", "show.mp4")
    yield made
    made.process.kill()
    made.process.wait()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "quit"])
def test_it_ends_cleanly_with_its_recording_whole(program: Program, tmp_path: Path, how: signal.Signals | str) -> None:
    program.until("recording to show.mp4")
    wait_until(lambda: paintings() >= 3)
    if isinstance(how, str):
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/api/command", b'{"name": "quit"}', {"Content-Type": "application/json"}
        )
        assert json.load(urllib.request.urlopen(request))["recording"] is True
    else:
        program.process.send_signal(how)
    assert program.process.wait(timeout=60) == 0, program.said
    assert "recorded show.mp4" in program.said and " fps, latency" in program.said
    assert "Traceback" not in program.said
    with av.open(str(tmp_path / "show.mp4")) as movie:
        assert movie.streams.video[0].frames >= 3
    assert not list(tmp_path.glob(".*.part*"))


def paintings() -> int:
    """What the show says it has painted."""
    state = urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/state").read().decode()
    found = re.search(r'"paintings": (\d+)', state)
    assert found
    return int(found[1])
