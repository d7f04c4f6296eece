"""The show over OSC (UDP): for TouchOSC, QLab, TouchDesigner, Stream Deck plugins.

    /livestyle/command NAME [VALUE]        /livestyle/NAME [VALUE]        with a token: the token comes first

The addresses are the command table's names. A button that sends 1 when pressed and 0 when released does a command
without a value once, and turns a switch on and off again. Messages are done as they come, whatever the time tag of
their bundle. Nothing is answered; a refusal is shown to the person at the show, once in a row. python-osc does it, an
extra (`osc`), imported only when asked for. What it does not know: what commands mean.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from livestyle.errors import LivestyleError, OutputError, SettingError
from livestyle.remote.access import port_problem, token_fits
from livestyle.remote.inbox import Busy, Inbox
from livestyle.show.control import command_named
from livestyle.show.values import quoted

PREFIX = "/livestyle/"
REPEAT_SECONDS = 60.0
"""A refusal that is told again and again, as a stranger's would be, is told so often."""


class OscServer:
    """Listens from the moment it is made, answers from `start` to `stop`."""

    def __init__(self, host: str, port: int, *, inbox: Inbox, token: str | None, report: Callable[[str], None]) -> None:
        """report: takes one line for the person, in any thread.

        Raises SettingError when the port is not to be had, OutputError without a recent python-osc.
        """
        try:
            from pythonosc.dispatcher import Dispatcher
            from pythonosc.osc_server import BlockingOSCUDPServer

            dispatcher = Dispatcher(strict_timing=False)  # else it sleeps until the time of a bundle
        except (ImportError, TypeError) as error:
            raise OutputError(
                "--osc: python-osc 1.10.2 or newer is not installed: run pip install 'livestyle[osc]'"
            ) from error
        self._inbox, self._token, self._report = inbox, token, report
        self._told, self._told_seconds = "", 0.0
        dispatcher.set_default_handler(self._receive)
        try:
            self._server = BlockingOSCUDPServer((host, port), dispatcher)
        except OSError as error:
            raise port_problem("osc", host, port, error) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="osc", daemon=True
        )

    def start(self) -> None:
        """Begin to take messages; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join(timeout=2)
        self._server.server_close()

    def _receive(self, address: str, *arguments: Any) -> None:
        try:
            request = self._request(address, list(arguments))
            if request is not None:
                self._inbox.post(*request)
        except (Busy, SettingError) as error:
            self._tell(f"osc: {error}")

    def _tell(self, text: str) -> None:
        now_seconds = time.monotonic()
        if text != self._told or now_seconds - self._told_seconds > REPEAT_SECONDS:
            self._told, self._told_seconds = text, now_seconds
            self._report(text)

    def _request(self, address: str, arguments: list[Any]) -> tuple[str, object] | None:
        """(name, value) of the command; None for one that is not to be done. Raises SettingError."""
        if self._token is not None:
            given = arguments.pop(0) if arguments else ""
            if not isinstance(given, str) or not token_fits(given, self._token):
                raise SettingError("the token of a message is missing or wrong: send it as the first value")
        if not address.startswith(PREFIX):
            raise SettingError(f"address {quoted(address)}: addresses begin with {PREFIX}, as in {PREFIX}next")
        name: Any = address.removeprefix(PREFIX)
        if name == "command" and arguments:
            name = arguments.pop(0)
        if not isinstance(name, str):
            raise SettingError(f"{PREFIX}command {quoted(name)}: send the name of a command first")
        if len(arguments) > 1:
            raise SettingError(f"{quoted(name)} with {len(arguments)} values: send one, or none")
        value = arguments[0] if arguments else None
        if value is not None and _is_button(name, value):
            return (name, None) if value else None
        return name, value


def _is_button(name: str, value: object) -> bool:
    """A number that only says whether a button is down."""
    try:
        return command_named(name).value is None and isinstance(value, (int, float))
    except LivestyleError:
        return False
