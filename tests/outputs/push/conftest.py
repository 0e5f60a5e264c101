"""A programme that flashes and beeps, and receivers to push it to."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import OutputSettings
from appliance.media.audio import RATE, AudioBlock
from appliance.media.frame import Format, Frame, blank
from appliance.media.mailbox import Closed
from appliance.outputs.feeder import OutputFeeder
from appliance.outputs.make import make_output
from tests.outputs.conftest import wait_until

FORMAT = Format(320, 180, (30, 1))
_PERIOD = 33_333_333
_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
MEDIA = Path(__file__).with_name("record_server.py")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of this machine that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _frame(light: int) -> Frame:
    frame = blank(FORMAT.width, FORMAT.height, FORMAT.colour)
    frame.y[:] = np.linspace(30, 90, FORMAT.width).astype(np.uint8)
    frame.uv[:] = 128
    frame.uv[:, 80:, 0] = 160
    frame.y[40:140, 110:210] = light
    return frame


class Programme:
    """30 pictures a second to feeders: a square that flashes each second, with a beep."""

    def __init__(self) -> None:
        self.feeders: list[OutputFeeder] = []
        self.noise = False
        """Whether the pictures are hard to encode."""
        self._random = np.random.default_rng(1)
        self._dark, self._bright = _frame(120), _frame(235)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def output(self, uri: str, **settings: object) -> OutputFeeder:
        """Open one more output, which is opened again quickly."""
        output = make_output(OutputSettings(uri=uri, keyframe_s=0.5, **settings))  # type: ignore[arg-type]
        feeder = OutputFeeder(output, FORMAT, retry_first_s=0.1, retry_most_s=0.3)
        feeder.start()
        self.feeders = [*self.feeders, feeder]
        return feeder

    def _run(self) -> None:
        begin = time.monotonic_ns()
        number = 0
        while not self._stop.wait(max(0, (begin + number * _PERIOD - time.monotonic_ns()) / 1e9)):
            pts = begin + number * _PERIOD
            t = np.arange(number * 1600, (number + 1) * 1600) / RATE
            on = t % 1.0 < 0.0666
            tone = np.where(on, 20_000 * np.sin(2 * np.pi * 1000 * t), 0).astype(np.int16)
            block = AudioBlock(np.column_stack((tone, tone)), begin + number * 1600 * 10**9 // RATE)
            picture = self._bright if number % 30 < 2 else self._dark
            if self.noise:
                picture = _frame(120)
                picture.y[:] = self._random.integers(16, 235, picture.y.shape, np.uint8)
            frame = Frame(
                picture.y, picture.uv, picture.colour, pts, pts, number, False, None, _PERIOD
            )
            for feeder in self.feeders:
                with contextlib.suppress(Closed):
                    feeder.sounds.put(block)
                    feeder.mailbox.put(frame)
            number += 1

    def close(self) -> None:
        """Stop all outputs."""
        for feeder in self.feeders:
            feeder.ask_to_stop()
        for feeder in self.feeders:
            feeder.stop()
        self._stop.set()
        self._thread.join()


@pytest.fixture
def programme() -> Iterator[Programme]:
    """One that runs while the test does."""
    made = Programme()
    yield made
    made.close()


class Receiver:
    """A process that takes a stream."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def revive(self) -> bool:
        """Start it again if it has ended: ffmpeg does when a connection does not come about."""
        if not self.running:
            self._start()
        return True

    @property
    def running(self) -> bool:
        """Whether it is."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait(5)

    def end(self) -> None:
        """Have it finish its file."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def hang(self) -> None:
        """Stop it in the middle of what it does."""
        self._process.send_signal(signal.SIGSTOP)


Receive = Callable[..., Receiver]


@pytest.fixture
def receive() -> Iterator[Receive]:
    """Starts receivers, and ends them."""
    made: list[Receiver] = []

    def start(*command: str) -> Receiver:
        made.append(Receiver(*command))
        return made[-1]

    yield start
    for receiver in made:
        if receiver.running:
            receiver.kill()


