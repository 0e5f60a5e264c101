"""Visitors of an RTSP server with two streams who go in every way there is, as bare sockets do."""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

TCP = "RTP/AVP/TCP;unicast;interleaved={}-{}"


class Visitor:
    """One connection that can set up both streams, over TCP unless told otherwise."""

    def __init__(self, uri: str, receive_bytes: int = 0) -> None:
        match = re.match(r"rtsp://([^:/]+):(\d+)/", uri)
        assert match is not None
        self.uri, self.session = uri, ""
        self.socket = socket.socket()
        self.socket.settimeout(10)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            self.socket.connect((match[1], int(match[2])))
        except OSError:
            self.socket.close()
            raise
        self._data = b""

    def tell(self, method: str, path: str = "", *headers: str) -> None:
        """Send a request; do not wait for the answer."""
        session = [f"Session: {self.session}"] if self.session else []
        lines = [f"{method} {self.uri}{path} RTSP/1.0", "CSeq: 1", *headers, *session, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())

    def ask(self, method: str, path: str = "", *headers: str) -> int:
        """Send a request; returns the answer's status. Raises OSError once closed."""
        self.tell(method, path, *headers)
        while True:
            self._skip_packets()
            head, found, body = self._data.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            size = int(length[1]) if length else 0
            if found and head[:1] != b"$" and len(body) >= size:
                self._data = body[size:]
                session = re.search(rb"Session: *([^;\s]+)", head)
                self.session = session[1].decode() if session else self.session
                return int(head.split()[1])
            self._receive()

    def read(self, seconds: float) -> None:
        """Take what comes for so long. Raises OSError once closed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                self._receive()
            except TimeoutError:
                break
            self._skip_packets()
        self.socket.settimeout(10)

    def packets(self, channels: set[int], seconds: float = 10) -> None:
        """Wait for a packet on each of these channels; fails the test without."""
        end, seen = time.monotonic() + seconds, set[int]()
        while not channels <= seen:
            assert time.monotonic() < end, f"packets only on channels {seen}"
            self._receive()
            seen |= self._skip_packets()

    def set_up(self, *streams: int, transport: str = TCP) -> list[int]:
        """DESCRIBE and SETUP of each; returns the answers' status."""
        assert self.ask("DESCRIBE") == 200
        return [
            self.ask(
                "SETUP", f"/stream={n}", f"Transport: {transport.format(2 * n, 2 * n + 1)}"
            )
            for n in streams
        ]  # fmt: skip

    def play(self, *streams: int, transport: str = TCP) -> None:
        """Set up and PLAY; both streams unless told otherwise."""
        assert set(self.set_up(*(streams or (0, 1)), transport=transport)) == {200}
        assert self.ask("PLAY") == 200

    def reset(self) -> None:
        """Go without a word, as from a program that crashed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the server")
        self._data += data

    def _skip_packets(self) -> set[int]:
        channels = set()
        while self._data[:1] == b"$" and len(self._data) >= 4:
            size = 4 + int.from_bytes(self._data[2:4], "big")
            if len(self._data) < size:
                break
            channels.add(self._data[1])
            self._data = self._data[size:]
        return channels


def _bit(rng: random.Random, most: float = 0.2) -> float:
    return rng.uniform(0, most)


def _hang_up(v: Visitor, rng: random.Random) -> None:
    v.play()
    v.read(_bit(rng))
    v.socket.close() if rng.random() < 0.5 else v.reset()


def _go_at_once(v: Visitor, rng: random.Random) -> None:
    v.set_up(0, 1)
    v.tell("PLAY")
    v.socket.close() if rng.random() < 0.5 else v.reset()


def _tear_down(v: Visitor, rng: random.Random) -> None:
    v.play()
    v.read(_bit(rng))
    v.tell("TEARDOWN") if rng.random() < 0.5 else v.ask("TEARDOWN")
    v.socket.close()


def _never_read(v: Visitor, rng: random.Random) -> None:
    v.play()
    time.sleep(_bit(rng, 0.5))
    v.tell("TEARDOWN") if rng.random() < 0.5 else None
    v.reset()


def _pause(v: Visitor, rng: random.Random) -> None:
    v.play()
    for _ in range(3):
        v.read(_bit(rng, 0.1))
        v.ask("PAUSE")
        v.ask("PLAY")
    v.reset()


def _one_stream(v: Visitor, rng: random.Random) -> None:
    v.play(rng.choice((0, 1)))
    v.read(_bit(rng))
    v.reset()


def _set_up_while_playing(v: Visitor, rng: random.Random) -> None:
    v.play(*rng.choice(((0,), (0, 1))))
    v.read(_bit(rng, 0.1))
    udp = "RTP/AVP;unicast;client_port=40000-40001"
    other = rng.choice((TCP.format(6, 7), TCP.format(0, 1), udp))
    for path in ("/stream=0", "/stream=1"):
        v.ask("SETUP", path, f"Transport: {other}")
        v.read(0.05)
    v.reset()


def _odd_channels(v: Visitor, rng: random.Random) -> None:
    odd = rng.choice(("0-0", "0-1", "254-255", "255-256", "1000-1001", "-5--4", "x"))
    v.set_up(0, 1, transport=f"RTP/AVP/TCP;unicast;interleaved={odd}")
    v.ask("PLAY")
    v.read(_bit(rng))
    v.reset()


def _over_udp_then_tcp(v: Visitor, rng: random.Random) -> None:
    port = rng.randrange(20000, 30000, 2)
    v.play(transport=f"RTP/AVP;unicast;client_port={port}-{port + 1}")
    v.ask("PAUSE")
    v.session = ""
    v.play()
    v.read(_bit(rng))
    v.reset()


def _two_sessions(v: Visitor, rng: random.Random) -> None:
    v.play()
    first, v.session = v.session, ""
    v.set_up(0, 1, transport="RTP/AVP/TCP;unicast")
    v.session = rng.choice((first, v.session))
    v.ask("TEARDOWN")
    v.reset()


def _report(v: Visitor, rng: random.Random) -> None:
    v.play()
    for channel in (1, 3, 0, 9):
        report = struct.pack(">BBHI", 0x80, 201, 1, rng.getrandbits(32))
        v.socket.sendall(struct.pack(">cBH", b"$", channel, len(report)) + report)
        v.read(_bit(rng, 0.05))
    v.reset()


def _half_a_word(v: Visitor, rng: random.Random) -> None:
    v.play()
    v.socket.sendall(b"TEARDOWN rts")
    v.read(_bit(rng))
    v.reset()


def _stay(v: Visitor, rng: random.Random) -> None:
    v.play()
    v.read(1 + _bit(rng, 2))
    v.socket.close()


KINDS: tuple[Callable[[Visitor, random.Random], None], ...] = (
    _hang_up, _go_at_once, _tear_down, _never_read, _pause, _one_stream, _set_up_while_playing,
    _odd_channels, _over_udp_then_tcp, _two_sessions, _report, _half_a_word, _stay,
)  # fmt: skip


def crowd(uri: str, seconds: float, size: int, seed: int) -> Counter[str]:
    """Visits of all kinds for so long, ``size`` at a time; returns how many of each began."""
    end, counts = time.monotonic() + seconds, Counter[str]()

    def visit(rng: random.Random) -> None:
        while time.monotonic() < end:
            kind = rng.choice(KINDS)
            try:
                visitor = Visitor(uri, 2304 if kind is _never_read else 0)
            except ConnectionError:
                time.sleep(0.05)  # closed, and opened again soon; if not, the caller sees why
                continue
            counts[kind.__name__] += 1
            try:
                kind(visitor, rng)
            except (OSError, AssertionError):
                visitor.socket.close()  # put out, or told that it cannot be

    threads = [threading.Thread(target=visit, args=(random.Random(seed + n),)) for n in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 30)
    assert not any(thread.is_alive() for thread in threads)
    return counts
