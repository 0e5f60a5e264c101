"""File descriptors run out: the picture goes on, and all is well once there are some again."""

from __future__ import annotations

import os
import re
import resource
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.faults.box import configuration, program
from tests.faults.conftest import Measured
from tests.faults.stand_ins import Resources, wait_until
from tests.outputs.conftest import RtspByHand
from tests.patience import promised


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.soak
def test_out_of_descriptors_and_back(
    network: Path, room: Path, tmp_path: Path, free_port: int, measured: Measured
) -> None:
    video = tmp_path / "out.mkv"
    outputs = [{"uri": f"rtsp://127.0.0.1:{free_port}/live"}, {"uri": str(video)}]
    config = configuration(tmp_path, network, room, outputs=outputs)
    with program(config) as mattebox, ExitStack() as stack:
        mattebox.wait_for("composites go out")
        pid = mattebox.process.pid
        wait_until(lambda: video.stat().st_size > 0)
        held = Resources.now(pid)
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (held.descriptors, before[1]))
        for _ in range(6):
            line = stack.enter_context(socket.socket())
            line.setblocking(False)
            # Connections not yet accepted wait in the kernel's queue, or in front of it.
            with suppress(BlockingIOError):
                line.connect(("127.0.0.1", free_port))
        size, used, begun = video.stat().st_size, cpu_seconds(pid), time.monotonic()
        wait_until(lambda: video.stat().st_size > size + 8_000)
        load = (cpu_seconds(pid) - used) / (time.monotonic() - begun)
        assert mattebox.process.poll() is None
        assert not mattebox.says("the placeholder goes out")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        stack.close()
        freed = time.monotonic()

        def reads() -> bool:
            try:
                with RtspByHand(f"rtsp://127.0.0.1:{free_port}/live") as reader:
                    return reader.ask("OPTIONS", reader.uri)[0] == 200
            except (AssertionError, OSError):
                return False

        wait_until(reads)
        measured("descriptors to be had again: RTSP answers", time.monotonic() - freed)
        measured("CPU seconds a second meanwhile", load)
        assert re.search(r"Traceback", "".join(mattebox.log)) is None
        code, took = mattebox.end()
    assert (code, took < promised(5)) == (0, True)