def record_srt(receive: Receive, uri: str, out: Path) -> Receiver:
    """Ffmpeg, which takes SRT and records it."""
    return receive(
        "ffmpeg", "-v", "error", "-y", "-probesize", "200k", "-analyzeduration", "1M", "-i", uri,
        "-c", "copy", "-flush_packets", "1", str(out),
    )  # fmt: skip


def record_rtsp(receive: Receive, port: int, out: Path, *who: str) -> Receiver:
    """A media server; returns when it listens."""
    made = receive(sys.executable, str(MEDIA), str(port), str(out), *who)
    wait_until(lambda: _listens(port), what="the media server listens")
    return made


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False


class Nginx:
    """With its RTMP module: ``live`` takes the key "right-key-1234" alone and records it."""

    key = "right-key-1234"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.asked: list[str] = []
        asked, key = self.asked, self.key

        class Guard(http.server.BaseHTTPRequestHandler):
            """Says which key is right."""

            def do_POST(self) -> None:
                """See above."""
                said = self.rfile.read(int(self.headers["content-length"])).decode()
                asked.append(said)
                self.send_response(200 if f"name={key}&" in said else 403)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._guard = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guard)
        threading.Thread(target=self._guard.serve_forever, daemon=True).start()
        (folder / "nginx.conf").write_text(
            f"load_module {_MODULE}; daemon off; master_process off; pid {folder}/pid;\n"
            f"error_log {folder}/error.log info; events {{}}\n"
            f"rtmp {{ server {{ listen 127.0.0.1:{self.port};\n"
            "  application live { live on; record all; record_unique off; record_interval 1h;\n"
            f"    record_path {folder}; record_suffix -%s.flv;\n"
            f"    on_publish http://127.0.0.1:{self._guard.server_port}/; }}\n"
            "}}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, again."""
        self._process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")],
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: _listens(self.port), what="nginx listens")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it without warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(5)

    def recordings(self) -> list[Path]:
        """What it recorded, in order."""
        return sorted(self.folder.glob("*.flv"))

    def close(self) -> None:
        """End all of it."""
        self.kill()
        self._guard.shutdown()
        self._guard.server_close()


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    """A server that runs while the test does."""
    if shutil.which("nginx") is None or not _MODULE.exists():
        pytest.skip("no nginx with RTMP here: apt install nginx libnginx-mod-rtmp")
    folder = tmp_path / "nginx"
    folder.mkdir()
    made = Nginx(folder)
    yield made
    made.close()


def _starts(loud: np.ndarray, quiet: int) -> list[int]:
    at = np.flatnonzero(loud)
    return [int(at[k]) for k in range(len(at)) if k == 0 or at[k] - at[k - 1] > quiet]


def skews(path: Path) -> list[float]:
    """How long after each flash its beep begins, milliseconds, in what a receiver got."""
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time",
         "-of", "csv=p=0", str(path)],
        capture_output=True, text=True, timeout=20, check=True,
    ).stdout.split()  # fmt: skip
    times = [float(row.strip(",")) for row in probe]
    light = np.frombuffer(
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(path), "-vf",
             "crop=40:40:140:70,scale=1:1:flags=area", "-pix_fmt", "gray", "-fps_mode",
             "passthrough", "-f", "rawvideo", "-"],
            capture_output=True, timeout=20, check=True,
        ).stdout,
        np.uint8,
    )  # fmt: skip
    first = times[0]
    sound = np.frombuffer(
        subprocess.run(
            ["ffmpeg", "-v", "error", "-copyts", "-i", str(path), "-map", "0:a", "-ac", "1", "-ar",
             str(RATE), "-af", f"asetpts=PTS-{first}/TB,aresample=async=1:first_pts=0", "-f",
             "f32le", "-"],
            capture_output=True, timeout=20, check=True,
        ).stdout,
        np.float32,
    )  # fmt: skip
    flashes = [times[k] - first for k in _starts(light > 200, 5)]
    tones = [k / RATE for k in _starts(np.abs(sound) > 0.2, RATE // 10)]
    # The first and the last may lie where the recording was cut.
    return [
        1000 * min((t - f for t in tones), key=abs)
        for f in flashes
        if 0.2 < f < times[-1] - first - 0.2
    ]
