"""Raw sockets: garbage, slow clients and too much of everything, while the picture goes on."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appliance.http import connection, guard
from tests.http.serving import Served, read_all, serving, settings_of, wait_until

GET = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
PATCH = (
    b"PATCH /api/picture HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
DEADLINE_S = 0.4


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path) -> Iterator[Served]:
    """An appliance with short deadlines, eight connections and one viewer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "HEADERS_S", DEADLINE_S)
        patch.setattr(guard, "BODY_S", DEADLINE_S)
        patch.setattr(guard, "SEND_S", DEADLINE_S)
        folder = tmp_path_factory.mktemp("hasty")
        noise = np.random.default_rng(1).integers(0, 255, (180, 320, 3), np.uint8)
        Image.fromarray(noise).save(folder / "noise.png")
        data = settings_of(room, network, folder, connections=8, viewers=1, preview_fps=30)
        data["background"]["uri"] = str(folder / "noise.png")
        with serving(folder, data) as served:
            yield served


@pytest.fixture(autouse=True)
def _the_picture_goes_on(hasty: Served) -> Iterator[None]:
    """Whatever happens to the port: composites go out, and the next request is answered."""
    yield
    before = hasty.daemon.programme.composites
    wait_until(lambda: hasty.daemon.programme.composites > before + 3)
    assert b" 200 OK" in hasty.raw(GET)
    wait_until(lambda: not hasty.site.preview.viewers)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 80,
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"DESCRIBE rtsp://localhost/live RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"\r\n\r\n\r\n" * 3000,
        b"POST /api/reset HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\n\r\nzz\r\n",
        b"POST /api/reset HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)  # fmt: skip
def test_garbage_is_refused_or_cut_off(hasty: Served, garbage: bytes) -> None:
    answer = hasty.raw(garbage)
    status = answer.split(b" ", 2)[1] if answer else b"cut off"
    assert status in (b"400", b"408", b"421", b"cut off"), answer[:200]


def test_headers_that_are_too_large(hasty: Served) -> None:
    for head in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000,
        b"GET /" + b"x" * 40_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000,
    ):
        answer = hasty.raw(head)
        assert answer == b"" or b" 400 " in answer.splitlines()[0]


def test_slow_headers_are_cut_off(hasty: Served) -> None:
    """An occasional byte does not keep a connection open."""
    with socket.create_connection(hasty.address, timeout=10) as slow:
        began = time.monotonic()
        stop = threading.Event()

        def drip() -> None:
            for byte in GET[:-4] * 100:
                try:
                    slow.send(bytes([byte]))
                except OSError:
                    return
                if stop.wait(0.05):
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert read_all(slow, 10) == b""
        stop.set()
        dripping.join(5)
        assert time.monotonic() - began >= DEADLINE_S / 2


def test_silence_is_cut_off_also_after_an_answer(hasty: Served) -> None:
    assert hasty.raw(b"") == b""
    kept = GET.replace(b"Connection: close\r\n", b"")
    assert hasty.raw(kept).count(b"HTTP/1.1 200 OK") == 1
    assert hasty.raw(kept + b"GET /api/sta").count(b"HTTP/1.1") == 1


def test_two_requests_at_once_get_two_answers(hasty: Served) -> None:
    kept = GET.replace(b"Connection: close\r\n", b"")
    assert hasty.raw(kept + GET).count(b"HTTP/1.1 200 OK") == 2


def test_a_client_that_sends_no_more_still_gets_its_answer(hasty: Served) -> None:
    """Like ``nc -N``; two requests too, and half of one gets no answer."""
    kept = GET.replace(b"Connection: close\r\n", b"")
    for sent, answers in ((GET, 1), (kept, 1), (kept + kept, 2), (GET[:20], 0), (b"", 0)):
        with socket.create_connection(hasty.address, timeout=10) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client, 10).count(b"HTTP/1.1 200 OK") == answers


def test_a_slow_body_is_refused(hasty: Served) -> None:
    answer = hasty.raw(PATCH % 20 + b'{"fea')
    assert b" 408 " in answer.splitlines()[0]
    assert b"did not come within" in answer


def test_a_body_that_never_ends_is_cut_off(hasty: Served) -> None:
    """Even after its answer: what follows is discarded, for a while."""
    with socket.create_connection(hasty.address, timeout=10) as endless:
        endless.sendall(PATCH % 10**9)
        gone = threading.Event()

        def pour() -> None:
            while not gone.is_set():
                try:
                    endless.sendall(b"x" * 65536)
                except OSError:
                    return

        pouring = threading.Thread(target=pour)
        pouring.start()
        try:
            answer = read_all(endless, 10)
        finally:
            gone.set()
            pouring.join(5)
        assert answer == b"" or b" 413 " in answer.splitlines()[0]


def test_one_connection_too_many_is_cut_off(hasty: Served) -> None:
    wait_until(lambda: b" 200 " in hasty.raw(GET))
    held = [socket.create_connection(hasty.address, timeout=10) for _ in range(20)]
    try:
        cut = sum(read_all(one, 10) == b"" for one in held)
        assert cut == 20  # at once, or at the deadline of those that were accepted
    finally:
        for one in held:
            one.close()


def test_slow_clients_cannot_hold_all_connections(
    hasty: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty that send half a request, from here, do not keep out who sends a whole one."""
    slow = []
    try:
        for _ in range(60):
            one = socket.create_connection(hasty.address, timeout=10)
            one.sendall(b"GET / HTTP/1.1\r\nHost: local")
            slow.append(one)
            if len(slow) % 20 == 0:
                assert b" 200 " in hasty.raw(GET)
    finally:
        for one in slow:
            one.close()


class Held:
    """A connection as ``_make_room`` sees it."""

    def __init__(self, number: int, network: str, *, busy: bool = False) -> None:
        self.number, self.network, self.busy, self.cut = number, network, busy, False
        self.transport = self

    def abort(self) -> None:
        self.cut = True


def test_the_oldest_of_whoever_has_most_gives_way() -> None:
    many = [Held(number, "10.0.0.9") for number in range(5)]
    others = [Held(10 + number, f"10.0.1.{number}") for number in range(4)]
    answered = [Held(20 + number, "10.0.0.8", busy=True) for number in range(9)]
    new = Held(30, "10.0.2.1")
    connection._make_room(new, {*many, *others, *answered, new})
    assert [one.number for one in (*many, *others, *answered, new) if one.cut] == [0]
    # If everybody is being answered, it is the new one.
    new = Held(31, "10.0.2.1")
    connection._make_room(new, {*answered, new})
    assert new.cut
    assert not any(one.cut for one in answered)


def test_a_viewer_who_never_reads_is_cut_off(hasty: Served) -> None:
    """And makes room for another."""
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(hasty.address)
        stuck.sendall(GET.replace(b"/api/status", b"/api/preview?show=both"))
        wait_until(lambda: hasty.site.preview.viewers == 1)
        answer = hasty.client.get("/api/preview")
        assert answer.status_code == 503
        assert "as many as http.viewers allows" in answer.json()["error"]
        wait_until(lambda: hasty.site.preview.viewers == 0)


def test_many_connects_and_disconnects(hasty: Served) -> None:
    for number in range(200):
        with socket.create_connection(hasty.address, timeout=10) as one:
            if number % 3 == 0:
                one.sendall(GET[: number % len(GET)])
    wait_until(lambda: b" 200 " in hasty.raw(GET))
