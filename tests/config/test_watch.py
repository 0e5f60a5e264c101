"""A saved file is noticed once, however it was saved."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from appliance.config.watch import ConfigWatch
from appliance.system.file_identity import identity
from tests.patience import promised


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


BIND_MOUNT = """
import subprocess, sys
from pathlib import Path
from appliance.config.watch import ConfigWatch, identity
path, other = Path(sys.argv[1]), Path(sys.argv[2])
watch = ConfigWatch(path, identity(path))
settle = lambda: [watch.changed() for _ in range(3)]
assert settle() == [False] * 3
subprocess.run(["mount", "--bind", other, path], check=True)
assert settle() == [False, True, False]
other.write_text("a: 33333")  # seen through the mount
assert settle() == [False, True, False]
subprocess.run(["umount", path], check=True)
assert settle() == [False, True, False]
"""


def test_a_bind_mount_over_it_and_away_again(tmp_path: Path, root: Path) -> None:
    path, other = tmp_path / "config.yaml", tmp_path / "other.yaml"
    path.write_text("a: 1")
    other.write_text("a: 22")
    alone = ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("no mount namespaces for this user here")
    done = subprocess.run(
        [*alone, sys.executable, "-c", BIND_MOUNT, str(path), str(other)],
        cwd=root, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_file_written_in_pieces_is_taken_when_it_rests(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: 1\n")
    watch = ConfigWatch(path, identity(path))
    with path.open("w") as file:
        for piece in ("steady:\n", "  strength: 0.5\n", "roi:\n", "  margin: 0.1\n"):
            file.write(piece)
            file.flush()
            assert not watch.changed()
    assert settle(watch) == [True, False, False]


def test_the_running_program_takes_a_saved_file_and_says_what_it_refuses(
    tmp_path: Path, network: Path, room: Path
) -> None:
    path = tmp_path / "config.yaml"
    data = {
        "source": {"uri": str(room)},
        "background": {"uri": "colour:#787878"},
        "matting": {"model": str(network)},
        "outputs": [{"uri": "null://"}],
        "http": {"enabled": False},
        "log": {"format": "plain"},
    }
    path.write_text(yaml.safe_dump(data | {"log": {"format": "plain", "level": "debug"}}))
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
        lines.clear()

    try:
        wait_for("composites go out")
        path.write_text("steady: {strength: 7}\n")
        # The log's other settings are not taken over by a file that is refused.
        wait_for(f"the last good configuration stays reason='{path}:1:20: steady.strength")
        data["background"] = {"uri": "colour:#ffffff"}
        path.write_text(yaml.safe_dump(data))
        wait_for("settings applied changed=['background', 'log']")
        # The log itself: once they are applied each line is JSON, then nothing below an error.
        path.write_text(yaml.safe_dump(data | {"log": {"format": "json", "level": "debug"}}))
        process.send_signal(signal.SIGHUP)
        wait_for("settings applied changed=['log']")
        path.write_text(yaml.safe_dump(data | {"log": {"format": "json", "level": "error"}}))
        wait_for('"changed": ["log"]')
        path.write_text("sauce: {}\n")
        wait_for("sauce: unknown key")
        assert process.poll() is None
        process.terminate()
        asked = time.monotonic()
        process.wait(20)
        assert process.returncode == 0
        assert time.monotonic() - asked < promised(5)
        reader.join(10)
        assert lines == []
    finally:
        process.kill()
        process.wait(10)
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
