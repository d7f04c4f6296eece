"""The show over HTTP: a viewer page, the picture as MJPEG or one JPEG, and a JSON API over the command table.

    GET /  /stream.mjpg  /frame.jpg  /api/state  /api/commands
    POST /api/command  {"name": "next"}  or  {"name": "alpha", "value": 0.5}

An answer is the state after the command; a refusal is {"error": one line} with its status. Nothing here can slow
the show: clients, the time of a request, its size and the time of a write are bounded, and a watcher that does
not keep up is dropped. HTTP/1.0: a connection is a request. What it does not know: what commands mean, HTTPS.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from io import BufferedReader
from typing import Any
from urllib.parse import parse_qs, urlsplit

from livestyle.errors import LivestyleError
from livestyle.remote.access import Refused, check_browser, port_problem, token_fits
from livestyle.remote.inbox import Busy, Inbox
from livestyle.remote.places import Places
from livestyle.remote.reading import Deadline, command_of, discard_body, read_body
from livestyle.remote.state import commands_state
from livestyle.sinks.mjpeg import Jpeg, JpegFeed

MAX_CLIENTS = 32
MAX_WATCHERS = 16
"""Of the clients; the others are left for control."""
REQUEST_SECONDS = 10.0
"""From the connection to the last byte of a request."""
SEND_SECONDS = 3.0
"""A client that takes longer to take a picture or an answer is dropped."""
REPEAT_SECONDS = 2.0
"""A frozen picture is sent again so often, and so a watcher that has gone is noticed."""
SEND_BUFFER_BYTES = 256 * 1024
BOUNDARY = "livestyle-picture"
_PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'"
)


class HttpServer(ThreadingHTTPServer):
    """Listens from the moment it is made, answers from `start` to `stop`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CLIENTS

    def __init__(
        self, host: str, port: int, *, inbox: Inbox, feed: JpegFeed, token: str | None, report: Callable[[str], None]
    ) -> None:
        """report: takes one line for the person, in any thread. Raises SettingError when the port is not to be had."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.inbox, self.feed, self.token = inbox, feed, token
        self.too_slow = 0
        """Watchers dropped because they did not keep up."""
        self.watchers = Places(MAX_WATCHERS)
        self.clients = Places(MAX_CLIENTS)
        self._report = report
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise port_problem("http", host, port, error) from error
        self.port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="http", daemon=True)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's full name, which can take seconds."""
        if os.name == "posix":  # elsewhere it would let two programs have one port
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "livestyle", int(self.server_address[1])

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; connections that are open end by themselves."""
        if self._thread.ident is not None:
            self.shutdown()
            self._thread.join(timeout=2)
        self.server_close()

    @property
    def viewers(self) -> dict[str, object]:
        """How many watch, and how many were dropped because they did not keep up."""
        return {"watching": self.watchers.taken, "too_slow": self.too_slow}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, if not too many are answered already."""
        if not self.clients.take():
            self.close_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.clients.leave()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self._report(f"http: {error!r}: please report this line")


class _Handler(BaseHTTPRequestHandler):
    server: HttpServer
    server_version = "livestyle"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile = BufferedReader(Deadline(self.connection, time.monotonic() + REQUEST_SECONDS))

    def do_GET(self) -> None:
        pages = {
            "/": self._viewer,
            "/stream.mjpg": self._stream,
            "/frame.jpg": self._frame,
            "/api/state": lambda: self._json(200, self.server.inbox.ask(None)),
            "/api/commands": lambda: self._json(200, commands_state()),
        }
        self._answer(pages)

    def do_POST(self) -> None:
        self._answer({"/api/command": self._command})

    def _answer(self, pages: dict[str, Callable[[], None]]) -> None:
        """Check who asks, do it, and say in one line what cannot be done."""
        try:
            path = self._path()
            check_browser(self.headers, navigates=self.command == "GET" and path == "/")
            self._check_token()
            if path not in pages:
                raise Refused(404, f"{self.command} {path[:60]!r}: there is {', '.join(pages)}")
            pages[path]()
        except Refused as error:
            self.send_error(error.status, str(error))
            discard_body(self.headers, self.rfile)
        except Busy as error:
            self.send_error(503, str(error))
        except LivestyleError as error:
            self.send_error(400, str(error))

    def _path(self) -> str:
        try:
            return urlsplit(self.path).path
        except ValueError:
            raise Refused(400, f"{self.path[:60]!r} is no address: there is /, /api/state, ...") from None

    def _check_token(self) -> None:
        token = self.server.token
        if token is None:
            return
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = parse_qs(urlsplit(self.path).query).get("token", [""])[0] if self.command == "GET" else ""
        if not token_fits(given.strip(), token):
            raise Refused(
                401, "the token is missing or wrong: send Authorization: Bearer TOKEN, or ?token=TOKEN to GET"
            )

    def _command(self) -> None:
        request = command_of(read_body(self.headers, self.rfile))
        self._json(200, self.server.inbox.ask(request["name"], request.get("value")))

    def _viewer(self) -> None:
        page = resources.files("livestyle.remote").joinpath("viewer.html").read_bytes()
        self._send(200, "text/html; charset=utf-8", page, {"Content-Security-Policy": _PAGE_POLICY})

    def _frame(self) -> None:
        jpeg = self.server.feed.newest(0, REPEAT_SECONDS)
        if jpeg is None:
            raise Refused(503, "nothing is painted yet: try again")
        self._send(200, "image/jpeg", jpeg.data)

    def _stream(self) -> None:
        if not self.server.watchers.take():
            raise Refused(503, f"{MAX_WATCHERS} watch already: close one")
        try:
            self._stream_until_gone()
        except TimeoutError:
            self.server.too_slow += 1
        finally:
            self.server.watchers.leave()

    def _stream_until_gone(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._head(200, f"multipart/x-mixed-replace; boundary={BOUNDARY}", {})
        jpeg: Jpeg | None = None
        while not self.server.feed.closed:
            jpeg = self.server.feed.newest(jpeg.number if jpeg else 0, REPEAT_SECONDS) or jpeg
            if jpeg:
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg.data)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg.data + b"\r\n")

    def _json(self, status: int, content: object) -> None:
        self._send(status, "application/json", (json.dumps(content) + "\n").encode())

    def _send(self, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, content_type, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.connection.settimeout(SEND_SECONDS)
        self.send_response(status)
        common = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        for name, value in {"Content-Type": content_type, **common, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A refusal as one line of JSON; also what the base class refuses."""
        self._json(code, {"error": message or self.responses.get(code, ("refused", ""))[0]})

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: an address may hold the token."""
