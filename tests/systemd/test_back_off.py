"""libexec/back-off: ever longer waits between restarts, and none again after a good run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


class Unit:
    """What systemd does around the service, with a sleep that only records its duration."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.script, self.folder = root / "systemd/libexec/back-off", folder / "run"
        self.folder.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        self.slept = folder / "slept"
        (programs / "sleep").write_text(f'#!/bin/sh\necho "$1" >>{self.slept}\n')
        (programs / "sleep").chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"

    def call(self, what: str, result: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.script, what],
            env={"PATH": self.path, "SERVICE_RESULT": result}
            | {"RUNTIME_DIRECTORY": str(self.folder)},
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip

    def runs(self, result: str) -> int:
        """Start and stop; returns how long the start waited."""
        self.slept.write_text("")
        waited = self.call("wait")
        assert waited.returncode == 0
        # A line when there is a wait, otherwise none.
        assert bool(waited.stderr) == bool(self.slept.read_text())
        assert self.call("note", result).returncode == 0
        return int(self.slept.read_text() or 0)


@pytest.fixture
def unit(root: Path, tmp_path: Path) -> Unit:
    return Unit(root, tmp_path)


def test_the_first_restart_is_at_once_and_the_next_ones_later(unit: Unit) -> None:
    waits = [unit.runs("signal") for _ in range(10)]
    assert waits == [0, 0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert "failed 10 times in a row; next start in 30 s" in unit.call("wait").stderr


def test_a_good_end_is_no_failure(unit: Unit) -> None:
    for _ in range(4):
        unit.runs("exit-code")
    assert unit.runs("success") == 4
    assert unit.runs("watchdog") == 0


def test_a_minute_of_running_wipes_the_slate(unit: Unit) -> None:
    for _ in range(5):
        unit.runs("exit-code")
    unit.call("wait")
    up = float(Path("/proc/uptime").read_text().split()[0])
    if up < 70:
        pytest.skip("this machine started less than a minute ago")
    (unit.folder / "started").write_text(f"{int(up) - 61}\n")
    unit.call("note", "signal")
    assert (unit.folder / "failures").read_text() == "1\n"


def test_files_that_a_crash_left_broken_count_as_none(unit: Unit) -> None:
    (unit.folder / "failures").write_text("")
    (unit.folder / "started").write_text("soon")
    assert unit.runs("signal") == 0


def test_a_wrong_word_is_told(unit: Unit) -> None:
    done = unit.call("sleep")
    assert done.returncode == 2
    assert "found 'sleep', expected wait or note" in done.stderr
