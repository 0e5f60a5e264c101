"""A saved file is noticed once, however it was saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from appliance.config_watch import ConfigWatch, identity
from tests.networks import bright_network
from tests.scenes import room_clip


def settle(watch: ConfigWatch) -> list[bool]:
    """Three looks."""
    return [watch.changed() for _ in range(3)]


def test_saving_in_place_by_rename_and_by_link(tmp_path: Path) -> None:
    path, other = tmp_path / "config.yaml", tmp_path / "other.yaml"
    path.write_text("a: 1\n")
    watch = ConfigWatch(path, identity(path))
    assert settle(watch) == [False, False, False]
    path.write_text("a: 22\n")
    assert settle(watch) == [False, True, False]
    other.write_text("a: 333\n")
    os.replace(other, path)
    assert settle(watch) == [False, True, False]
    other.write_text("a: 4444\n")
    path.unlink()
    path.symlink_to(other)
    assert settle(watch) == [False, True, False]
    other.write_text("a: 55555\n")
    assert settle(watch) == [False, True, False]


def test_of_quick_edits_the_last_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("")
    watch = ConfigWatch(path, identity(path))
    for i in range(20):
        path.write_text("x" * (i + 1))
        assert not watch.changed()
    assert settle(watch) == [True, False, False]


def test_a_file_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: 1\n")
    watch = ConfigWatch(path, identity(path))
    path.unlink()
    assert settle(watch) == [False, False, False]
    path.write_text("a: 2\n")
    assert settle(watch) == [False, True, False]


def test_what_is_saved_after_the_reading_began_is_another_state(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: 1\n")
    read = identity(path)
    path.write_text("a: 22\n")
    watch = ConfigWatch(path, read)
    assert settle(watch) == [False, True, False]
    path.write_text("a: 333\n")
    watch.note()
    assert settle(watch) == [False, False, False]
    path.write_text("a: 4444\n")
    assert settle(watch) == [False, True, False]


@pytest.mark.parametrize("how", ["saved", "SIGHUP"])
def test_the_running_program_takes_a_saved_file(tmp_path: Path, how: str) -> None:
    network = bright_network(tmp_path / "network")
    clip = room_clip(tmp_path / "room.mp4", frames=30)
    path = tmp_path / "config.yaml"
    data = {
        "source": {"uri": str(clip)},
        "background": {"uri": "colour:#787878"},
        "matting": {"model": str(network)},
        "outputs": [{"uri": "null://"}],
    }
    path.write_text(yaml.safe_dump(data))
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.cli", "run", "--config", str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines: list[str] = []
    said = threading.Condition()

    def read() -> None:
        assert process.stderr is not None
        for text in process.stderr:
            with said:
                lines.append(text)
                said.notify_all()

    reader = threading.Thread(target=read)
    reader.start()

    def wait_for(words: str) -> None:
        with said:
            found = said.wait_for(lambda: any(words in line for line in lines), 40)
        assert found, lines

    try:
        wait_for("composites go out")
        path.write_text("steady: {strength: 7}\n")
        wait_for("the last good configuration stays")
        assert any("steady.strength" in line for line in lines)
        path.write_text(yaml.safe_dump(data | {"background": {"uri": "colour:#ffffff"}}))
        if how == "SIGHUP":
            process.send_signal(signal.SIGHUP)
        wait_for("settings applied")
        assert process.poll() is None
        process.terminate()
        asked = time.monotonic()
        process.wait(20)
        assert process.returncode == 0
        assert time.monotonic() - asked < 5
    finally:
        process.kill()
        process.wait(10)
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
