"""A video file on a web server: it plays at its own speed, in a loop, and a server that goes away is a lost source."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from fractions import Fraction
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from livestyle.errors import SourceLost
from livestyle.sources.camera import CameraSource
from livestyle.sources.open import open_source
from livestyle.sources.pacing import PacedSource
from tests.media import write_clip

FRAMES = 5


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield http
        http.shutdown()


@pytest.fixture
def url(server: ThreadingHTTPServer, tmp_path: Path) -> str:
    """Of a clip of five frames a second."""
    write_clip(tmp_path / "clip.mp4", range(0, 6000 * FRAMES, 6000), rate=Fraction(5))
    return f"http://127.0.0.1:{server.server_address[1]}/clip.mp4"


def test_it_has_its_own_times_and_an_end(url: str) -> None:
    source = CameraSource(url)
    frames = list(iter(source.read, None))
    source.close()
    assert source.is_file
    assert [float(f.pts_seconds) for f in frames if f] == pytest.approx([n / 5 for n in range(FRAMES)], abs=0.01)


def test_it_is_paced_and_starts_over(url: str) -> None:
    source = open_source(url, pace_files=True, say=print)
    assert isinstance(source, PacedSource)
    frames = [frame for _ in range(FRAMES + 3) if (frame := source.read()) is not None]
    source.close()
    pts, grabbed = [float(f.pts_seconds) for f in frames], [f.grabbed_at for f in frames]
    assert len(frames) == FRAMES + 3 and pts == sorted(pts) and pts[-1] >= FRAMES / 5
    assert grabbed[-1] - grabbed[0] > 0.8 * (pts[-1] - pts[0])


def test_a_server_that_goes_away_is_a_lost_source(url: str, server: ThreadingHTTPServer) -> None:
    source = open_source(url, pace_files=True, say=print)
    assert source.read() is not None
    server.shutdown()
    server.server_close()
    with pytest.raises(SourceLost, match="does not answer"):
        for _ in range(3 * FRAMES):
            source.read()
    source.close()
