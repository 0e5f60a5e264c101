"""What a server may do to who fetches from it, and what it may not: each from a real server."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.errors import SourceError
from appliance.sources.web import fetch
from appliance.sources.web.fetch import Web
from appliance.sources.web.reach import reach_of
from tests.certificates import self_signed
from tests.sources.web.server import Request, WebServer, web_server


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def fails(web: Web, url: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        web.get(url).all(1000, 5)
    return str(caught.value)


def test_a_body_is_read_as_it_is_and_by_its_beginning(server: WebServer) -> None:
    server.paths["/a b/ü"] = server.paths["/a%20b/%C3%BC"] = lambda r: r.send(b"0123456789", "x/y")
    answer = Web(f"{server.url}/a b/ü?q=1#part", 2).get()
    assert answer.kind == "x/y"
    assert answer.peek(4) == b"0123"
    assert answer.read(2) == b"01"
    assert answer.all(100, 2) == b"23456789"


def test_ipv6() -> None:
    with web_server("::1") as server:
        server.paths["/"] = lambda r: r.send(b"six", "text/plain")
        assert Web(server.url, 2).get().all(10, 2) == b"six"
        assert server.asked[0][1]["Host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize(("status", "words"), [(401, "user and"), (403, "refuses"), (404, "path")])
def test_what_is_refused(server: WebServer, status: int, words: str) -> None:
    server.paths["/"] = lambda r: r.send(b"", "text/html", status)
    assert f"answers {status}" in (found := fails(Web(server.url, 2)))
    assert words in found


def test_user_and_password_by_basic(server: WebServer) -> None:
    def locked(request: Request) -> None:
        if request.headers.get("Authorization") == "Basic bWU6cDpANTU=":  # me:p:@55
            request.send(b"in", "text/plain")
        else:
            request.send(b"", "text/plain", 401, WWW_Authenticate='Basic realm="cam"')

    server.paths["/"] = locked
    address = server.url.removeprefix("http://")
    assert Web(f"http://me:p%3A%4055@{address}", 2).get().all(10, 2) == b"in"
    assert "wants a user" in fails(Web(f"http://me:p%3A%4056@{address}", 2))
    assert "wants a user" in fails(Web(server.url, 2))


def test_user_and_password_by_digest(server: WebServer) -> None:
    """RFC 7616's scheme with MD5, as network cameras have it."""

    def digest(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def locked(request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if given.startswith("Digest "):
            parts = [part.strip().partition("=") for part in given[7:].split(",")]
            got = {name: value.strip('"') for name, _, value in parts}
            secret = digest("me:cam:pa55")
            right = digest(
                f"{secret}:{got['nonce']}:{got['nc']}:{got['cnonce']}:auth:"
                f"{digest('GET:' + got['uri'])}"
            )
            if got["response"] == right:
                request.send(b"in", "text/plain")
                return
        request.send(
            b"", "text/plain", 401, WWW_Authenticate='Digest realm="cam", nonce="n", qop="auth"'
        )

    server.paths["/video.cgi"] = locked
    where = f"{server.url.replace('http://', 'http://me:pa55@')}/video.cgi?size=1"
    web = Web(where, 2)
    for _ in range(2):
        assert web.get().all(10, 2) == b"in"
    assert "wants a user" in fails(Web(where.replace("pa55", "pass"), 2))


def test_the_password_goes_to_the_configured_server_only(server: WebServer) -> None:
    with web_server() as other:
        other.paths["/"] = lambda r: r.send(b"there", "text/plain")
        server.paths["/"] = lambda r: (
            r.redirect(f"{other.url}/")
            if "Authorization" in r.headers
            else r.send(b"", "text/plain", 401, WWW_Authenticate='Basic realm="x"')
        )
        web = Web(server.url.replace("http://", "http://me:pa55@"), 2)
        assert web.get().all(10, 2) == b"there"
        assert all("Authorization" not in headers for _, headers in other.asked)


@pytest.mark.parametrize(
    "to",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x", "http://:80/", "//:99999/", "data:,x"],
)
def test_nothing_but_the_web_is_followed(server: WebServer, to: str) -> None:
    server.paths["/"] = lambda r: r.redirect(to)
    assert "refers to" in fails(Web(server.url, 2))
    if "://" in to:
        assert "refers to" in fails(Web(server.url, 2), to)


def test_redirects_end(server: WebServer) -> None:
    server.paths["/"] = lambda r: r.redirect("/")
    assert "more than 5 times" in fails(Web(server.url, 2))
    assert len(server.asked) < 10


def test_nobody_is_sent_closer_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    near = {"127.0.0.2": 3, "127.0.0.1": 1}
    monkeypatch.setattr(fetch, "reach_of", lambda address: near[address])
    with web_server("") as server:
        port = server.server_port
        server.paths["/near"] = lambda r: r.redirect(f"http://127.0.0.2:{port}/x")
        server.paths["/far"] = lambda r: r.redirect(f"http://127.0.0.1:{port}/x")
        server.paths["/x"] = lambda r: r.send(b"x", "text/plain")
        web = Web(f"http://127.0.0.1:{port}/near", 2)
        assert "closer to this machine" in fails(web)
        assert "closer to this machine" in fails(web, f"http://127.0.0.2:{port}/x")
        assert [path for path, _ in server.asked] == ["/near"]
        # From this machine outwards, or to an equal, is fine; so is what was configured.
        assert Web(f"http://127.0.0.2:{port}/far", 2).get().all(10, 2) == b"x"
        assert web.get(f"http://127.0.0.1:{port}/far").all(10, 2) == b"x"


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("93.184.216.34", 0), ("2606:2800:220:1::1", 0), ("10.0.0.5", 1), ("192.168.1.1", 1),
        ("172.16.0.1", 1), ("100.64.0.1", 1), ("fd00::1", 1), ("169.254.169.254", 2),
        ("fe80::1%eth0", 2), ("239.0.0.1", 2), ("127.0.0.1", 3), ("::1", 3), ("0.0.0.0", 3),
        ("::ffff:127.0.0.1", 3), ("::ffff:10.0.0.1", 1), ("64:ff9b::7f00:1", 3),
        ("2002:7f00:1::", 3), ("2002:a00:1::", 1),
    ],
)  # fmt: skip
def test_how_close_an_address_is(address: str, reach: int) -> None:
    assert reach_of(address) == reach


