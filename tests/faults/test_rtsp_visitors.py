"""RTSP under many readers and worse visitors: nobody else is disturbed, and nothing stays behind.

Over plain RTSP and over TLS. The long versions run with ``-m soak`` and print what they measured.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config.secrets import Secret
from appliance.config.settings import RtspSettings
from appliance.outputs.rtsp import server, tls
from appliance.outputs.rtsp.output import RtspOutput
from tests.certificates import self_signed
from tests.faults.rtsp_readers import Held, reading
from tests.outputs.conftest import FORMAT, Feed, RtspByHand, picture, wait_until

LOGIN = ("mattebox", "correct horse battery")
WRONG = ("mattebox", "wrong horse battery")
# Of a process that has had its visitors: what an allocator, a pool of threads may keep.
MOST_KB = 6_000
MOST_THREADS = 3


class Served:
    """An output with a password, fed with pictures; over TLS when ``trusted`` is a certificate."""

    def __init__(self, output: RtspOutput, trusted: Path | None) -> None:
        self.output, self.trusted = output, trusted
        self.port = int(output.uri.split(":")[2].split("/")[0])

    def visit(self, login: tuple[str, str] | None = LOGIN) -> RtspByHand:
        """A connection, with TLS where it is served."""
        return RtspByHand(self.output.uri, login=login, trusted=self.trusted)

    def raw(self) -> socket.socket:
        """A connection on which nothing has been said."""
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def connections(self) -> int:
        """How many there are now, as the server sees it."""
        assert self.output._server is not None
        return self.output._server.clients.count()

    def at_rest(self) -> bool:
        """Whether the last visitor has gone, and the encoder with them."""
        return self.connections() == 0 and not self.output._medias


@pytest.fixture(params=["rtsp", "rtsps"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    monkeypatch.setattr(server, "TICK_MS", 100)
    monkeypatch.setattr(tls, "HANDSHAKE_S", 0.5)
    pem, key = self_signed(tmp_path)
    rtsp = RtspSettings(password=Secret(LOGIN[1]), certificate=str(pem), key=str(key))
    output = RtspOutput(f"{request.param}://127.0.0.1:0/live", rtsp=rtsp)
    output.open(FORMAT)
    feed = Feed(output, picture())
    yield Served(output, pem if request.param == "rtsps" else None)
    feed.stop()
    output.close()


def visits(served: Served) -> list[Callable[[], None]]:
    """Every kind of visitor that comes and goes."""

    def nothing() -> None:
        served.raw().close()

    def garbage() -> None:
        with served.raw() as visitor:
            visitor.sendall(os.urandom(500))

    def half_a_request() -> None:
        with served.raw() as visitor:
            visitor.sendall(b"DESCRIBE rtsp://127.0.0.1/live RTSP/1.0\r\nCSeq: ")

    def options() -> None:
        with served.visit() as visitor:
            assert visitor.ask("OPTIONS", visitor.uri)[0] == 200

    def wrong_path() -> None:
        with served.visit() as visitor:
            assert visitor.ask("DESCRIBE", visitor.uri + "/other")[0] == 404

    def wrong_password() -> None:
        with served.visit(WRONG) as visitor:
            assert visitor.ask("DESCRIBE", visitor.uri)[0] == 401

    def no_password() -> None:
        with served.visit(None) as visitor:
            assert visitor.ask("DESCRIBE", visitor.uri)[0] == 401

    def play() -> None:
        with served.visit() as visitor:
            visitor.play()

    def describe() -> None:
        with served.visit() as visitor:
            assert visitor.ask("DESCRIBE", visitor.uri)[0] == 200

    return [nothing, garbage, half_a_request, options, wrong_path, wrong_password, no_password,
            play, describe]  # fmt: skip


def come_and_go(served: Served, count: int, seed: int) -> None:
    rng, kinds = random.Random(seed), visits(served)
    for number in range(count):
        # Each kind at least once, then at random.
        (kinds[number] if number < len(kinds) else rng.choice(kinds))()


def settled(served: Served, before: Held) -> Held:
    """What is held once all have gone; waits until it is no more than before."""
    wait_until(served.at_rest, 20, "the visitors are gone")
    wait_until(
        lambda: Held.now().descriptors <= before.descriptors
        and Held.now().threads <= before.threads + MOST_THREADS,
        20, f"{Held.now()} back to {before}",
    )  # fmt: skip
    return Held.now()


def test_visitors_leave_nothing_behind_and_disturb_no_reader(served: Served) -> None:
    come_and_go(served, 20, seed=1)
    wait_until(served.at_rest, 20)
    before = Held.now()
    with reading() as readers:
        by_hand = served.visit()
        by_hand.play()
        steady = readers.add(by_hand)
        come_and_go(served, 60, seed=2)
        seen = steady.packets
        wait_until(lambda: steady.packets > seen + 20)
        assert (steady.missing, steady.ended) == (0, False)
    after = settled(served, before)
    assert after.resident_kb - before.resident_kb < 4 * MOST_KB, (before, after)


def test_fifty_readers_share_one_encoder_and_miss_nothing(served: Served) -> None:
    before = Held.now()
    with reading() as readers:
        for _ in range(50):
            by_hand = served.visit()
            by_hand.play()
            readers.add(by_hand)
        wait_until(lambda: served.output.clients() == 50)
        assert len(served.output._medias) == 1
        seen = [reader.packets for reader in readers.readers]
        wait_until(
            lambda: all(
                reader.packets > count + 10
                for reader, count in zip(readers.readers, seen, strict=True)
            ), 20,
        )  # fmt: skip
        assert [reader.missing for reader in readers.readers] == [0] * 50
        assert not any(reader.ended for reader in readers.readers)
    wait_until(served.at_rest, 20)
    wait_until(lambda: Held.now().descriptors <= before.descriptors + 2)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_five_thousand_visitors(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    come_and_go(served, 500, seed=3)
    wait_until(served.at_rest, 20)
    before = Held.now()
    rows = [before]
    with reading() as readers:
        by_hand = served.visit()
        by_hand.play()
        steady = readers.add(by_hand)
        for number in range(10):
            come_and_go(served, 500, seed=10 + number)
            rows.append(Held.now())
        packets, missing, ended = steady.packets, steady.missing, steady.ended
    after = settled(served, before)
    with capsys.disabled():
        print(f"\n{served.output.uri}: before {before}\n  each 500: {rows[1:]}\n  after {after}")
        print(f"  the steady reader: {packets} packets, {missing} missing")
    assert (missing, ended) == (0, False)
    assert after.resident_kb - before.resident_kb < MOST_KB, (before, after)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_fifty_of_ffmpeg_for_a_minute_and_a_deaf_one(
    served: Served,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_S", 10.0)  # fifty programs start at once
    login = "://mattebox:correct%20horse%20battery@"
    uri = served.output.uri.replace("://", login)
    before = Held.now()
    begun = time.monotonic()
    ways = ["tcp"] if served.trusted else ["tcp", "udp"]
    # Into files: what waits for a pipe to be read does not read the stream meanwhile.
    lists = [tmp_path / f"{number}.crc" for number in range(50)]
    players = [
        subprocess.Popen(
            ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", ways[number % len(ways)],
             "-i", uri, "-t", "60", "-c", "copy", "-f", "framecrc", str(path)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for number, path in enumerate(lists)
    ]  # fmt: skip
    with served.visit() as deaf:
        deaf.play()  # and never reads
        ends = [player.wait(timeout=300) for player in players]
        frames = [
            sum(not line.startswith("#") for line in path.read_text().splitlines())
            for path in lists
        ]
    seconds = time.monotonic() - begun
    after = settled(served, before)
    with capsys.disabled():
        print(
            f"\n{served.output.uri}: 50 of ffmpeg, {seconds:.0f} s: {min(frames)} to {max(frames)}"
        )
        print(f"  frames each; before {before}, after {after}")
    assert ends == [0] * 50
    assert min(frames) > 0.8 * max(frames)
