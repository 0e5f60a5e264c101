"""An appliance whose own source is a tiny avatar with a voice of tones, and what is asked of it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.playout.playout import Playout
from appliance.sources.avatar import source as avatar_source
from tests.avatars import make_tiny_avatar
from tests.http.serving import Served, serving, settings_of, wait_until
from tests.playout.speech import WordVoice
from tests.voices.wavs import wav16

MAIN = "/api/sessions/main"
AVATAR = "anna"


@contextmanager
def playing(folder: Path, network: Path, **settings: Any) -> Iterator[Served]:
    """An appliance that plays the avatar, which sessions may have, too."""
    home = folder / "home"
    make_tiny_avatar(home / "mattebox" / "avatars" / AVATAR)
    (folder / "pictures").mkdir()
    data = settings_of(Path("x"), network, folder / "pictures", **settings.pop("http", {}))
    data |= {"source": {"uri": f"avatar://{AVATAR}"}, "canvas": {}} | settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home))
        patch.setattr(avatar_source, "make_voice", lambda _: WordVoice())
        with serving(folder, data) as served:
            yield served


def playout_of(served: Served) -> Playout:
    """What plays the appliance's own avatar."""
    playout = served.daemon.main.playout
    assert playout is not None
    return playout


def idle(served: Served) -> None:
    """End all that is said and done."""
    playout = playout_of(served)
    playout.interrupt()
    wait_until(lambda: all(turn.state not in ("queued", "speaking") for turn in playout.turns()))


def recording(seconds: float, rate: int = 16_000) -> bytes:
    """A WAV with a tone in it."""
    return wav16(tone(seconds, rate), rate)


def tone(seconds: float, rate: int) -> np.ndarray:
    """int16 samples of 440 Hz."""
    at = np.arange(int(seconds * rate)) / rate
    return np.rint(8000 * np.sin(2 * np.pi * 440 * at)).astype("<i2")


class Reader:
    """A reader of server-sent events over a connection of its own."""

    def __init__(self, served: Served, path: str = MAIN, head: str = "", query: str = "") -> None:
        self._socket = socket.create_connection(served.address, timeout=10)
        token = served.client.headers.get("authorization", "")
        head += f"Authorization: {token}\r\n" if token else ""
        asked = f"GET {path}/events{query} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n"
        self._socket.sendall(asked.encode())
        self.held = b""
        self.ended = False
        self.events: list[dict[str, Any]] = []
        self.names: list[tuple[int, str]] = []
        """Of each event its id and its name."""
        self._until(lambda: b"\r\n\r\n" in self.held, 10)
        self.head, _, self.held = self.held.partition(b"\r\n\r\n")
        self.status = int(self.head.split(b" ")[1])
        if self.status == 200:
            self._until(lambda: b"as they are played" in self.held, 10)

    def until(self, kind: str, turn: int | None = None, timeout: float = 15) -> dict[str, Any]:
        """Read until an event of a kind, of a turn, has come; gives it."""
        found: list[dict[str, Any]] = []

        def come() -> bool:
            self._parse()
            found[:] = [
                one for one in self.events if one["kind"] == kind and turn in (None, one["turn"])
            ]
            return bool(found)

        self._until(come, timeout)
        assert found, f"{kind} of {turn} did not come, but {self.events}"
        return found[0]

    def to_the_end(self, timeout: float = 10) -> None:
        """Read until the server ends it."""
        self._until(lambda: self.held.endswith(b"\r\n0\r\n\r\n"), timeout)
        self._parse()

    def close(self) -> None:
        """Go away."""
        self._socket.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until(self, what: Any, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not what() and not self.ended:
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout} s; got {self.held[-300:]!r}, {self.events}"
            self._socket.settimeout(left)
            try:
                piece = self._socket.recv(65536)
            except TimeoutError:
                continue
            except ConnectionResetError:
                piece = b""
            self.ended = not piece
            self.held += piece

    def _parse(self) -> None:
        while (start := self.held.find(b"id: ")) >= 0:
            end = self.held.find(b"\n\n", start)
            if end < 0:
                return
            lines = dict(line.split(": ", 1) for line in self.held[start:end].decode().split("\n"))
            self.names.append((int(lines["id"]), lines["event"]))
            self.events.append(json.loads(lines["data"]))
            self.held = self.held[end + 2 :]


class Sender:
    """Somebody who speaks into a request of their own, piece by piece."""

    def __init__(self, served: Served, kind: str = "audio/pcm;rate=16000", query: str = "") -> None:
        self.connection = socket.create_connection(served.address, timeout=20)
        self.connection.sendall(
            f"POST {MAIN}/voice{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )

    def send(self, data: bytes) -> None:
        """A piece."""
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> tuple[int, dict[str, Any]]:
        """No more comes; the answer's status and body."""
        self.connection.sendall(b"0\r\n\r\n")
        return self.answer()

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Its status and body."""
        held = b""
        while b"\r\n\r\n" not in held or len(held.partition(b"\r\n\r\n")[2]) < _length(held):
            piece = self.connection.recv(65536)
            assert piece, f"it ended: {held!r}"
            held += piece
        head, _, body = held.partition(b"\r\n\r\n")
        self.close()
        return int(head.split(b" ")[1]), json.loads(body)

    def close(self) -> None:
        """Go away."""
        self.connection.close()


def _length(held: bytes) -> int:
    head = held.partition(b"\r\n\r\n")[0].lower()
    return int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
