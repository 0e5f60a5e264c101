"""The RTSP server: whatever bytes come in, nobody reads without the password, and it goes on.

A case is what one client sends over one connection, with {nonce} and {response} standing for the
server's challenge and the right answer to it; one that begins with TLS: goes to the encrypted port.
"""

from __future__ import annotations

import hashlib
import random
import re
import socket
import ssl
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from appliance.config.secrets import Secret
from appliance.config.settings import RtspSettings
from appliance.outputs.rtsp import server, tls
from appliance.outputs.rtsp.output import RtspOutput
from appliance.system import log
from tests.certificates import self_signed
from tests.fuzz.harness import Target, main
from tests.fuzz.mutate import spoiled
from tests.outputs.conftest import FORMAT, Feed, picture

_PASSWORD = "correct horse battery"
_ANSWER_S = 8.0
_MOST_BYTES = 200_000
# The library reads a line byte by byte; megabytes of one would only measure that.
_LONGEST = 100_000
_TLS = b"TLS:"

METHODS = (b"OPTIONS", b"DESCRIBE", b"SETUP", b"PLAY", b"PAUSE", b"TEARDOWN", b"GET_PARAMETER",
           b"SET_PARAMETER", b"ANNOUNCE", b"RECORD", b"REDIRECT", b"GET", b"POST", b"", b"describe",
           b"X" * 300)  # fmt: skip
URIS = (
    b"rtsp://127.0.0.1/live", b"rtsp://127.0.0.1/live/", b"rtsp://127.0.0.1/live/stream=0",
    b"rtsp://127.0.0.1/live/stream=1", b"rtsp://127.0.0.1/live/stream=" + b"9" * 40, b"*", b"/live",
    b"rtsp://127.0.0.1/live?x=1", b"rtsp://127.0.0.1/../live", b"rtsp://127.0.0.1/.nowhere",
    b"rtsp://127.0.0.1/live/%2e%2e", b"rtsp://127.0.0.1", b"rtsp://", b"rtsp://[::1]/live",
    b"rtsp://[/live", b"rtsp://me:you@127.0.0.1:99999/live", b"rtsps://127.0.0.1/live",
    b"rtsp://127.0.0.1/" + b"a/" * 2000, b"rtsp://127.0.0.1/%00live", b"rtsp://127.0.0.1/\xff\xfe",
    b"http://127.0.0.1/live", b"rtsp://127.0.0.1/live/stream=0\xd9\xa3",
)  # fmt: skip
_PROOF = (
    b'Authorization: Digest username="mattebox", realm="Mattebox", nonce="{nonce}", '
    b'uri="rtsp://127.0.0.1/live", response="{response}"'
)
HEADERS = (
    b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1",
    b"Transport: RTP/AVP;unicast;client_port=0-1",
    b"Transport: RTP/AVP;multicast;destination=1.2.3.4;port=1-2;ttl=255", b"Transport: ;;;,,,=",
    b"Transport: RTP/AVP/TCP;unicast;interleaved=255-256", b"Transport: RTP/SAVP;unicast",
    b"Transport: RTP/AVP;unicast;destination=8.8.8.8;client_port=53-54",
    b"Session: 0123456789abcdef",
    b"Session: ", b"Session: " + b"x" * 3000, b"Range: npt=0-", b"Range: npt=-1-x", b"Scale: 1e999",
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: -1",
    b"Content-Length: 99999999999",
    b"Content-Type: application/sdp", b"Content-Base: x", b"Require: x", b"Accept: application/sdp",
    b"Authorization: Basic bWF0dGVib3g6", b"Authorization: Basic " + b"=" * 100,
    b"Authorization: Digest", b'Authorization: Digest username="', b"Authorization: Digest ,,,===",
    b'Authorization: Digest username="mattebox", realm="", nonce="{nonce}", uri="", response=""',
    b'Authorization: Digest username="mattebox", realm="x", nonce="x", uri="x", response="x"',
    b"Authorization: " + b"Digest a=b, " * 400, b"Authorization: Digest realm=\xff",
    b"Authorization:",
    _PROOF.replace(b"{response}", b"0" * 32), _PROOF.replace(b"mattebox", b"mattebo\0"),
    b"x-sessioncookie: abc", b"Accept: application/x-rtsp-tunnelled", b"Pipelined-Requests: 1",
    b": empty", b"NoColon", b" folded", b"A" * 5000 + b": b", b"Speed: 0", b"Blocksize: 0",
)  # fmt: skip
_HELLO = bytes.fromhex("160301005a010000560303")
WORDS = (*METHODS, *URIS, *HEADERS, _PROOF, b"RTSP/1.0", b"RTSP/2.0", b"HTTP/1.0", b"CSeq: 1",
         b"\r\n", b"\r\n\r\n", b"\n", b"\0", b"$\0\0\4abcd", b"$\xff\xff\xff", b"{nonce}",
         _HELLO)  # fmt: skip