def test_a_body_without_end_is_cut(server: WebServer) -> None:
    def endless(request: Request) -> None:
        request.begin("image/jpeg")
        while True:
            request.wfile.write(bytes(65536))

    server.paths["/endless"] = endless
    server.paths["/large"] = lambda r: r.send(bytes(2000), "image/jpeg")
    web = Web(f"{server.url}/endless", 2)
    with pytest.raises(SourceError, match="more than 1000000 bytes"):
        web.get().all(1_000_000, 5)
    assert "more than 1000 bytes" in fails(web, f"{server.url}/large")


def test_a_slow_body_has_a_deadline(server: WebServer) -> None:
    over = threading.Event()

    def slow(request: Request) -> None:
        request.begin("image/jpeg")
        while not over.wait(0.02):
            request.wfile.write(b"x")
            request.wfile.flush()

    server.paths["/"] = slow
    answer = Web(server.url, 2).get()
    with pytest.raises(SourceError, match="too slow"):
        answer.all(1000, 0.2)
    answer = Web(server.url, 0.3).get()
    with pytest.raises(SourceError, match=r"less than 500 bytes in 0\.3 s"):
        answer.peek(500)
    answer.close()
    over.set()


def test_silence_has_a_deadline(server: WebServer) -> None:
    over = threading.Event()

    def half(request: Request) -> None:
        request.begin("a/b")
        request.wfile.write(b"x")
        over.wait(10)

    server.paths["/headers"] = lambda _request: _wait(over)
    server.paths["/body"] = half
    web = Web(f"{server.url}/headers", 0.3)
    assert "does not answer within 0.3 s" in fails(web)
    assert "does not answer within 0.3 s" in fails(web, f"{server.url}/body")
    over.set()


def test_a_reader_is_let_go_by_closing(server: WebServer) -> None:
    over = threading.Event()

    def half(request: Request) -> None:
        request.begin("a/b")
        request.wfile.write(b"x")
        over.wait(10)

    server.paths["/"] = half
    answer = Web(server.url, 30).get()
    assert answer.read() == b"x"
    reader = threading.Thread(target=lambda: _quietly(answer.read))
    reader.start()
    begun = time.monotonic()
    answer.close()
    reader.join(5)
    assert not reader.is_alive()
    assert time.monotonic() - begun < 3
    over.set()


def _quietly(read: Callable[[], bytes]) -> None:
    with contextlib.suppress(SourceError):
        read()


def _wait(event: threading.Event) -> None:
    event.wait(10)


def test_what_breaks_off(server: WebServer) -> None:
    def half(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "500")
        request.end_headers()
        request.wfile.write(bytes(100))
        request.close_connection = True

    server.paths["/"] = half
    assert "broke off after 100 of 500" in fails(Web(server.url, 2))


def test_a_certificate_that_nobody_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with web_server(tls=tls) as server:
        server.paths["/"] = lambda r: r.send(b"safe", "text/plain")
        server.paths["/down"] = lambda r: r.redirect("http://127.0.0.1/")
        assert "certificate is not trusted" in fails(Web(server.url, 2))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert Web(server.url, 2).get().all(10, 2) == b"safe"
        assert "from https to" in fails(Web(f"{server.url}/down", 2))


def test_what_is_no_web_server(free_port: int) -> None:
    assert "nothing answers there" in fails(Web(f"http://127.0.0.1:{free_port}", 2))
    assert "no such host" in fails(Web("http://no-such-host.invalid", 2))
