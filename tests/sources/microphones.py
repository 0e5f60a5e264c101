"""Sound servers and devices of ALSA's for tests: real ones, of our own, without a sound card."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


class PulseServer:
    """A private PulseAudio with a microphone called ``null.monitor``, which hears 1 kHz."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        folder = self.folder
        environment = os.environ | {
            "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"), "PULSE_STATE_PATH": str(folder / "state"),
            "DBUS_SESSION_BUS_ADDRESS": "disabled:", "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
        }  # fmt: skip
        modules = (
            f"module-native-protocol-unix socket={folder}/pulse auth-anonymous=1",
            "module-null-sink sink_name=null rate=44100 channels=1",
            "module-sine sink=null frequency=1000",
        )
        (folder / "pulse").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
             "--high-priority=no", "--realtime=no",
             *(word for module in modules for word in ("-L", module))],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: (folder / "pulse").exists() or self._process is None)

    def stop(self) -> None:
        """End it, as a user's session does when they log out."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)


def wait_until(what: object, timeout: float = 20.0) -> None:
    """Wait until the condition holds; fails the test after ``timeout`` seconds."""
    assert callable(what)
    deadline, moment = time.monotonic() + timeout, threading.Event()
    while not what():
        assert time.monotonic() < deadline, f"not within {timeout} s"
        moment.wait(0.01)


@pytest.fixture
def pulse(monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseServer]:
    """A running server of our own, which PULSE_SERVER names."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("pulseaudio is not installed (make test installs it)")
    # Not tmp_path, which is too long for a socket's name.
    with tempfile.TemporaryDirectory(prefix="mb") as folder:
        server = PulseServer(Path(folder))
        server.start()
        monkeypatch.setenv("PULSE_SERVER", f"unix:{folder}/pulse")
        yield server
        server.stop()
