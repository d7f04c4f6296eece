"""Reads one HTTP request, within limits of time and size, to a command.

It does not know who sends it (`livestyle.remote.access`) nor what the command does.
"""

from __future__ import annotations

import json
import socket
import time
from email.message import Message
from io import BufferedIOBase, RawIOBase
from typing import Any

from livestyle.remote.access import Refused

MAX_BODY_BYTES = 64 * 1024


class Deadline(RawIOBase):
    """Reads a socket until a moment on the monotonic clock, then times out: no client can dawdle for longer."""

    def __init__(self, connection: socket.socket, until_seconds: float) -> None:
        self._connection = connection
        self._until_seconds = until_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(max(0.001, self._until_seconds - time.monotonic()))
        return self._connection.recv_into(buffer)


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """The body of a JSON request. Raises Refused."""
    if headers.get_content_type() != "application/json":
        raise Refused(415, "send Content-Type: application/json")
    length = _length(headers)
    if length is None:
        raise Refused(411, "send a Content-Length")
    if length > MAX_BODY_BYTES:
        raise Refused(413, f"a body of {length} bytes: send at most {MAX_BODY_BYTES}")
    body = stream.read(length)
    headers.replace_header("Content-Length", "0")  # read: nothing is left to discard
    return body


def discard_body(headers: Message, stream: BufferedIOBase) -> None:
    """Read what a refused request goes on to send, within limits, or the refusal would be lost with it."""
    stream.read(min(_length(headers) or 0, 16 * MAX_BODY_BYTES))


def _length(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def command_of(body: bytes) -> dict[str, Any]:
    """The request in a body. Raises Refused."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, 'the body is no JSON: send {"name": "next"} or {"name": "alpha", "value": 0.5}') from None
    known = isinstance(request, dict) and set(request) <= {"name", "value"}
    if not known or not isinstance(request.get("name"), str):
        raise Refused(400, 'send an object with a name and, where one is taken, a value: {"name": "next"}')
    return dict(request)
