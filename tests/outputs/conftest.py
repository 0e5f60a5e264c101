"""What the outputs' tests share: a picture worth comparing, a feeder, waiting, RTSP by hand."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from appliance.config.settings import RtspSettings
from appliance.media.frame import Colour, Format, Frame, Matrix, Range, blank
from appliance.outputs.encoders import DEFAULT, Wanted
from appliance.outputs.rtsp import server
from appliance.outputs.rtsp.output import RtspOutput

SIZE = (320, 180)
FORMAT = Format(*SIZE, (30, 1))


def picture(format: Format = FORMAT) -> Frame:
    """Ramps of luma and chroma over the whole range, a grid of sharp edges in one corner."""
    frame = blank(format.width, format.height, format.colour)
    low, high = (0, 255) if format.colour.range is Range.FULL else (16, 235)
    frame.y[:] = np.linspace(low, high, format.width).astype(np.uint8)
    rows, columns = frame.uv.shape[:2]
    frame.uv[..., 0] = np.linspace(60, 196, rows).astype(np.uint8)[:, None]
    frame.uv[..., 1] = np.linspace(196, 60, columns).astype(np.uint8)
    frame.y[16:64, 16:64] = np.where(np.indices((48, 48)).sum(0) // 8 % 2, high, low)
    return frame


def wait_until(condition: Callable[[], object], seconds: float = 10.0, what: str = "") -> None:
    """Until ``condition()`` is true; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        tick.wait(0.02)


class Writes(Protocol):
    """Whatever takes frames."""

    def write(self, frame: Frame) -> None:
        """Take one."""


class Feed:
    """Writes pictures over and over at 30 frames a second, with rising times."""

    def __init__(self, output: Writes, *frames: Frame) -> None:
        self.written = 0
        self.longest = 0.0
        self.error: Exception | None = None
        self._output, self._frames = output, frames
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(1 / 30):
            begun = time.monotonic()
            try:
                frame = self._frames[self.written % len(self._frames)]
                self._output.write(replace(frame, pts=self.written * 33_333_333))
            except OSError as error:
                self.error = error
                return
            self.longest = max(self.longest, time.monotonic() - begun)
            self.written += 1

    def stop(self) -> None:
        """End; raises what ``write`` raised."""
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The RTSP server looks around ten times as often as in real life."""
    monkeypatch.setattr(server, "TICK_MS", 100)


StartFeed = Callable[..., Feed]
Serve = Callable[..., RtspOutput]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Opens RTSP outputs on free ports, ``serve(format, video, uri, **rtsp)``, and closes them.

    ``rtsp`` are settings of that section, unchecked, so that a test need not wait for minutes.
    """
    outputs: list[RtspOutput] = []

    def start(
        format: Format = FORMAT,
        video: Wanted = DEFAULT,
        uri: str = "rtsp://127.0.0.1:0/live",
        **rtsp: object,
    ) -> RtspOutput:
        output = RtspOutput(uri, video, RtspSettings().model_copy(update=rtsp))
        output.open(format)
        outputs.append(output)
        return output

    yield start
    for item in outputs:
        item.close()


@pytest.fixture
def feed(serve: object) -> Iterator[StartFeed]:
    """Starts feeds, and ends them before the outputs."""
    feeds: list[Feed] = []

    def start(output: Writes, *frames: Frame) -> Feed:
        feeds.append(Feed(output, *(frames or (picture(),))))
        return feeds[-1]

    yield start
    for item in feeds:
        item.stop()


