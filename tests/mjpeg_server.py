"""A camera played over HTTP: a multipart MJPEG stream on 127.0.0.1 that tests can stop, hang and bring back."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import cv2
import numpy as np

from livestyle.frame import Picture


def jpeg_bytes(rgb: Picture) -> bytes:
    """One RGB picture as a JPEG file."""
    ok, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not ok:
        raise ValueError(f"a {rgb.shape} picture cannot be written as JPEG")
    return data.tobytes()


class MjpegServer:
    """Serves `frames_rgb` in a loop at `fps` to any number of clients, each starting at the first frame.

    Use as a context manager. `stop()` cuts every connection and refuses new ones, `start()` comes back on
    the same port, `hang()` keeps connections open and sends nothing until `resume()`.
    """

    def __init__(self, frames_rgb: Sequence[Picture], *, fps: float = 20.0) -> None:
        self.fps = fps
        self.frames_sent = 0
        self._jpegs = [jpeg_bytes(rgb) for rgb in frames_rgb]
        self._port = 0
        self._http: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._sending = threading.Event()
        self._sending.set()

    @property
    def url(self) -> str:
        """Where the stream is; known after the first start."""
        return f"http://127.0.0.1:{self._port}/stream.mjpg"

    def start(self) -> None:
        """Listen, on the port of the time before if there was one."""
        self._stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._http.daemon_threads = True
        self._port = int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every stream and close the port; safe to call twice."""
        self._stopping.set()
        if self._http is None or self._thread is None:
            return
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)
        self._http = None

    def hang(self) -> None:
        """Keep every connection and send nothing more, as a camera with a stuck driver does."""
        self._sending.clear()

    def resume(self) -> None:
        """Send again after `hang`."""
        self._sending.set()

    def __enter__(self) -> MjpegServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server, stopping = self, self._stopping

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    for jpeg in itertools.cycle(server._jpegs):
                        if not server._wait_turn(stopping):
                            return
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                        server.frames_sent += 1
                except OSError:
                    return  # the client went away, as clients do

            def log_message(self, format: str, *args: object) -> None:
                """Tests read stderr; the access log has no place there."""

        return Handler

    def _wait_turn(self, stopping: threading.Event) -> bool:
        """Sleep one frame, longer while hanging; False when the server stops."""
        stopped = stopping.wait(1 / self.fps)
        while not stopped and not self._sending.is_set():
            stopped = stopping.wait(0.02)
        return not stopped
