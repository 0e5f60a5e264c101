"""However readers of two streams go, and whoever sends them away, the process goes on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gi.repository import GObject

from appliance.media.gst import Gst
from appliance.outputs.rtsp import held as held_module
from appliance.outputs.rtsp.clients import Clients
from appliance.outputs.rtsp.held import held
from tests.outputs.conftest import Serve, StartFeed, wait_until
from tests.outputs.rtsp.visitors import TCP, Visitor, crowd

ROOT = Path(__file__).parents[3]
UDP = "RTP/AVP;unicast;client_port={}-{}"


class Server:
    """An RTSP output in a process of its own."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors
        with errors.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.outputs.rtsp.serving"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.uri = self.process.stdout.readline().strip()

    def do(self, what: str) -> None:
        """Have it do something; waits for that."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n", self.said()

    def said(self) -> str:
        """What it has written to stderr."""
        return self._errors.read_text()

    def assert_well(self) -> None:
        """It runs, serves both streams to a new reader, and the library has not complained."""
        assert self.process.poll() is None, self.said()
        with Visitor(self.uri) as reader:
            reader.play()
            reader.packets({0, 2})
        assert "CRITICAL" not in self.said()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has begun to serve; what ends it fails the tests after that, too."""
    running = Server(tmp_path_factory.mktemp("server") / "stderr")
    yield running
    running.process.kill()
    running.process.communicate(timeout=10)


def stress(server: Server, seconds: float, size: int, *does: str) -> int:
    """A crowd comes and goes while the server does these things; returns how many visited."""
    visits = 0
    stop = threading.Event()

    def act() -> None:
        number = 0
        while does and not stop.wait(0.15):
            server.do(does[number % len(does)])
            number += 1

    acting = threading.Thread(target=act)
    acting.start()
    try:
        visits = sum(crowd(server.uri, seconds, size, seed=1).values())
    finally:
        stop.set()
        acting.join(30)
    return visits


@pytest.mark.parametrize("transport", [UDP.format(40000, 40001), TCP.format(4, 5)])
def test_a_transport_changed_in_mid_stream_is_refused(server: Server, transport: str) -> None:
    with Visitor(server.uri) as reader:
        reader.play()
        reader.packets({0, 2})
        assert reader.ask("SETUP", "/stream=0", f"Transport: {transport}") == 455
    server.assert_well()


def test_a_crowd_comes_and_goes_in_every_way(server: Server) -> None:
    assert stress(server, 2.0, 8, "disconnect", "bitrate") > 20
    server.assert_well()


def test_udp_that_does_not_arrive_is_followed_by_tcp(serve: Serve, feed: StartFeed) -> None:
    output = serve()
    feed(output)
    with Visitor(output.uri) as reader:  # as ffmpeg does it
        reader.play(transport=UDP)
        assert reader.ask("PAUSE") == 200
        reader.session = ""
        reader.play()
        reader.packets({0, 2})


def test_a_session_is_its_own_connections_only(serve: Serve, feed: StartFeed) -> None:
    output = serve()
    feed(output)
    with Visitor(output.uri) as reader, Visitor(output.uri) as other:
        reader.play()
        other.session = reader.session
        assert [other.ask(method) for method in ("PAUSE", "PLAY", "TEARDOWN")] == [454] * 3
        reader.packets({0, 2})


@pytest.mark.parametrize("way", ["reset", "teardown", "disconnect"])
def test_who_is_being_sent_to_is_kept_until_that_is_over(
    serve: Serve, feed: StartFeed, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(held_module, "LONGEST_TICKS", 1_000_000)
    output = serve()
    feed(output)
    wait_until(lambda: held.waiting() == 0)
    assert output._server is not None
    clients = output._server.clients
    with Visitor(output.uri) as reader:
        reader.play()
        reader.packets({0, 2})
        # As the thread has it that sends its packets, and is just not getting on.
        transport, freed = _in_use(clients)
        if way == "reset":
            reader.reset()
        elif way == "teardown":
            assert reader.ask("TEARDOWN") == 200
        else:
            clients.disconnect(output._medias[0].media)
        wait_until(lambda: clients.count() == 0)
    ticks = []
    monkeypatch.setattr(output, "on_tick", lambda: ticks.append(1))
    wait_until(lambda: len(ticks) > 4)
    assert not freed
    # What that thread does next: this has ended the process.
    assert transport.get_object().send_rtp(Gst.Buffer.new_wrapped(b"\x80" * 20))
    transport.unset()
    wait_until(lambda: set(freed) == {"connection", "session"})
    assert held.waiting() == held.remains() == 0


def _in_use(clients: Clients) -> tuple[Any, list[str]]:
    """A reference to the transport of the only reader's sound; what of the reader has been freed.

    In a GValue, because references in Python all count as one.
    """
    freed: list[str] = []
    (client,) = clients._all()
    (session,) = client.session_filter(None)
    (media,) = session.filter(None)
    client.weak_ref(freed.append, "connection")
    session.weak_ref(freed.append, "session")
    return GObject.Value(GObject.Object, media.get_transport(1)), freed


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_come_and_go_for_minutes(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    visits = stress(server, 120, 24, "disconnect", "bitrate", "reopen", *["disconnect"] * 7)
    server.assert_well()
    with capsys.disabled():
        print(f"\n{visits} visits in {time.monotonic() - begun:.0f} s")
