"""RTSP sources against a real server: that refuses, is silent, dies and returns, changes size."""

from __future__ import annotations

import gc
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, SourceError
from appliance.media.frame import Colour, Format, Matrix
from appliance.media.mailbox import Mailbox
from appliance.sources.feeder import SourceFeeder
from appliance.sources.gstreamer import GstSource
from appliance.sources.make import make_source
from tests.sources.pictures import read_some, rgb, source_for

SCRIPT = Path(__file__).with_name("rtsp_server.py")


class Server:
    """The server's process, and its port, which it keeps over a restart."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(self.port)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def uri(self, path: str, user: str = "") -> str:
        return f"rtsp://{user}127.0.0.1:{self.port}{path}"


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server(a_free_port())
    running.start()
    yield running
    running.kill()


@pytest.fixture
def mortal() -> Iterator[Server]:
    """A server that a test may kill and start."""
    running = Server(a_free_port())
    yield running
    running.kill()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_come_over(server: Server, transport: str) -> None:
    source = source_for(server.uri("/live"), transport=transport)
    try:
        format = source.open(None)
        assert (format.width, format.height, format.fps) == (320, 240, (30, 1))
        assert source.live
        frames = read_some(source, 20)
    finally:
        source.close()
    assert all(b.pts > a.pts for a, b in pairwise(frames))
    # The second bar is yellow.
    yellow = rgb(frames[-1])[40:80, 60:80].mean((0, 1))
    assert yellow == pytest.approx([255, 255, 0], abs=12)


def test_sound_is_left_alone(server: Server) -> None:
    source = source_for(server.uri("/both"))
    try:
        source.open(None)
        assert len(read_some(source, 20)) == 20
    finally:
        source.close()


def test_sound_alone_is_no_picture(server: Server) -> None:
    source = source_for(server.uri("/sound"), timeout_s=1.5)
    with pytest.raises((SourceError, InputError), match=r"no (video|picture)"):
        source.open(None)


def test_another_size_midway(server: Server) -> None:
    source = source_for(server.uri("/changing"))
    want = Format(480, 360, (30, 1), Colour(Matrix.BT601))
    bars = set()
    try:
        source.open(want)
        for frame in read_some(source, 100):
            assert (frame.width, frame.height, frame.colour) == (480, 360, want.colour)
            bars.add(bool(frame.y[5, 240] > 40))
    finally:
        source.close()
    # 480x270 stands between bars above and below; the others fill the picture.
    assert bars == {True, False}


def test_not_there(server: Server) -> None:
    source = source_for(server.uri("/nothing"))
    with pytest.raises(SourceError, match="no stream of this path"):
        source.open(None)


@pytest.mark.parametrize("user", ["", "cam:wrong@"])
def test_locked(server: Server, user: str) -> None:
    source = source_for(server.uri("/secret", user))
    with pytest.raises(SourceError, match="user and a password") as caught:
        source.open(None)
    assert "wrong" not in str(caught.value)


def test_unlocked(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    source = source_for(server.uri("/secret", "cam:pa55@"))
    try:
        source.open(None)
        read_some(source, 3)
        assert "pa55" not in getattr(source, "name", "")
    finally:
        source.close()
    assert "pa55" not in "".join(capfd.readouterr())


def test_unlocked_by_a_credential_that_comes_later(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    source = source_for(server.uri("/secret", "cam:${credential:camera}@"))
    with pytest.raises(SourceError, match=r"LoadCredential=camera:/etc/credstore/mattebox\.camera"):
        source.open(None)
    source.close()
    (tmp_path / "camera").write_text("pa55\n")
    try:
        source.open(None)
        read_some(source, 1)
    finally:
        source.close()
    assert "${credential:camera}@" in source.name


def test_refused() -> None:
    source = source_for(f"rtsp://user:pa55@127.0.0.1:{a_free_port()}/live")
    begun = time.monotonic()
    with pytest.raises(SourceError, match="nothing answers there") as caught:
        source.open(None)
    assert time.monotonic() - begun < 3
    assert "pa55" not in str(caught.value)


def test_no_such_host() -> None:
    source = source_for("rtsp://there-is-no-such-host.invalid/live", timeout_s=3)
    with pytest.raises(SourceError, match=r"check|within"):
        source.open(None)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        done = threading.Event()
        held: list[socket.socket] = []

        def accept() -> None:
            while not done.is_set():
                try:
                    held.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        done.set()
        thread.join()
        for connection in held:
            connection.close()


def test_silence_has_a_deadline(silent: int) -> None:
    source = source_for(f"rtsp://127.0.0.1:{silent}/live", timeout_s=1)
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"no picture within 1 s|does not answer"):
        source.open(None)
    source.close()
    assert time.monotonic() - begun < 3.5


def test_garbage_for_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 Fine\r\n\r\n" + bytes(range(256)) * 10)

        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        source = source_for(f"rtsp://127.0.0.1:{port}/live", timeout_s=2)
        with pytest.raises(SourceError):
            source.open(None)
        thread.join(5)


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition; fail when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_a_server_that_dies_and_returns(mortal: Server) -> None:
    mortal.start()
    settings = SourceSettings(
        uri=mortal.uri("/live"), timeout_s=1.0, retry_first_s=0.1, retry_most_s=0.5
    )
    mailbox: Mailbox[object] = Mailbox()
    feeder = SourceFeeder(make_source(settings), settings, mailbox=mailbox)  # type: ignore[arg-type]
    format = feeder.start()
    assert format is not None
    try:
        frame = mailbox.get(5)
        assert frame is not None
        mortal.kill()
        until(lambda: feeder.state.state == "waiting", 5)
        assert re.search(r"next try in", feeder.state.reason)
        while mailbox.get(0.05) is not None:
            pass
        before = feeder.frames
        mortal.start()
        back = time.monotonic()
        until(lambda: feeder.frames > before, 8)
        assert time.monotonic() - back < 3
        after = mailbox.get(1)
        assert feeder.reconnects == 1
        assert after is not None
        assert after.pts > frame.pts  # type: ignore[attr-defined]
        assert after.serial > frame.serial  # type: ignore[attr-defined]
        assert (after.width, after.height) == (format.width, format.height)  # type: ignore[attr-defined]
    finally:
        begun = time.monotonic()
        assert feeder.stop()
    assert time.monotonic() - begun < 2


def test_a_server_that_is_not_there_yet(mortal: Server) -> None:
    settings = SourceSettings(
        uri=mortal.uri("/live"), timeout_s=1.0, retry_first_s=0.1, retry_most_s=0.5
    )
    feeder = SourceFeeder(make_source(settings), settings)
    assert feeder.start() is None
    try:
        assert feeder.state.state in ("waiting", "connecting")
        mortal.start()
        assert feeder.wait_for_format(5) is not None
        until(lambda: feeder.frames > 0, 3)
        assert feeder.state.state == "live"
    finally:
        assert feeder.stop()


def test_refusals_leak_nothing() -> None:
    source = source_for(f"rtsp://127.0.0.1:{a_free_port()}/live")

    def once() -> None:
        with pytest.raises(SourceError):
            source.open(None)

    for _ in range(5):
        once()
    gc.collect()
    fds, tasks = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    for _ in range(30):
        once()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= fds + 3
    assert len(os.listdir("/proc/self/task")) <= tasks + 6


def test_closing_what_does_not_let_go_takes_no_longer_than_2_s() -> None:
    class Stuck:
        """A pipeline whose change of state hangs, as one with a dead driver does."""

        released = threading.Event()

        def set_state(self, _state: object) -> None:
            self.released.wait(10)

    source = source_for("rtsp://127.0.0.1:1/live")
    assert isinstance(source, GstSource)
    source._pipeline = Stuck()
    begun = time.monotonic()
    with capture_logs() as logs:
        source.close()
    assert time.monotonic() - begun < 2
    assert "does not let go" in logs[0]["event"]
    Stuck.released.set()
