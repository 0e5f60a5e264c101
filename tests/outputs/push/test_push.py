"""Pushed to real receivers: ffmpeg by SRT, nginx by RTMP, gst-rtsp-server by RTSP."""

from __future__ import annotations

import contextlib
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from appliance.config.secrets import Secret
from appliance.outputs.encoded.shared import Encoders
from appliance.outputs.feeder import OutputFeeder
from tests.certificates import self_signed
from tests.outputs.conftest import wait_until
from tests.outputs.push.conftest import (
    Nginx,
    Programme,
    Receive,
    free_port,
    record_rtsp,
    record_srt,
    skews,
)
from tests.outputs.push.rtp_receiver import RtpReceiver

SECRET = "right-passphrase-5678"


def udp() -> int:
    return free_port(socket.SOCK_DGRAM)


def is_bound(port: int) -> bool:
    """Whether somebody has this UDP port."""
    tables = [Path("/proc/net") / kind for kind in ("udp", "udp6")]
    rows = [row for table in tables if table.exists() for row in table.read_text().splitlines()]
    return any(row.split()[1].endswith(f":{port:04X}") for row in rows)


def is_running(*feeders: OutputFeeder) -> Callable[[], bool]:
    return lambda: all(feeder.status().state == "running" for feeder in feeders)


def sent(feeder: OutputFeeder, pictures: int) -> None:
    """Wait until so many more have been handed to it."""
    before = feeder.frames
    wait_until(lambda: feeder.frames >= before + pictures, 20)


