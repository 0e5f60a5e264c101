"""The real program with less around it: disks that are full, clocks that step, few descriptors."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.faults.stand_ins import wait_until
from tests.scenes import STAGE

ROOT = Path(__file__).resolve().parents[2]


def configuration(folder: Path, network: Path, room: Path, **sections: Any) -> Path:
    """A configuration file over the clip, with other values in some of its sections."""
    data: dict[str, Any] = {
        "source": {"uri": str(room)},
        "background": {"uri": f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"},
        "matting": {"model": str(network)},
        "outputs": [{"uri": "null://"}],
        "http": {"enabled": False},
        "log": {"format": "json"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data | sections))
    return path


class Program:
    """``mattebox run`` in a process of its own; its log is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def says(self, words: str, count: int = 1) -> bool:
        """Whether so many lines of the log have these words."""
        return sum(words in line for line in self.log) >= count

    def wait_for(self, words: str, count: int = 1, seconds: float = 30.0) -> float:
        """Until the log has them; returns the seconds that it took."""

        def said() -> bool:
            assert self.process.poll() is None or self.says(words, count), "".join(self.log[-20:])
            return self.says(words, count)

        return wait_until(said, seconds, f"{words!r} in the log: {self.log[-5:]}")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit code, and the seconds that the end took."""
        asked = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(20)
        self._reader.join(5)
        return code, time.monotonic() - asked


@contextmanager
def program(
    config: Path, *arguments: str, driver: str = "", before: str = "",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:  # fmt: skip
    """Start it, and kill it at the end, should it still run.

    ``driver`` is Python that runs before it, in its process; ``before`` shell commands in a mount
    namespace of its own (skips the test where there is none to be had).
    """
    code = f"{driver}\nimport sys\nfrom appliance.cli.main import main\nsys.exit(main())"
    command = [sys.executable, "-c", code, "run", "--config", str(config), *arguments]
    if before:
        command = [*private_mounts(), "sh", "-ec", f'{before}\nexec "$@"', "sh", *command]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running = Program(process)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        running._reader.join(5)
        assert process.stderr is not None
        process.stderr.close()


def ended_by(config: Path, driver: str) -> Program:
    """One that has ended with code 1, from what ``driver`` does to it on SIGUSR1."""
    with program(config, driver=driver) as mattebox:
        mattebox.wait_for("composites go out")
        mattebox.process.send_signal(signal.SIGUSR1)
        assert mattebox.process.wait(20) == 1
    return mattebox


def private_mounts() -> list[str]:
    """A command that gives the command after it mounts of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    command = ["unshare", "--mount"]
    if os.geteuid() != 0:
        command = ["unshare", "--user", "--map-root-user", "--mount"]
    tried = subprocess.run(
        [*command, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, timeout=10,
        check=False,
    )  # fmt: skip
    if tried.returncode != 0:
        pytest.skip("this user may not mount anything, not even in a namespace of its own")
    return command
