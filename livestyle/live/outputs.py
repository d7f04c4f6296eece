"""Everything a live show feeds and obeys beside its window: recording, virtual camera, HTTP, OSC.

Each output has its own thread and queue and never makes the show wait. It takes clean paintings, without numbers
and messages. What it does not know: windows, and what commands mean.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from livestyle.frame import Frame
from livestyle.remote.access import check_address
from livestyle.remote.inbox import Inbox
from livestyle.sinks.background import BackgroundSink, Output, OutputStatus
from livestyle.sinks.mjpeg import JpegFeed
from livestyle.sinks.record import Recorder, check_recording
from livestyle.sinks.virtual_camera import VirtualCamera, find_camera

if TYPE_CHECKING:
    from livestyle.remote.http import HttpServer

NEWS_KEPT = 8
SERVER_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class OutputOptions:
    """Which outputs there are, besides a recording that is started later."""

    record: Path | None = None
    """Of the recordings; None: named by date and time."""
    virtual_camera: bool = False
    http: int | None = None
    """Port; None: no server."""
    http_host: str = "127.0.0.1"
    osc: int | None = None
    osc_host: str = "127.0.0.1"
    token: str | None = None


class Server(Protocol):
    """A server that obeys through the inbox."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End; called in a thread of its own."""


class Outputs:
    """The outputs of one show. `report` is for any thread, the rest for the one that holds the show."""

    def __init__(self, folder: Path = Path("."), say: Callable[[str], None] = lambda text: None) -> None:
        """No outputs yet, but a recording can be started: livestyle-DATE-TIME.mp4 in the folder."""
        self.inbox = Inbox()
        self._say = say
        self._news: deque[str] = deque(maxlen=NEWS_KEPT)
        self._last_report = ""
        self._folder = folder
        self._recorder = Recorder(None, folder, self.report)
        self._sinks: list[BackgroundSink] = []
        self._feed: JpegFeed | None = None
        self._http: HttpServer | None = None
        self._servers: list[Server] = []

    def record_to(self, path: Path) -> None:
        """Name the recordings. Raises SettingError, OutputError."""
        check_recording(path)
        self._recorder = Recorder(path, self._folder, self.report)

    def add(self, name: str, open_output: Callable[[Frame], Output]) -> None:
        """Add an output that wants the newest painting and nothing older; see BackgroundSink."""
        self._sinks.append(BackgroundSink(name, open_output, self.report, places=1))

    def add_virtual_camera(self) -> None:
        """Show the paintings there. Raises OutputError when there is none."""
        self._say(f"virtual camera {find_camera()}")
        self.add("virtual camera", VirtualCamera)

    def serve_http(self, host: str, port: int, token: str | None) -> int:
        """Add the server; its port (0 asks for any). Raises SettingError when there is none to be had."""
        from livestyle.remote.http import HttpServer

        self._feed = JpegFeed()
        server = HttpServer(host, port, inbox=self.inbox, feed=self._feed, token=token, report=self.report)
        self._servers.append(server)
        self._http = server
        address = f"[{host}]" if ":" in host else host
        self._say(f"picture and control at http://{address}:{server.port}/" + ("?token=..." if token else ""))
        return server.port

    def serve_osc(self, host: str, port: int, token: str | None) -> int:
        """Add the server; its port (0 asks for any). Raises SettingError and, without python-osc, OutputError."""
        from livestyle.remote.osc import OscServer

        server = OscServer(host, port, inbox=self.inbox, token=token, report=self.report)
        self._servers.append(server)
        self._say(f"OSC at {host}:{server.port}, as in /livestyle/next" + (" with the token first" if token else ""))
        return server.port

    def report(self, text: str) -> None:
        """Tell the person: on stderr, and in the window; a line that repeats itself only once."""
        if text != self._last_report:
            self._last_report = text
            self._say(text)
        self._news.append(text)

    def news(self) -> str:
        """What was reported and not taken yet, one line at a time; "" for nothing."""
        return self._news.popleft() if self._news else ""

    def start(self) -> None:
        """Let the servers answer."""
        for server in self._servers:
            server.start()

    def put(self, painting: Frame) -> None:
        """Hand a clean painting, with the times of its frame, to all; never waits."""
        self._recorder.put(painting)
        for sink in self._sinks:
            sink.put(painting)
        if self._feed is not None:
            self._feed.put(painting.rgb)

    def follow(self, recording: bool) -> None:
        """Start or stop the recording, if that is a change."""
        if recording and not self._recorder.on:
            self._recorder.start()
        elif not recording and self._recorder.on:
            self._recorder.stop()

    def viewers(self) -> dict[str, object] | None:
        """How many watch over HTTP, and how many did not keep up; None without a server."""
        return self._http.viewers if self._http is not None else None

    def statuses(self) -> list[OutputStatus]:
        """Of the outputs that are on."""
        recording = self._recorder.status
        return ([recording] if recording else []) + [sink.status for sink in self._sinks]

    def summary(self) -> str:
        """One line for the numbers in the window; "" without outputs."""
        words = []
        for status in self.statuses():
            seconds = self._recorder.seconds if status.name == "recording" else None
            clock = f" {int(seconds) // 60}:{int(seconds) % 60:02}" if seconds is not None else ""
            trouble = " FAILS" if status.problem else ""
            dropped = f" ({status.dropped} dropped)" if status.dropped else ""
            words.append(f"{status.name}{clock}{trouble}{dropped}")
        if self._http is not None and self._http.watchers.taken:
            words.append(f"{self._http.watchers.taken} watching")
        return "   ".join(words)

    def stop(self) -> None:
        """End all, within a bounded time; a server that hangs keeps no file from being finished."""
        if self._feed is not None:
            self._feed.close()
        stopping = [threading.Thread(target=server.stop, daemon=True) for server in self._servers]
        for thread in stopping:
            thread.start()
        for sink in self._sinks:
            sink.stop()
        self._recorder.join()
        for sink in self._sinks:
            if not sink.join():
                self.report(f"{sink.name}: does not end; left behind")
        for thread in stopping:
            thread.join(SERVER_STOP_SECONDS)


def open_outputs(options: OutputOptions, folder: Path, say: Callable[[str], None]) -> Outputs:
    """The outputs as asked for; whatever cannot be had fails here, before the show. Raises LivestyleError."""
    if options.http is not None:
        check_address("http", options.http_host, options.http, options.token)
    if options.osc is not None:
        check_address("osc", options.osc_host, options.osc, options.token)
    outputs = Outputs(folder, say)
    if options.record is not None:
        outputs.record_to(options.record)
    if options.virtual_camera:
        outputs.add_virtual_camera()
    if options.http is not None:
        outputs.serve_http(options.http_host, options.http, options.token)
    if options.osc is not None:
        outputs.serve_osc(options.osc_host, options.osc, options.token)
    return outputs
