"""The show over HTTP with a real client: pictures and commands."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from livestyle.frame import Frame
from livestyle.live.outputs import Outputs
from livestyle.looks.bank import Bank
from livestyle.remote import http as server_module
from livestyle.show.control import COMMANDS
from tests.conftest import Run
from tests.running import PATIENCE_SECONDS, Camera
from tests.site import JSON, TOKEN, Site


def parts(stream: io.BufferedIOBase, count: int) -> list[bytes]:
    """The first pictures of a multipart stream."""
    found: list[bytes] = []
    length = 0
    while len(found) < count:
        line = stream.readline()
        assert line, "the stream has ended"
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        elif line == b"\r\n" and length:
            found.append(stream.read(length))
            length = 0
    return found


def test_the_state_has_what_a_controller_needs(site: Site) -> None:
    state = site.get("/api/state").json
    assert "wave" in state["styles"] and state["look"]["weights"] == {"wave": 1.0}
    assert state["look"]["alpha"] == 1.0 and state["look"]["mirror"] is False
    assert state["stats"]["fps"] >= 0 and state["stats"]["latency_p50_ms"] <= state["stats"]["latency_p95_ms"]
    assert state["stats"]["latency_p95_ms"] <= state["stats"]["latency_max_ms"]
    assert state["source"] == "live" and state["recording"] is False and state["outputs"] == []


def test_the_command_table_is_served_whole(site: Site) -> None:
    commands = {c["name"]: c for c in site.get("/api/commands").json}
    assert set(commands) == {c.name for c in COMMANDS}
    assert commands["next"] == {"name": "next", "keys": ["n"], "help": "next style", "value": None, "optional": True}
    assert commands["alpha"]["value"] == "0 to 1" and not commands["alpha"]["optional"]


def test_every_command_can_be_sent(site: Site) -> None:
    for command in COMMANDS:
        if command.name != "quit":
            assert site.command(command.name).status == (400 if command.value and not command.value.optional else 200)


def test_commands_with_values_answer_with_the_new_state(site: Site) -> None:
    assert site.command("style", "scream").json["going_to"] == {"scream": 1.0}
    assert site.command("alpha", 0.25).json["look"]["alpha"] == 0.25
    assert site.command("alpha", "0.5").json["look"]["alpha"] == 0.5
    assert site.command("fade", 2).json["fade_seconds"] == 2.0
    assert site.command("blend", {"wave": 1, "scream": 3}).json["going_to"] == {"wave": 0.25, "scream": 0.75}
    assert site.command("blend", "wave:0.7,scream:0.3").json["going_to"] == pytest.approx({"wave": 0.7, "scream": 0.3})
    assert site.command("mirror").json["look"]["mirror"] is True


def test_switches_take_on_and_off(site: Site) -> None:
    for name in ("mirror", "bypass"):
        for value, on in (("on", True), ("on", True), ("off", False), (True, True), (0, False)):
            assert site.command(name, value).json["look"][name] is on
    for name in ("freeze", "shuffle", "pad", "fullscreen", "hud", "help"):
        for value, on in (("on", True), ("on", True), ("off", False)):
            assert site.command(name, value).json["frozen" if name == "freeze" else name] is on


def test_a_snapshot_is_saved_and_named(site: Site, tmp_path: Path) -> None:
    message = site.command("snapshot").json["message"]
    assert message.startswith("saving ")
    path = tmp_path / message.removeprefix("saving ")
    site.running.until(path.exists)


def test_quit_ends_the_show(site: Site) -> None:
    assert site.command("quit").status == 200
    site.running.thread.join(PATIENCE_SECONDS)
    assert not site.running.thread.is_alive()


BAD_COMMANDS = {
    "style": ({"name": "style", "value": "screm"}, "'screm': not in this show; nearest: scream"),
    "path": ({"name": "style", "value": "/etc/passwd.png"}, "not in this show"),
    "no text": ({"name": "style", "value": 7}, "not in this show"),
    "command": ({"name": "nxt"}, "'nxt': there is none of that name; nearest: next"),
    "no value": ({"name": "alpha"}, "alpha needs a value: 0 to 1"),
    "null": ({"name": "alpha", "value": None}, "alpha needs a value"),
    "too much": ({"name": "alpha", "value": 1.5}, "alpha 1.5: send a number, 0 to 1"),
    "huge": ({"name": "alpha", "value": 10**400}, "send a number"),
    "bool": ({"name": "alpha", "value": True}, "send a number"),
    "list": ({"name": "alpha", "value": [1] * 1000}, "send a number"),
    "fade": ({"name": "fade", "value": -1}, "0 to 60"),
    "unwanted": ({"name": "next", "value": 3}, "next takes no value"),
    "blend": ({"name": "blend", "value": {"wave": -1}}, "weight of wave -1"),
    "blend of none": ({"name": "blend", "value": {}}, "above 0"),
    "blend unknown": ({"name": "blend", "value": "wave:1,nothing_here:1"}, "'nothing_here'"),
    "switch": ({"name": "record", "value": "perhaps"}, "send on or off"),
    "look's switch": ({"name": "mirror", "value": 2}, "mirror 2: send on or off"),
    "no name": ({"value": 3}, "send an object with a name"),
    "other keys": ({"name": "next", "then": "quit"}, "send an object with a name"),
    "no object": (["next"], "send an object with a name"),
    "name is no text": ({"name": 3}, "send an object with a name"),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_a_bad_command_is_one_line_and_changes_nothing(site: Site, case: str) -> None:
    content, said = BAD_COMMANDS[case]
    before = site.running.show.show
    reply = site.request("POST", "/api/command", json.dumps(content), JSON)
    assert reply.status == 400 and set(reply.json) == {"error"}
    error = reply.json["error"]
    assert said in error and "\n" not in error and len(error) < 250
    assert site.running.show.show == before


@pytest.mark.parametrize("body", ["", "{", "NaN", "[" * 30_000, '{"name": "alpha", "value": NaN}', b"\xff\xfe\x00"])
def test_a_body_that_is_no_json(site: Site, body: Any) -> None:
    reply = site.request("POST", "/api/command", body, JSON)
    assert reply.status == 400 and "\n" not in reply.json["error"]


def test_other_paths_and_methods(site: Site) -> None:
    assert site.get("/../../etc/passwd").status == 404
    assert site.request("POST", "/api/state", "{}", JSON).status == 404
    assert site.request("DELETE", "/").status == 501
    assert site.get("/api/command").status == 404


def test_a_frame_is_the_painting(bank: Bank, tmp_path: Path) -> None:
    class Grey(Camera):
        def read(self) -> Frame | None:
            got = super().read()
            return got and Frame(np.full((48, 64, 3), (200, 100, 30), np.uint8), got.index, got.pts_seconds)

    with Site(bank, tmp_path, Grey) as site:
        reply = site.get("/frame.jpg")
    assert reply.headers["Content-Type"] == "image/jpeg"
    picture = np.asarray(Image.open(io.BytesIO(reply.body)))
    assert picture.shape == (48, 64, 3)
    np.testing.assert_allclose(picture.mean((0, 1)), (55, 155, 225), atol=3)


def test_the_stream_moves_and_is_encoded_once_for_all(site: Site) -> None:
    feed = site.server.feed
    site.running.more_paintings(20)
    assert feed.encoded == 0, "nobody watches"
    connections = [http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_SECONDS) for _ in range(4)]
    got: list[list[bytes]] = []

    def watch(connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/stream.mjpg")
        response = connection.getresponse()
        assert response.headers.get_content_type() == "multipart/x-mixed-replace"
        got.append(parts(response, 30))
        connection.close()

    threads = [threading.Thread(target=watch, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(got) == 4 and all(len(set(pictures)) > 25 for pictures in got)
    different = len({picture for pictures in got for picture in pictures})
    assert different < 90, "they see the same pictures"
    site.running.until(lambda: site.server.watchers.taken == 0)
    site.running.more_paintings(3)
    before = feed.encoded
    site.running.more_paintings(20)
    assert feed.encoded <= before + 1, "nobody watches any more"


class Large(Camera):
    """Noise, 1280x720: some hundred kilobytes a picture."""

    pictures = np.random.default_rng(0).integers(0, 255, (4, 720, 1280, 3), np.uint8)

    def read(self) -> Frame | None:
        time.sleep(0.02)
        self.given += 1
        return Frame(self.pictures[self.given % 4], self.given - 1, Fraction(self.given - 1, 50))


def test_a_watcher_that_does_not_read_is_dropped_and_slows_nothing(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "SEND_SECONDS", 0.5)
    with Site(bank, tmp_path, Large) as site, site.connect() as idle:
        idle.sendall(b"GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
        site.running.more_paintings(10)  # while it is stuck
        assert site.get("/api/state").status == 200
        site.running.until(lambda: site.server.too_slow == 1)
        assert site.get("/api/state").json["viewers"] == {"watching": 0, "too_slow": 1}
        assert site.running.show.meters.shown > 10


def test_the_stream_ends_with_the_show(site: Site) -> None:
    with site.connect() as watcher:
        watcher.sendall(b"GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert watcher.recv(10)
        site.command("quit")
        while watcher.recv(65536):
            pass
    site.running.thread.join(PATIENCE_SECONDS)
    with pytest.raises(ConnectionRefusedError):
        site.connect()


def test_a_page_is_served_that_nobody_can_frame(site: Site) -> None:
    reply = site.get("/")
    assert b"stream.mjpg" in reply.body and reply.headers.get_content_type() == "text/html"
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Referrer-Policy"] == "no-referrer"


BAD_OPTIONS = {
    "no token": (["--http", "8123", "--http-host", "0.0.0.0"], "--token"),
    "name": (["--http", "8123", "--http-host", "studio.local"], "--token"),
    "short token": (["--http", "8123", "--token", "secret"], "6 characters"),
    "port": (["--http", "99999"], "--http 99999: choose a port"),
    "address": (["--http", "8123", "--http-host", "192.0.2.1", "--token", TOKEN], "192.0.2.1"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options_end_before_the_show(run: Run, case: str) -> None:
    options, said = BAD_OPTIONS[case]
    result = run("live", "0", "--no-window", *options)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


def test_a_port_that_is_taken_is_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("live", "0", "--no-window", "--http", str(port))
    assert result.code == 2 and f"--http {port}: " in result.err and result.err.count("\n") == 1


def test_a_show_that_is_stuck_says_so(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    with pytest.raises(Exception, match="has not answered"):
        outputs.inbox.ask("mirror", timeout_seconds=0.05)
    done: list[Any] = []
    assert list(outputs.inbox.serve(lambda request: done.append(request) or {})) == [] and done == []  # type: ignore[func-returns-value]
    for _ in range(64):
        outputs.inbox.post("mirror")
    with pytest.raises(Exception, match="64 requests wait"):
        outputs.inbox.post("mirror")
