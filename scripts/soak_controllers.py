"""Who sends the soak's commands, as a person's programs do: a keyboard, an HTTP client, an OSC desk; and a watcher."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any

from scripts.soak_commands import Order
from tests.screen import Display

HOST = "127.0.0.1"
ANSWER_SECONDS = 10.0
KEY_NAMES = {
    "[": "bracketleft",
    "]": "bracketright",
    "-": "minus",
    "=": "equal",
    "+": "plus",
    ",": "comma",
    ".": "period",
    "?": "question",
    "tab": "Tab",
    "shift": "Shift_L",
}
"""xdotool's names of keys that it names otherwise; of a function key it writes the F large."""


def xdotool_key(key: str) -> str:
    """How xdotool names a key of `livestyle.show.keys`."""
    held, _, last = key.rpartition("+") if len(key) > 1 else ("", "", key)
    name = KEY_NAMES.get(last) or (last.upper() if last[0] == "f" and last[1:].isdigit() else last)
    return f"{held}+{name}" if held else name


class Site:
    """The show's JSON API."""

    def __init__(self, port: int) -> None:
        self._port = port

    def state(self) -> Any:
        """What /api/state answers. Raises OSError."""
        return self._request("GET", "/api/state")

    def send(self, order: Order) -> None:
        """Have it done. Raises OSError, also when the show refuses."""
        content: dict[str, object] = {"name": order.name}
        if order.value is not None:
            content["value"] = order.value
        self._request("POST", "/api/command", json.dumps(content))

    def _request(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            reply = connection.getresponse()
            text = reply.read().decode()
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()
        if reply.status != 200:
            raise OSError(f"{method} {path} {body or ''}: {reply.status} {text}")
        return json.loads(text)


class Desk:
    """OSC; nothing is answered."""

    def __init__(self, port: int) -> None:
        self._port = port

    def send(self, order: Order) -> None:
        """Send it on its way. Raises OSError."""
        from pythonosc.osc_message_builder import OscMessageBuilder

        message = OscMessageBuilder(f"/livestyle/{order.name}")
        if order.value is not None:
            message.add_arg(order.value)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(message.build().dgram, (HOST, self._port))


class Keyboard:
    """Key presses in the show's window."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._window = display.wait_for_window("livestyle")

    def send(self, order: Order) -> None:
        """Press the key."""
        self._display.press(self._window, xdotool_key(order.key))


class Watcher:
    """Watches /stream.mjpg in a thread until the show ends; `pictures` counts what came."""

    def __init__(self, port: int) -> None:
        self.pictures = 0
        self._connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, once the show has ended."""
        self._thread.join(ANSWER_SECONDS)

    def _watch(self) -> None:
        try:
            self._connection.request("GET", "/stream.mjpg")
            reply = self._connection.getresponse()
            while line := reply.readline():
                self.pictures += line.lower().startswith(b"content-length:")
        except (OSError, http.client.HTTPException):
            return  # the show has ended; how many pictures came is in the report
        finally:
            self._connection.close()
