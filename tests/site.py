"""A running show with its HTTP server, and a client."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from livestyle.looks.bank import Bank
from livestyle.remote.http import HttpServer
from tests.running import PATIENCE_SECONDS, Camera, Running

TOKEN = "0123456789abcdef"
JSON = {"Content-Type": "application/json"}


class Reply:
    """A status with a body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """The show, its server on a port of its own, and what a client does."""

    def __init__(self, bank: Bank, folder: Path, source: Any = Camera, token: str | None = None, port: int = 0) -> None:
        self.running = Running(bank, folder, source)
        self.port = self.running.outputs.serve_http("127.0.0.1", port, token)

    def __enter__(self) -> Site:
        self.running.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.running.__exit__(*error)

    @property
    def server(self) -> HttpServer:
        server: Any = self.running.outputs._servers[0]
        assert isinstance(server, HttpServer)
        return server

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def command(self, name: str, value: Any = None, **headers: str) -> Reply:
        content = {"name": name} if value is None else {"name": name, "value": value}
        more = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.request("POST", "/api/command", json.dumps(content), {**JSON, **more})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