class RtspByHand:
    """A reader made of a socket, to do what no proper one does.

    ``login`` is user and password, given from the first challenge on; ``trusted`` the PEM file of
    the certificate that an rtsps:// server must have.
    """

    def __init__(
        self,
        uri: str,
        receive_bytes: int = 0,
        login: tuple[str, str] | None = None,
        trusted: Path | None = None,
    ) -> None:
        match = re.match(r"rtsps?://([^:/]+):(\d+)(/.*)", uri)
        assert match is not None
        self.uri, self.login = uri, login
        self.socket = socket.socket()
        self.socket.settimeout(10)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((match[1], int(match[2])))
        if trusted is not None:
            context = ssl.create_default_context(cafile=str(trusted))
            self.socket = context.wrap_socket(self.socket, server_hostname=match[1])
        self.session = ""
        self._nonce = ""

    def ask(self, method: str, uri: str, *headers: str) -> tuple[int, str]:
        """Send a request; its status code and the answer's text."""
        if self.login is None:
            return self._ask(method, uri, *headers)
        code, answer = self._ask(method, uri, *headers, *self._proof(method, uri))
        nonce = re.search(r'nonce="([^"]*)"', answer)
        if code == 401 and nonce is not None and not self._nonce:
            self._nonce = nonce[1]
            code, answer = self._ask(method, uri, *headers, *self._proof(method, uri))
        return code, answer

    def _proof(self, method: str, uri: str) -> list[str]:
        """The header of RFC 2617's digest, without qop as RTSP servers ask for it."""
        if not self._nonce or self.login is None:
            return []

        def md5(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        user, password = self.login
        response = md5(md5(user, "Mattebox", password), self._nonce, md5(method, uri))
        return [
            f'Authorization: Digest username="{user}", realm="Mattebox", nonce="{self._nonce}", '
            f'uri="{uri}", response="{response}"'
        ]

    def _ask(self, method: str, uri: str, *headers: str) -> tuple[int, str]:
        lines = [f"{method} {uri} RTSP/1.0", "CSeq: 1", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        text = b""
        while b"\r\n\r\n" not in text or text[:1] == b"$":
            # Media may come before the answer to the PLAY that asks for it.
            whole = 4 + int.from_bytes(text[2:4], "big")
            if text[:1] == b"$" and len(text) >= max(4, whole):
                text = text[whole:]
                continue
            more = self.socket.recv(65536)
            assert more, f"closed in the middle of the answer to {method}: {text!r}"
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += self.socket.recv(65536)
        return int(head.split()[1]), (head + b"\r\n\r\n" + body).decode(errors="replace")

    def play(self, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> None:
        """DESCRIBE, SETUP and PLAY."""
        assert self.ask("DESCRIBE", self.uri)[0] == 200
        code, answer = self.ask("SETUP", f"{self.uri}/stream=0", f"Transport: {transport}")
        assert code == 200, answer
        match = re.search(r"Session: *([^;\s]+)", answer)
        assert match is not None
        self.session = match[1]
        assert self.ask("PLAY", self.uri, f"Session: {self.session}")[0] == 200

    def close(self) -> None:
        """Hang up without a word."""
        self.socket.close()

    def __enter__(self) -> RtspByHand:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def psnr(ours: Frame, theirs: Frame) -> float:
    """Peak signal to noise of luma and chroma together, dB; the worse of the two."""
    worst = 99.0
    for a, b in ((ours.y, theirs.y), (ours.uv, theirs.uv)):
        error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
        worst = min(worst, 10 * np.log10(255**2 / max(error, 1e-9)))
    return worst


def ffmpeg_frames(
    uri: str, format: Format, count: int, transport: str | None = None
) -> list[Frame]:
    """What ffmpeg decodes: ``count`` frames, as they are coded, no conversion."""
    full = format.colour.range is Range.FULL
    command = ["ffmpeg", "-nostdin", "-v", "error"]
    if transport:
        command += ["-rtsp_transport", transport]
    command += ["-i", uri, "-frames:v", str(count), "-vsync", "passthrough", "-f", "rawvideo"]
    command += ["-pix_fmt", "yuvj420p" if full else "yuv420p", "-"]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    width, height = format.width, format.height
    size = width * height * 3 // 2
    assert len(done.stdout) >= size, done.stderr.decode()
    frames = []
    for start in range(0, len(done.stdout) - size + 1, size):
        raw = np.frombuffer(done.stdout, np.uint8, size, start)
        chroma = raw[width * height :].reshape(2, height // 2, width // 2)
        y = raw[: width * height].reshape(height, width)
        frames.append(Frame(y, np.ascontiguousarray(chroma.transpose(1, 2, 0)), format.colour))
    return frames


def ffprobe(source: str, entries: str, *options: str) -> list[dict[str, str]]:
    """ffprobe's entries of each section, as key and value."""
    command = ["ffprobe", "-v", "error", *options, "-show_entries", entries]
    done = subprocess.run(
        [*command, "-of", "compact=p=0", source],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line]
    return [dict(cell.split("=", 1) for cell in row if "=" in cell) for row in rows]


COLOURS = [Colour(matrix, range) for matrix in (Matrix.BT601, Matrix.BT709) for range in Range]
