"""The real daemon under a stand-in for systemd: notifications, signals, restart."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.listener import Listener, service
from tests.networks.bright import bright_network
from tests.patience import promised
from tests.scenes import STAGE, room_clip

# The pipeline and the placeholder watch both need the programme's lock: SIGUSR1 takes it for
# good, like a deadlock.
DEADLOCK = """
import signal, threading
from appliance.daemon.programme import Programme
made = []
init = Programme.__init__
def remember(self, *arguments, **options):
    init(self, *arguments, **options)
    made.append(self)
Programme.__init__ = remember
take = lambda: made[0]._lock.acquire()
signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=take, daemon=True).start())
"""
# The network answers only from SIGUSR1 on.
HELD_BACK = """
import signal, threading
from appliance.networks.onnxruntime import OnnxRuntimeMatting
go = threading.Event()
infer = OnnxRuntimeMatting.infer
def held(self, **options):
    go.wait(30)
    return infer(self, **options)
OnnxRuntimeMatting.infer = held
signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=go.set).start())
"""
# The second network never finishes loading.
SLOW_TO_LOAD = """
import threading
from appliance.daemon import apply
apply._prepare = lambda *_: threading.Event().wait(60)
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration for a clip."""
    folder = tmp_path_factory.mktemp("service")
    data = {
        "source": {"uri": str(room_clip(folder / "room.mp4"))},
        "background": {"uri": f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"},
        "matting": {"model": str(bright_network(folder / "network"))},
        "outputs": [{"uri": "null://"}],
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """The manager's end."""
    heard = Listener(str(tmp_path / "notify"))
    yield heard
    heard.close()


def log_of(process: subprocess.Popen[str]) -> str:
    """Its log, once it has ended."""
    return process.communicate(timeout=20)[1]


def test_ready_after_the_first_composite_and_words_of_how_it_goes(
    listener: Listener, config: Path
) -> None:
    with service(listener, "--config", str(config), driver=HELD_BACK) as process:
        # The network is stuck: the placeholder goes out, which does not count as ready.
        said = listener.until(lambda m: m.get("STATUS", "").startswith("placeholder: "))
        assert "READY" not in said
        assert listener.until_had("EXTEND_TIMEOUT_USEC")
        assert not any("READY" in message for message in listener.messages)
        process.send_signal(signal.SIGUSR1)
        assert listener.until_key("READY")["STATUS"] == "live, 0 clients"
        listener.until_key("WATCHDOG")
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        listener.until_key("STOPPING", timeout=5)
        log_of(process)
        assert time.monotonic() - asked < promised(5)
        assert process.returncode == 0


def test_without_its_source_it_is_not_ready_and_says_why(
    listener: Listener, config: Path, free_port: int
) -> None:
    camera = f"rtsp://127.0.0.1:{free_port}/camera"
    with service(
        listener, "--config", str(config), "--source", camera, "--set", "source.timeout_s=0.5"
    ) as process:
        # Between two tries; while it tries again it says "connecting", and the same.
        start = "placeholder: waiting: "
        said = listener.until(lambda m: m.get("STATUS", "").startswith(start))
        assert "nothing answers" in said["STATUS"]
        listener.until_had("EXTEND_TIMEOUT_USEC")
        assert not {"READY", "WATCHDOG"} & {key for m in listener.messages for key in m}
        process.send_signal(signal.SIGTERM)
        log_of(process)


def test_the_watchdog_is_not_fed_once_nothing_leaves(listener: Listener, config: Path) -> None:
    with service(listener, "--config", str(config), driver=DEADLOCK, watchdog_s=1.0) as process:
        listener.until_key("READY")
        listener.until_key("WATCHDOG")
        process.send_signal(signal.SIGUSR1)
        listener.until(lambda m: m.get("STATUS", "").startswith("nothing leaves, not even "))
        since = len(listener.messages)
        # Three times the limit: systemd would have acted long before.
        deadline = time.monotonic() + 3
        while (left := deadline - time.monotonic()) > 0:
            listener.receive(left)
        assert not any("WATCHDOG" in message for message in listener.messages[since:])
        # The signal that systemd then sends; the log must show where each thread was.
        process.send_signal(signal.SIGABRT)
        assert "Thread 0x" in log_of(process)
        assert process.returncode == -signal.SIGABRT


def test_sighup_reloads_and_says_so(listener: Listener, config: Path, tmp_path: Path) -> None:
    mine = tmp_path / "config.yaml"
    mine.write_text(config.read_text())
    with service(listener, "--config", str(mine)) as process:
        listener.until_key("READY")
        process.send_signal(signal.SIGHUP)
        listener.until_key("RELOADING")
        listener.until_key("READY")
        mine.write_text(mine.read_text() + "steady: {strength: 2}\n")
        process.send_signal(signal.SIGHUP)
        said = listener.until(lambda m: "configuration not applied" in m.get("STATUS", ""))
        assert "steady.strength" in said["STATUS"]
        listener.until_key("WATCHDOG")
        process.send_signal(signal.SIGTERM)
        log_of(process)
        assert process.returncode == 0


def test_a_reload_that_takes_long_holds_up_neither_the_watchdog_nor_the_end(
    listener: Listener, config: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "config.yaml"
    mine.write_text(config.read_text())
    with service(listener, "--config", str(mine), driver=SLOW_TO_LOAD, watchdog_s=1.0) as process:
        listener.until_key("READY")
        mine.write_text(config.read_text().replace("model:", "threads: 2\n  model:"))
        process.send_signal(signal.SIGHUP)
        listener.until_key("RELOADING")
        for _ in range(5):
            assert "READY" not in listener.until_key("WATCHDOG")
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        log = log_of(process)
        assert time.monotonic() - asked < promised(5)
        assert process.returncode == 0
        assert "settings applied" not in log


def test_killed_in_a_reload_it_serves_the_same_port_again_within_five_seconds(
    listener: Listener, config: Path, free_port: int, tmp_path: Path
) -> None:
    mine = tmp_path / "config.yaml"
    mine.write_text(config.read_text())
    arguments = ("--config", str(mine), "--output", f"rtsp://127.0.0.1:{free_port}/live")

    def describe() -> socket.socket:
        reader = socket.create_connection(("127.0.0.1", free_port), timeout=5)
        uri = f"rtsp://127.0.0.1:{free_port}/live"
        reader.sendall(f"DESCRIBE {uri} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        assert reader.recv(100).startswith(b"RTSP/1.0 200 OK")
        return reader

    started = time.monotonic()
    with service(listener, *arguments, driver=SLOW_TO_LOAD) as process:
        listener.until_key("READY")
        first = time.monotonic() - started
        # A connected reader leaves its connection behind on our port.
        reader = describe()
        mine.write_text(config.read_text().replace("model:", "threads: 2\n  model:"))
        process.send_signal(signal.SIGHUP)
        listener.until_key("RELOADING")
        process.kill()
        process.wait(5)
    killed = time.monotonic()
    with service(listener, *arguments):
        listener.until_key("READY")
        describe().close()
        took = time.monotonic() - killed
    reader.close()
    # Or, on a busy machine, not much longer than the first start.
    assert took < max(promised(5), 2 * first), f"{took:.1f} s, and {first:.1f} s at first"
