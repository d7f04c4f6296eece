"""The show over OSC: a real client, and messages that are not meant for it."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livestyle.live.outputs import Outputs
from livestyle.looks.bank import Bank
from livestyle.remote.inbox import Inbox
from livestyle.remote.osc import OscServer
from livestyle.show.control import COMMANDS
from tests.conftest import Run
from tests.running import Running, wait_until

udp_client = pytest.importorskip("pythonosc.udp_client", reason="pip install python-osc")
osc_bundle_builder = pytest.importorskip("pythonosc.osc_bundle_builder")
osc_message_builder = pytest.importorskip("pythonosc.osc_message_builder")
TOKEN = "0123456789abcdef"


class Desk:
    """A running show and a client that sends to it."""

    def __init__(self, bank: Bank, folder: Path, token: str | None = None) -> None:
        self.running = Running(bank, folder)
        self.port = self.running.outputs.serve_osc("127.0.0.1", 0, token)
        self.client = udp_client.SimpleUDPClient("127.0.0.1", self.port)

    def __enter__(self) -> Desk:
        self.running.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.client._sock.close()  # older clients have no close
        self.running.__exit__(*error)

    def until(self, **wanted: object) -> None:
        """Wait until the show's state has these values, in the Look or beside it."""

        def there() -> bool:
            show = self.running.show.show
            return all(getattr(show.look if hasattr(show.look, k) else show, k) == v for k, v in wanted.items())

        self.running.until(there)


@pytest.fixture
def desk(bank: Bank, tmp_path: Path) -> Iterator[Desk]:
    with Desk(bank, tmp_path) as made:
        yield made


def test_styles_numbers_and_blends(desk: Desk) -> None:
    desk.client.send_message("/livestyle/style", "scream")
    desk.until(weights=(("scream", 1.0),))
    desk.client.send_message("/livestyle/alpha", 0.25)
    desk.until(alpha=0.25)
    desk.client.send_message("/livestyle/fade", 3)
    desk.until(fade_seconds=3.0)
    desk.client.send_message("/livestyle/blend", "wave:1,scream:3")
    desk.until(weights=(("wave", 0.25), ("scream", 0.75)), picks=("wave", "scream"))


def test_command_takes_a_name_and_a_value(desk: Desk) -> None:
    desk.client.send_message("/livestyle/command", "mirror")
    desk.until(mirror=True)
    desk.client.send_message("/livestyle/command", ["alpha", "0.5"])
    desk.until(alpha=0.5)


def test_a_button_acts_when_it_is_pressed_and_not_when_it_is_released(desk: Desk) -> None:
    desk.client.send_message("/livestyle/alpha-down", 1.0)
    desk.client.send_message("/livestyle/alpha-down", 0.0)
    desk.client.send_message("/livestyle/freeze", 1.0)
    desk.until(frozen=True)
    assert desk.running.show.show.look.alpha == 0.95


def test_a_switch_follows_the_value(desk: Desk) -> None:
    desk.client.send_message("/livestyle/record", 1)
    desk.until(recording=True)
    desk.client.send_message("/livestyle/record", 1)
    desk.client.send_message("/livestyle/record", 0.0)
    desk.until(recording=False)
    desk.client.send_message("/livestyle/mirror", "on")
    desk.client.send_message("/livestyle/command", ["mirror", "on"])
    desk.client.send_message("/livestyle/freeze", "on")
    desk.until(frozen=True, mirror=True)
    desk.client.send_message("/livestyle/mirror", 0)
    desk.until(mirror=False)


def test_a_refusal_is_told_to_the_person_once(desk: Desk) -> None:
    for _ in range(3):
        desk.client.send_message("/livestyle/style", "screm")
    desk.client.send_message("/livestyle/alpha", 7.0)
    desk.until(message="alpha 7.0: send a number, 0 to 1")
    said = desk.running.said
    assert sum("'screm'" in text and "nearest: scream" in text for text in said) == 1