class RtspTarget(Target):
    name = "rtsp"

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._outputs: list[RtspOutput] = []
        self._died: list[str] = []
        self._context = ssl.create_default_context()

    def __enter__(self) -> RtspTarget:
        log.configure("error", "plain")
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(server, "TICK_MS", 100)
        patch.setattr(tls, "HANDSHAKE_S", 0.3)
        # What fails in a callback from GLib is printed, and would otherwise not be noticed.
        for hooks in (sys, threading):
            patch.setattr(hooks, "excepthook", lambda *told: self._died.append(repr(told)))
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        pem, key = self_signed(folder)
        self._context = ssl.create_default_context(cafile=str(pem))
        rtsp = RtspSettings(password=Secret(_PASSWORD), certificate=str(pem), key=str(key))
        for uri in ("rtsp://127.0.0.1:0/live", "rtsps://127.0.0.1:0/live"):
            output = RtspOutput(uri, rtsp=rtsp)
            output.open(FORMAT)
            self._stack.callback(output.close)
            self._stack.callback(Feed(output, picture()).stop)
            self._outputs.append(output)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stack.close()
        self._outputs.clear()

    def generate(self, rng: random.Random) -> bytes:
        if rng.random() < 0.15:
            hello = _HELLO + rng.randbytes(rng.choice((0, 1, 80, 2000)))
            return _TLS + (spoiled(hello, WORDS, rng) if rng.random() < 0.7 else rng.randbytes(300))
        case = b"".join(_request(rng) for _ in range(rng.choice((1, 1, 2, 4))))
        return (spoiled(case, WORDS, rng) if rng.random() < 0.6 else case)[:_LONGEST]

    def run(self, case: bytes) -> None:
        plain, encrypted = self._outputs
        if case.startswith(_TLS):
            with _connect(encrypted) as client:
                _talk(client, case[len(_TLS) :])
        else:
            with _connect(plain) as client:
                answer = _talk(client, self._filled_in(client, case))
            if b"{response}" not in case:
                assert b"m=video" not in answer, f"leak: a description {answer[:300]!r}"
                # As a header of its own: what a visitor says in CSeq is said back to him.
                assert b"\r\nsession:" not in answer.lower(), f"leak: a session {answer[:300]!r}"
                assert plain.clients() == 0, "leak: somebody reads"
            assert _PASSWORD.encode() not in answer, "leak: the password"
        with _connect(plain) as client:
            assert _ask(client, b"OPTIONS").startswith(b"RTSP/1.0 200"), "silent: no answer"
        if case.startswith(_TLS):
            with self._context.wrap_socket(
                _connect(encrypted), server_hostname="127.0.0.1"
            ) as client:
                assert _ask(client, b"OPTIONS").startswith(b"RTSP/1.0 200"), "silent: no answer"
        died, self._died = self._died, []
        assert not died, f"callback: {died}"

    def _filled_in(self, client: socket.socket, case: bytes) -> bytes:
        if b"{nonce}" not in case:
            return case
        challenge = _ask(client, b"DESCRIBE")
        match = re.search(rb'nonce="([^"]*)"', challenge)
        assert match is not None, f"silent: no challenge in {challenge!r}"
        first = _md5(b"mattebox:Mattebox:" + _PASSWORD.encode())
        second = _md5(b"DESCRIBE:rtsp://127.0.0.1/live")
        response = _md5(b":".join((first, match[1], second)))
        return case.replace(b"{nonce}", match[1]).replace(b"{response}", response)


def _md5(text: bytes) -> bytes:
    return hashlib.md5(text).hexdigest().encode()


def _request(rng: random.Random) -> bytes:
    method, uri = rng.choice(METHODS[:10]), rng.choice(URIS)
    headers = [b"CSeq: %d" % rng.choice((1, 1, 1, 0, -1, 99999999999))]
    headers += rng.sample(HEADERS, rng.choice((0, 0, 1, 1, 3)))
    if rng.random() < 0.03:
        method, uri = b"DESCRIBE", URIS[0]
        headers.append(_PROOF)
    body = rng.choice((b"", b"", b"", b"v=0\r\n", b"x: y\r\n", b"\0" * 50))
    if body and rng.random() < 0.7:
        headers.append(b"Content-Length: %d" % len(body))
    version = b"RTSP/1.0" if rng.random() < 0.95 else rng.choice((b"RTSP/2.0", b"HTTP/1.1", b""))
    return b"\r\n".join([b" ".join((method, uri, version)), *headers, b"", b""]) + body


def _connect(output: RtspOutput) -> socket.socket:
    match = re.search(r":(\d+)/", output.uri)
    assert match is not None
    return socket.create_connection(("127.0.0.1", int(match[1])), _ANSWER_S)


def _ask(client: socket.socket, method: bytes) -> bytes:
    """One proper request's answer."""
    client.sendall(method + b" rtsp://127.0.0.1/live RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer and (piece := client.recv(65536)):
        answer += piece
    return answer


def _talk(client: socket.socket, data: bytes) -> bytes:
    """What comes back for ``data`` until the server hangs up; it must, for we do."""
    deadline = time.monotonic() + _ANSWER_S
    answer = bytearray()
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while len(answer) < _MOST_BYTES and (piece := client.recv(65536)):
            answer += piece
            assert time.monotonic() < deadline, f"hangs: {bytes(answer[:200])!r}"
    except TimeoutError:
        raise AssertionError(f"hangs: {bytes(answer[:200])!r}") from None
    except OSError:
        pass  # thrown out before all of it was in: as good
    return bytes(answer)


TARGET: Any = RtspTarget()

if __name__ == "__main__":
    main(TARGET)
