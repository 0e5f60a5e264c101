"""The server thread: a port in use, another address, the end; the picture is never affected."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.config.settings.http import HttpSettings
from appliance.http import server as server_module
from appliance.http.server import HttpServer
from appliance.http.service import HttpService
from appliance.http.site import Site
from tests.http.serving import Served, get, parts, wait_until


def another(appliance: Served, **http: Any) -> HttpServer:
    """A second server for the same appliance."""
    settings = HttpSettings(**{"port": 0, "backgrounds": str(appliance.folder), **http})
    site = Site(appliance.daemon, appliance.reloader, appliance.site.load, settings)
    return HttpServer(site, settings, retry_s=0.05)


def test_a_taken_port_is_said_once_and_tried_again(
    appliance: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        server_module.log, "warning", lambda event, **more: said.append(more["reason"])
    )
    tries = 0
    listen = server_module._listen

    def counted(address: str, port: int) -> socket.socket:
        nonlocal tries
        tries += 1
        return listen(address, port)

    monkeypatch.setattr(server_module, "_listen", counted)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = another(appliance, port=port)
        server.start()
        wait_until(lambda: tries > 3)
        assert said == [
            f"127.0.0.1 port {port} is taken by another program; end that, or set another http.port"
        ]
        assert server.url is None
    try:
        wait_until(lambda: server.url)
        assert get(f"{server.url}/readyz").status_code == 200
    finally:
        assert server.stop(5)


@pytest.mark.parametrize(
    ("address", "words"), [("203.0.113.7", "is no address of this machine"), ("::", "")]
)
def test_other_addresses(appliance: Served, address: str, words: str) -> None:
    server = another(appliance, address=address, token="let-me-in-please")
    server.start()
    try:
        assert server.changed.wait(10)
        if words:
            assert words in (server.error or "")
        elif socket.has_ipv6 and server.url:
            port = server.url.rpartition(":")[2]
            for host in ("127.0.0.1", "[::1]"):
                assert get(f"http://{host}:{port}/").status_code == 200
    finally:
        assert server.stop(5)


def test_the_end_waits_for_nobody(appliance: Served) -> None:
    """With a viewer, a silent connection and a half-sent request, it ends all the same."""
    server = another(appliance)
    server.start()
    wait_until(lambda: server.url)
    host, port = (server.url or "").removeprefix("http://").split(":")
    with (
        socket.create_connection((host, int(port))) as half,
        socket.create_connection((host, int(port))),
        httpx.stream("GET", f"{server.url}/api/preview", verify=False) as viewer,
    ):
        half.sendall(b"GET / HTTP/1.1\r\nHo")
        assert parts(viewer, 1)
        began = time.monotonic()
        assert server.stop(4)
        assert time.monotonic() - began < 4
    assert not server.alive
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0


def test_a_mistake_in_the_program_is_an_answer(
    appliance: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(
        "appliance.http.guard.log.exception", lambda event, **more: logged.append(more["path"])
    )
    monkeypatch.setattr("appliance.http.state.status", lambda site: 1 / 0)
    answer = appliance.client.get("/api/status")
    assert answer.status_code == 500
    assert answer.json() == {"error": "a mistake in the program; the log says where"}
    assert logged == ["/api/status"]
    assert appliance.client.get("/readyz").status_code == 200


def test_a_server_that_dies_is_started_again(
    appliance: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = threading.Event()
    make = server_module.make_app

    def fails(*arguments: Any) -> Any:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("a mistake")
        return make(*arguments)

    monkeypatch.setattr(server_module, "make_app", fails)
    server = another(appliance)
    server.start()
    try:
        wait_until(lambda: server.url)
        assert broken.is_set()
        assert get(f"{server.url}/readyz").status_code == 200
    finally:
        assert server.stop(5)


def test_it_follows_the_settings(appliance: Served, free_port: int) -> None:
    service = HttpService(appliance.daemon, appliance.reloader, appliance.site.load)

    def follow(**http: Any) -> str | None:
        service.follow(HttpSettings(**{"backgrounds": str(appliance.folder), **http}))
        return service.server.url if service.server else None

    assert follow(enabled=False) is None
    try:
        wait_until(lambda: follow(port=free_port))
        url = follow(port=free_port)
        # The same port with other settings: the old server has to release it first.
        wait_until(lambda: follow(port=free_port, viewers=0) == url)
        server = service.server
        assert server is not None
        assert server.settings.viewers == 0
        wait_until(lambda: get(f"{url}/api/preview").status_code == 503)
        follow(enabled=False)
        wait_until(lambda: not server.alive)
        assert service.server is None
    finally:
        assert service.stop(5)


def test_a_server_that_cannot_even_be_made_is_nobodys_end(
    appliance: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example a missing package, or no more threads."""
    said: list[str] = []
    monkeypatch.setattr(
        "appliance.http.service.log.error", lambda event, **more: said.append(more["reason"])
    )
    monkeypatch.setattr("appliance.http.service._RETRY_S", 0.05)
    service = HttpService(appliance.daemon, appliance.reloader, appliance.site.load)
    wanted = HttpSettings(port=0, backgrounds=str(appliance.folder))
    with monkeypatch.context() as patch:
        patch.setattr("appliance.http.site.Gpus", lambda: 1 / 0)
        wait_until(lambda: service.follow(wanted) or said)
        for _ in range(5):
            service.follow(wanted)
    assert said == ["ZeroDivisionError: division by zero"]
    try:
        wait_until(lambda: service.follow(wanted) or service.server)
    finally:
        assert service.stop(5)


def test_hanging_work_hangs_nobody_else(appliance: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """For example a folder on a file server that is gone: other requests are answered."""
    let_go = threading.Event()
    monkeypatch.setattr(appliance.site.folder, "entries", lambda: let_go.wait(30) and [])
    monkeypatch.setattr("appliance.http.handling._ASIDE_S", 0.2)
    try:
        for _ in range(6):
            assert appliance.client.get("/api/backgrounds").status_code == 504
        busy = appliance.client.get("/api/backgrounds")
        assert busy.status_code == 503
        assert "too much is being done" in busy.json()["error"]
        assert appliance.client.get("/healthz").status_code == 200
        assert appliance.client.get("/").status_code == 200
    finally:
        let_go.set()
    wait_until(lambda: appliance.client.get("/metrics").status_code == 200)
    assert Path(appliance.folder).is_dir()
