"""SIGTERM at any moment, SIGINT twice, SIGKILL at any moment: it ends, and can start again.

What it tells systemd meanwhile, and the port that it must get back:
``tests/systemd/test_lifetime.py``. Engine builds that are killed:
``tests/tools/engine/test_build.py``.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.faults.box import configuration, program
from tests.faults.conftest import Measured
from tests.faults.stand_ins import wait_until
from tests.patience import promised

# Closing the recording takes for ever, as on a disk that does not respond.
STUCK = """
import sys, threading
from appliance.outputs.gstreamer import Sink
def stop(self, *, finish):
    print("the disk does not answer", file=sys.stderr, flush=True)
    threading.Event().wait()
Sink.stop = stop
"""


def test_asked_twice_it_does_not_wait_for_the_disk(
    network: Path, room: Path, tmp_path: Path
) -> None:
    config = configuration(tmp_path, network, room, outputs=[{"uri": str(tmp_path / "out.mkv")}])
    with program(config, driver=STUCK) as mattebox:
        mattebox.wait_for("composites go out")
        mattebox.process.send_signal(signal.SIGINT)
        mattebox.wait_for("the disk does not answer")
        # Ended by the signal itself: nothing else was waited for.
        assert mattebox.end(signal.SIGINT)[0] == -signal.SIGINT


@pytest.mark.soak
def test_a_disk_that_does_not_answer_does_not_hold_up_the_end(
    network: Path, room: Path, tmp_path: Path, measured: Measured
) -> None:
    config = configuration(tmp_path, network, room, outputs=[{"uri": str(tmp_path / "out.mkv")}])
    with program(config, driver=STUCK) as mattebox:
        mattebox.wait_for("composites go out")
        code, took = mattebox.end()
    measured("SIGTERM with a disk that does not answer", took)
    assert (code, took < promised(5)) == (0, True)


@pytest.mark.soak
@pytest.mark.parametrize("after", [0.0, 0.3, 1.0])
def test_sigterm_while_it_starts(network: Path, room: Path, tmp_path: Path, after: float) -> None:
    """Without a handler yet the signal ends it; with one it exits with 0; promptly either way."""
    with program(configuration(tmp_path, network, room)) as mattebox:
        threading.Event().wait(after)
        code, took = mattebox.end()
    assert code in (0, -signal.SIGTERM)
    assert took < promised(5)


@pytest.mark.soak
def test_killed_in_the_middle_of_everything_it_starts_again(
    network: Path, room: Path, tmp_path: Path, measured: Measured
) -> None:
    """With a recording and a stream; the recording of the killed run plays, and is kept."""
    video = tmp_path / "out.mkv"
    outputs = [{"uri": str(video)}, {"uri": "rtsp://127.0.0.1:0/live"}]
    config = configuration(tmp_path, network, room, outputs=outputs)
    with program(config) as mattebox:
        mattebox.wait_for("composites go out")
        wait_until(lambda: video.stat().st_size > 4_000)
        code, _ = mattebox.end(signal.SIGKILL)
        assert code == -signal.SIGKILL
    killed = time.monotonic()
    with program(config) as mattebox:
        mattebox.wait_for("composites go out")
        measured("killed, started again: the first composite", time.monotonic() - killed)
        assert mattebox.end()[0] == 0
    assert {path.name for path in tmp_path.glob("out*")} == {"out.mkv", "out-2.mkv"}
    for path in tmp_path.glob("out*"):
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-count_frames",
             "-select_streams", "v", "-show_entries", "stream=nb_read_frames",
             "-of", "csv=p=0", str(path)],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        assert int(done.stdout.strip().strip(",")) > 0
