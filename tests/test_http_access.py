"""The show over HTTP: everyone who is to be kept out, or kept in bounds."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from livestyle.looks.bank import Bank
from livestyle.remote import http as server_module
from tests.running import PATIENCE_SECONDS
from tests.site import JSON, TOKEN, Site


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "localhost.evil.example", "[::1"]
)
def test_a_name_that_was_pointed_here_is_refused(site: Site, host: str) -> None:
    for path in ("/", "/api/state", "/frame.jpg", "/stream.mjpg"):
        assert site.get(path, Host=host).status == 403
    assert site.command("mirror", Host=host).status == 403
    assert site.running.show.show.look.mirror is False


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", socket.gethostname()])
def test_the_names_of_this_computer_are_answered(site: Site, host: str) -> None:
    assert site.get("/api/state", Host=f"{host}:{site.port}").status == 200


def test_names_of_headers_may_be_in_lower_case(site: Site) -> None:
    for request, status in ((b"host: localhost\r\n", b" 200 "), (b"host: localhost\r\norigin: http://a\r\n", b" 403 ")):
        with site.connect() as raw:
            raw.sendall(b"GET /api/state HTTP/1.0\r\n" + request + b"\r\n")
            assert status in raw.recv(100)


def test_an_address_that_is_none_is_refused(site: Site) -> None:
    with site.connect() as raw:
        raw.sendall(b"GET http://[ HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 400 " in raw.recv(100)
    assert not any("report" in text for text in site.running.said)


def test_pages_of_other_sites_are_refused(site: Site) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"https://127.0.0.1:{site.port}"):
        assert site.command("mirror", Origin=origin).status == 403
    assert site.get("/stream.mjpg", Sec_Fetch_Site="cross-site").status == 403
    assert site.get("/frame.jpg", Sec_Fetch_Site="same-site").status == 403
    assert site.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="iframe").status == 403
    assert site.running.show.show.look.mirror is False
    own = site.command("mirror", Origin=f"http://127.0.0.1:{site.port}", Sec_Fetch_Site="same-origin")
    assert own.status == 200 and "Access-Control-Allow-Origin" not in own.headers
    assert site.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document").status == 200, "a link to it works"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_could_send_is_refused(site: Site, content_type: str) -> None:
    reply = site.request("POST", "/api/command", '{"name": "mirror"}', {"Content-Type": content_type})
    assert reply.status == 415 and site.running.show.show.look.mirror is False


def test_a_body_too_large_is_refused_unread(site: Site) -> None:
    body = json.dumps({"name": "mirror", "value": "x" * 100_000})
    reply = site.request("POST", "/api/command", body, JSON)
    assert reply.status == 413 and "65536" in reply.json["error"]
    with site.connect() as raw:
        raw.sendall(b"POST /api/command HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        raw.sendall(b"Content-Length: 999999999\r\n\r\n")
        assert b" 413 " in raw.recv(100)
    with site.connect() as raw:
        raw.sendall(b"POST /api/command HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n")
        assert b" 411 " in raw.recv(100)


def test_with_a_token_nothing_is_answered_without_it(bank: Bank, tmp_path: Path) -> None:
    right, wrong = f"Bearer {TOKEN}", f"Bearer {TOKEN[:-1]}"
    with Site(bank, tmp_path, token=TOKEN) as site:
        for path in ("/", "/api/state", "/api/commands", "/frame.jpg", "/stream.mjpg"):
            assert site.get(path).status == site.get(f"{path}?token=").status == 401
            assert site.get(f"{path}?token={TOKEN}x").status == site.get(path, Authorization=wrong).status == 401
        for path in ("/", "/api/state", "/frame.jpg"):
            assert site.get(f"{path}?token={TOKEN}").status == site.get(path, Authorization=right).status == 200
        by_address = site.request("POST", f"/api/command?token={TOKEN}", '{"name": "mirror"}', JSON)
        assert by_address.status == site.command("mirror").status == 401
        assert site.command("mirror", Authorization=wrong).status == 401
        assert site.running.show.show.look.mirror is False
        assert site.command("mirror", Authorization=right).json["look"]["mirror"] is True


def test_who_only_connects_is_dropped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 0.3)
    with site.connect() as silent, site.connect() as dawdler:
        assert silent.recv(1) == b""
        with pytest.raises(OSError):
            for _ in range(10_000):  # a byte at a time does not prolong it
                dawdler.sendall(b"G")
                time.sleep(0.01)


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00\x01", b"GET", b"A" * 70_000, b"GET / HTTP/1.0\r\n" + b"x: y\r\n" * 200]
)
def test_noise_is_survived(site: Site, capfd: pytest.CaptureFixture[str], data: bytes) -> None:
    with site.connect() as raw:
        raw.sendall(data + b"\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(100)
    assert answer == b"" or b"200" not in answer
    assert site.get("/api/state").status == 200
    assert "Traceback" not in capfd.readouterr().err and not any("report" in text for text in site.running.said)


def test_clients_are_bounded_and_room_is_made_again(site: Site) -> None:
    crowd = [site.connect() for _ in range(server_module.MAX_CLIENTS)]
    site.running.until(lambda: site.server.clients.taken == server_module.MAX_CLIENTS)
    with site.connect() as late:
        late.settimeout(PATIENCE_SECONDS)
        assert late.recv(1) == b""
    site.running.more_paintings(3)
    for connection in crowd:
        connection.close()
    site.running.until(lambda: site.server.clients.taken == 0)
    assert site.get("/api/state").status == 200


def test_watchers_leave_room_for_control(site: Site) -> None:
    crowd = [site.connect() for _ in range(server_module.MAX_WATCHERS)]
    for connection in crowd:
        connection.sendall(b"GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
    site.running.until(lambda: site.server.watchers.taken == server_module.MAX_WATCHERS)
    assert f"{server_module.MAX_WATCHERS} watching" in site.running.outputs.summary()
    assert site.get("/stream.mjpg").status == 503
    assert site.command("mirror").status == 200
    for connection in crowd:
        connection.close()
