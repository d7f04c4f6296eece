"""Who may control the show: addresses, the token, and requests that a web page elsewhere has sent.

A browser sends any page's requests to this computer too. So a name in the Host header has to be this computer's
(a name that points here is how DNS rebinding works; a bare address cannot be rebound), an Origin has to be
the server's own, and nothing is answered that a browser marks as coming from another site.
What it does not know: encryption; on a network that others listen to, go through SSH or a reverse proxy.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from email.message import Message
from urllib.parse import urlsplit

from livestyle.errors import SettingError

MIN_TOKEN_CHARACTERS = 16


class Refused(Exception):
    """A request that is not answered: the HTTP status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def check_address(option: str, host: str, port: int, token: str | None) -> None:
    """Fail before the show begins. option: "http" or "osc", for the message. Raises SettingError."""
    if not 1 <= port <= 65535:
        raise SettingError(f"--{option} {port}: choose a port from 1024 to 65535, as in --{option} 8080")
    if token is not None and (len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or not token.isprintable()):
        raise SettingError(
            f"--token has {len(token)} characters: give at least {MIN_TOKEN_CHARACTERS}, plain letters and digits, "
            "as `openssl rand -hex 16` makes them"
        )
    if token is None and not is_loopback(host):
        raise SettingError(
            f"--{option}-host {host}: other machines could control the show; give --token SECRET "
            f"({MIN_TOKEN_CHARACTERS} characters or more) too, or leave it at 127.0.0.1"
        )


def port_problem(option: str, host: str, port: int, error: OSError) -> SettingError:
    """The one line for an address that cannot be listened on."""
    reason = error.strerror or str(error)
    return SettingError(f"--{option} {port}: {reason} (on {host}); choose another port, as in --{option} {port + 1}")


def is_loopback(host: str) -> bool:
    """Only this computer reaches it. A name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def token_fits(given: str, token: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given.encode(), token.encode())


def check_browser(headers: Message, *, navigates: bool) -> None:
    """Raise Refused for what a page of another site sent. navigates: the request is for a page of its own."""
    host = headers.get("Host", "")
    if not _is_this_computer(host):
        raise Refused(403, f"Host {host[:60]!r} is not this computer's: use its address, as in http://127.0.0.1")
    origin = headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        raise Refused(403, f"Origin {origin[:60]!r}: pages of other sites do not control the show")
    opened = navigates and headers.get("Sec-Fetch-Dest") == "document"
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not opened:
        raise Refused(403, "pages of other sites do not show or control this one")


def _is_this_computer(host_header: str) -> bool:
    try:
        name = urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
        return True
    except ValueError:
        own = socket.gethostname().lower()
        return name in {"localhost", own, f"{own.split('.')[0]}.local"}