def packets(path: Path) -> int:
    """Pictures in a recording so far; 0 if it cannot be read yet."""
    done = subprocess.run(
        ["ffprobe", "-v", "quiet", "-select_streams", "v", "-count_packets", "-show_entries",
         "stream=nb_read_packets", "-of", "csv=p=0", str(path)],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    found = done.stdout.strip().rstrip(",").splitlines()
    return int(found[0]) if found and found[0].isdigit() else 0


def test_all_at_once_encoded_once_and_in_time(
    programme: Programme, nginx: Nginx, receive: Receive, tmp_path: Path
) -> None:
    called, calling, media, served = udp(), udp(), free_port(), free_port()
    made = {name: tmp_path / name for name in ("called.ts", "calling.ts", "media.mkv")}
    ends = [
        record_srt(
            receive,
            f"srt://127.0.0.1:{called}?mode=listener&passphrase={SECRET}",
            made["called.ts"],
        ),
        record_rtsp(receive, media, made["media.mkv"], "joe", "tells-nobody"),
    ]
    rtp = RtpReceiver()
    programme.output("null://")
    programme.output(str(tmp_path / "file.mkv"))
    programme.output(f"rtsp://127.0.0.1:{served}/live")
    listener = programme.output(f"srt://127.0.0.1:{calling}?mode=listener")
    pushed = [
        listener,
        programme.output(f"srt://127.0.0.1:{called}?pbkeylen=32", passphrase=Secret(SECRET)),
        programme.output(f"rtmp://127.0.0.1:{nginx.port}/live", stream_key=Secret(nginx.key)),
        programme.output(f"rtsp+push://joe:tells-nobody@127.0.0.1:{media}/live"),
        programme.output(f"rtsp+push://127.0.0.1:{rtp.port}/live"),
    ]
    running = is_running(*pushed)
    wait_until(lambda: all(end.revive() for end in ends) and running(), 30)
    assert listener.status().clients == 0
    ends.append(record_srt(receive, f"srt://127.0.0.1:{calling}", made["calling.ts"]))
    reader = receive(
        "ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i",
        f"rtsp://127.0.0.1:{served}/live", "-f", "null", "-",
    )  # fmt: skip
    wait_until(lambda: ends[-1].revive() and listener.status().clients == 1, 20)
    wait_until(lambda: dict(Encoders.running()) == {"x264enc": 7, "aac": 3, "opus": 4}, 20)
    assert len(Encoders.running()) == 3
    sent(pushed[2], 100)
    wait_until(lambda: len(rtp.reports) == 2)
    for feeder in pushed:
        assert (feeder.status().state, feeder.status().clients) == ("running", 1)
    reader.kill()
    for feeder in pushed:
        assert feeder.stop()
    for end in ends:
        end.end()
    for path in (made["called.ts"], made["calling.ts"], *nginx.recordings()):
        assert abs(np.median(skews(path))) <= 10, path
    rtp.close()
    assert max(map(abs, rtp.skews())) <= 5
    # This one mixes those reports with when packets arrived, and ends up tens of ms off.
    assert packets(made["media.mkv"]) > 60
    assert skews(made["media.mkv"])
    assert nginx.asked
    assert all(f"name={nginx.key}" in asked for asked in nginx.asked)


def test_a_receiver_that_comes_back_gets_the_stream_again(
    programme: Programme, nginx: Nginx, receive: Receive, tmp_path: Path
) -> None:
    port = udp()
    listen = f"srt://127.0.0.1:{port}?mode=listener"
    first = record_srt(receive, listen, tmp_path / "first.ts")
    srt = programme.output(f"srt://127.0.0.1:{port}")
    rtmp = programme.output(f"rtmp://127.0.0.1:{nginx.port}/live", stream_key=Secret(nginx.key))
    other = programme.output("null://")
    wait_until(lambda: first.revive() and is_running(srt, rtmp)(), 30)
    first.kill()
    nginx.kill()
    wait_until(lambda: srt.reconnects and rtmp.reconnects, 20)
    assert "receiver closed" in str(srt.last_error) or "nobody answers" in str(srt.last_error)
    assert other.status().state == "running"
    old = set(nginx.recordings())
    nginx.start()
    second = record_srt(receive, listen, tmp_path / "second.ts")
    wait_until(lambda: second.revive() and is_running(srt, rtmp)(), 30)
    sent(rtmp, 100)
    assert srt.stop()
    assert rtmp.stop()
    second.end()
    found = [tmp_path / "second.ts", *(set(nginx.recordings()) - old)]
    for path in found:
        assert abs(np.median(skews(path))) <= 33, path


@pytest.mark.soak
def test_a_listener_without_callers_encodes_nothing(
    programme: Programme, receive: Receive, tmp_path: Path
) -> None:
    port = udp()
    feeder = programme.output(f"srt://127.0.0.1:{port}?mode=listener")
    wait_until(is_running(feeder))
    sent(feeder, 10)
    assert Encoders.running() == []
    callers = []
    for name in "ab":
        callers.append(record_srt(receive, f"srt://127.0.0.1:{port}", tmp_path / f"{name}.ts"))
        wait_until(lambda: callers[-1].revive() and feeder.status().clients == len(callers), 20)
    wait_until(lambda: all(packets(tmp_path / f"{name}.ts") > 15 for name in "ab"), 20)
    assert dict(Encoders.running()) == {"x264enc": 1, "aac": 1}
    for caller in callers:
        caller.kill()
    wait_until(lambda: Encoders.running() == [], 20)
    assert feeder.status().state == "running"
    third = record_srt(receive, f"srt://127.0.0.1:{port}", tmp_path / "c.ts")
    wait_until(lambda: third.revive() and packets(tmp_path / "c.ts") > 15, 20)
    assert feeder.status().reconnects == 0


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[int]:
    """The port of a server whose certificate nobody has signed but itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))

    class Greets(socketserver.BaseRequestHandler):
        """Shakes hands, or finds out that nobody wants to."""

        def handle(self) -> None:
            """See above."""
            with contextlib.suppress(OSError):
                context.wrap_socket(self.request, server_side=True).recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greets) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_what_is_wrong_is_said_without_the_secret(
    programme: Programme, nginx: Nginx, untrusted: int, receive: Receive, tmp_path: Path
) -> None:
    locked, media = udp(), free_port()
    # Not ffmpeg, which ends at a wrong passphrase and leaves the port to the next who listens.
    programme.output(f"srt://127.0.0.1:{locked}?mode=listener&passphrase={SECRET}")
    wait_until(lambda: is_bound(locked), what="somebody listens")
    record_rtsp(receive, media, tmp_path / "a.mkv", "joe", "tells-nobody")
    wrong = {
        f"rtmp://127.0.0.1:{nginx.port}/live/wrong-key-4321": "wrong stream key",
        f"rtmps://127.0.0.1:{untrusted}/live/wrong-key-4321": "certificate",
        f"rtmp://127.0.0.1:{free_port()}/live/wrong-key-4321": "nothing listens there",
        "rtmp://no-such-host.invalid/live/wrong-key-4321": "cannot be looked up",
        f"srt://127.0.0.1:{locked}?passphrase=wrong-key-4321": "refuses the connection",
        f"srt://127.0.0.1:{udp()}?passphrase=wrong-key-4321": "nobody answers there",
        "srt://no-such-host.invalid:9?passphrase=wrong-key-4321": "cannot be looked up",
        f"srt://127.0.0.1:{locked}?mode=listener&passphrase=other-key-4321": "cannot listen",
        f"rtsp+push://joe:wrong-key-4321@127.0.0.1:{media}/live": "another user or password",
        f"rtsp+push://joe:tells-nobody@127.0.0.1:{media}/nowhere": "no stream of this path",
        f"rtsp+push://joe:wrong-key-4321@127.0.0.1:{free_port()}/live": "nothing listens there",
    }
    with capture_logs() as logs:
        feeders = {uri: programme.output(uri) for uri in wrong}
        for uri, words in wrong.items():
            feeder = feeders[uri]
            wait_until(lambda f=feeder: f.reconnects >= 2, 30, uri)  # type: ignore[misc]
            assert words in str(feeder.last_error), uri
            assert feeder.status().state in ("opening", "retrying")
    shown = [str(logs), *(str(feeder.status()) for feeder in feeders.values())]
    secrets = ("wrong-key-4321", "other-key-4321", "tells-nobody", SECRET)
    assert not [text for text in shown if any(secret in text for secret in secrets)]
    # The same failure is not told again and again.
    for feeder in feeders.values():
        uri = feeder.status().uri
        broke = [
            entry for entry in logs if entry["event"] == "output broke" and entry["uri"] == uri
        ]
        assert len(broke) <= 2, broke


def test_receivers_that_hang_do_not_hold_up_the_stop(
    programme: Programme, nginx: Nginx, receive: Receive, tmp_path: Path
) -> None:
    port, media = udp(), free_port()
    srt = record_srt(receive, f"srt://127.0.0.1:{port}?mode=listener", tmp_path / "a.ts")
    rtsp = record_rtsp(receive, media, tmp_path / "a.mkv")
    feeders = [
        programme.output(f"srt://127.0.0.1:{port}"),
        programme.output(f"rtmp://127.0.0.1:{nginx.port}/live", stream_key=Secret(nginx.key)),
        programme.output(f"rtsp+push://127.0.0.1:{media}/live"),
    ]
    wait_until(lambda: srt.revive() and is_running(*feeders)(), 30)
    srt.hang()
    rtsp.hang()
    nginx.signal(signal.SIGSTOP)
    # They hang while it connects, too.
    late = programme.output(f"rtmp://127.0.0.1:{nginx.port}/live", stream_key=Secret(nginx.key))
    sent(feeders[0], 30)
    assert late.status().words == "connecting"
    for feeder in (*feeders, late):
        assert feeder.stop(3.0)
    nginx.signal(signal.SIGCONT)


class Narrow:
    """A link to a port of this machine that carries so many bytes a second, and no more."""

    def __init__(self, port: int, rate: int) -> None:
        self.rate, self._to = rate, port
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(1)
        self.port = int(self._listening.getsockname()[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            here, _ = self._listening.accept()
        except OSError:
            return
        with here, socket.create_connection(("127.0.0.1", self._to)) as there:
            back = threading.Thread(target=self._carry, args=(there, here, 1 << 20), daemon=True)
            back.start()
            self._carry(here, there, None)
            with contextlib.suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)
            back.join()

    def _carry(self, one: socket.socket, other: socket.socket, rate: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(max(256, (rate or self.rate) // 50)):
                other.sendall(data)
                if self._stop.wait(0.02):
                    return

    def close(self) -> None:
        """Cut it."""
        self._stop.set()
        self._listening.close()
        self._thread.join(5)


@pytest.mark.soak
def test_on_a_narrow_link_pictures_are_left_out_and_sound_goes_on(
    programme: Programme, nginx: Nginx, tmp_path: Path
) -> None:
    link = Narrow(nginx.port, 20 << 20)
    # The system's own buffer holds seconds of a smaller stream.
    feeder = programme.output(
        f"rtmp://127.0.0.1:{link.port}/live", stream_key=Secret(nginx.key), bitrate_kbps=20_000
    )
    other = programme.output(str(tmp_path / "other.mkv"))
    programme.noise = True
    try:
        wait_until(is_running(feeder), 20)
        link.rate = 100_000
        wait_until(lambda: feeder.status().dropped > 30, 30)
        assert feeder.status().state == "running"
        assert feeder.reconnects == 0
        link.rate = 20 << 20
        before = feeder.status().dropped
        sent(feeder, 90)
        assert feeder.status().dropped - before < 60
    finally:
        assert feeder.stop()
        link.close()
    assert other.status().reconnects == 0
    # Every flash has its beep, also where it was left out itself.
    sound = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts_time",
         "-of", "csv=p=0", str(nginx.recordings()[0])],
        capture_output=True, text=True, timeout=20, check=True,
    ).stdout.split()  # fmt: skip
    gaps = np.diff([float(row.strip(",")) for row in sound])
    assert gaps.max() < 0.05