def test_messages_of_the_wrong_form_are_told_once_in_a_row(desk: Desk) -> None:
    for _ in range(3):
        desk.client.send_message("/livestile/next", [])
    desk.client.send_message("/livestyle/alpha", [1, 2, 3])
    desk.client.send_message("/livestyle/command", [4])
    desk.client.send_message("/livestyle/mirror", "on")
    desk.until(mirror=True)
    told = [text for text in desk.running.said if text.startswith("osc: ")]
    assert told == [
        "osc: address '/livestile/next': addresses begin with /livestyle/, as in /livestyle/next",
        "osc: 'alpha' with 3 values: send one, or none",
        "osc: /livestyle/command 4: send the name of a command first",
    ]


def test_too_many_messages_are_told() -> None:
    said: list[str] = []
    server = OscServer("127.0.0.1", 0, inbox=Inbox(places=1), token=None, report=said.append)
    server.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        for _ in range(4):
            raw.sendto(b"/livestyle/next\0,\0\0\0", ("127.0.0.1", server.port))
        wait_until(lambda: bool(said))
    server.stop()
    assert said == ["osc: 1 requests wait already: send fewer"]


def test_a_message_of_next_year_is_done_at_once_and_holds_up_nobody(desk: Desk) -> None:
    bundle = osc_bundle_builder.OscBundleBuilder(time.time() + 365 * 86400)
    message = osc_message_builder.OscMessageBuilder("/livestyle/mirror")
    message.add_arg("on")
    bundle.add_content(message.build())
    desk.client.send(bundle.build())
    desk.client.send_message("/livestyle/alpha", 0.5)
    desk.until(mirror=True, alpha=0.5)


def test_noise_is_survived(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        for data in (b"", b"/livestyle/next", b"/livestyle/next\0,s\0\0", b"#bundle\0" + b"\xff" * 40, b"\xff" * 600):
            raw.sendto(data, ("127.0.0.1", desk.port))
    desk.client.send_message("/livestyle/alpha", 0.125)
    desk.until(alpha=0.125)
    assert "Traceback" not in capfd.readouterr().err


def test_with_a_token_nothing_is_done_without_it(bank: Bank, tmp_path: Path) -> None:
    with Desk(bank, tmp_path, TOKEN) as desk:
        desk.client.send_message("/livestyle/alpha", 0.5)
        desk.client.send_message("/livestyle/alpha", [TOKEN + "x", 0.5])
        desk.client.send_message("/livestyle/mirror", [])
        desk.client.send_message("/livestyle/alpha-down", [TOKEN])
        desk.client.send_message("/livestyle/command", [TOKEN, "mirror"])
        desk.until(alpha=0.95, mirror=True)
        told = [text for text in desk.running.said if "token of a message is missing or wrong" in text]
        assert len(told) == 1 and desk.running.outputs.news() == "", "a stranger does not flood the window either"


def test_every_command_has_its_address(desk: Desk) -> None:
    for command in COMMANDS:
        if command.name != "quit":
            desk.client.send_message(f"/livestyle/{command.name}", [])
            desk.running.more_paintings(1 if not desk.running.show.show.frozen else 0)  # the inbox has few places
    desk.client.send_message("/livestyle/alpha", 0.0625)
    desk.until(alpha=0.0625)
    assert not any("there is none of that name" in text for text in desk.running.said)


def test_a_port_that_is_taken_is_one_line(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        result = run("live", "0", "--no-window", "--osc", str(port))
    assert result.code == 2 and f"--osc {port}: " in result.err and result.err.count("\n") == 1


def test_other_machines_need_a_token(run: Run) -> None:
    result = run("live", "0", "--no-window", "--osc", "9000", "--osc-host", "0.0.0.0")
    assert result.code == 2 and "--token" in result.err and result.err.count("\n") == 1


def test_without_python_osc_the_install_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pythonosc.dispatcher", None)
    result = run("live", "0", "--no-window", "--osc", "9000")
    assert result.code == 2 and "pip install 'livestyle[osc]'" in result.err and result.err.count("\n") == 1


def test_a_show_that_has_ended_listens_no_more(bank: Bank, tmp_path: Path) -> None:
    with Desk(bank, tmp_path) as desk:
        pass
    outputs = Outputs(tmp_path)
    outputs.serve_osc("127.0.0.1", desk.port, None)
    outputs.stop()
