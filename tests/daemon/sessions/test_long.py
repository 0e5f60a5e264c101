"""Sessions that come and go by the hundred leave nothing behind."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.config.settings import BackgroundSettings, SourceSettings
from appliance.outputs.encoded.shared import Encoders
from appliance.outputs.rtsp.server import RtspServer
from appliance.system import malloc
from tests.daemon.sessions.box import live, opened, until

RED = BackgroundSettings(uri="colour:#ff0000")


def _now() -> tuple[int, int, float]:
    """Threads, descriptors, and MB of memory of its own of this process."""
    malloc.give_back()
    threads = len(list(Path("/proc/self/task").iterdir()))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    text = Path("/proc/self/smaps_rollup").read_text()
    line = next(line for line in text.splitlines() if line.startswith("Anonymous:"))
    return threads, descriptors, int(line.split()[1]) / 1000


def _read(uri: str) -> None:
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", uri, "-frames:v",
         "3", "-c", "copy", "-f", "null", "-"],
        stdin=subprocess.DEVNULL, timeout=60, check=True,
    )  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_two_hundred_that_come_and_go(anna: SourceSettings) -> None:
    malloc.bound()
    with opened() as (sessions, _):
        # One that stays, so that the server does.
        sessions.begin(anna, RED)

        def one(number: int) -> None:
            session = live(sessions.begin(anna, RED))
            if number % 5 == 0:
                _read(str(session.state().rtsp))
            sessions.end(session.id)

        for number in range(20):
            one(number)
        until(lambda: not Encoders.running(), "no encoder is left", 60)
        threads, descriptors, memory = _now()
        for number in range(200):
            one(number)
        until(lambda: not Encoders.running(), "no encoder is left", 60)
        until(lambda: _now()[0] <= threads + 2, "threads end", 60)
        after = _now()
        print(f"before {threads, descriptors, memory}, after {after}")
        assert after[1] <= descriptors + 4
        assert after[2] <= memory + 12
    assert not RtspServer._running


def test_many_at_once_get_no_more_places_than_there_are(anna: SourceSettings) -> None:
    """As many requests as come, in whatever order."""
    with opened() as (sessions, box):
        box.change(sessions, sessions={"most": 3})
        refused: list[str] = []

        def ask() -> None:
            try:
                sessions.begin(anna, RED)
            except RuntimeError as error:
                refused.append(str(error))

        def all_of(work: Callable[[], None]) -> None:
            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)

        all_of(ask)
        assert len(sessions.all()) == 3
        assert len({session.id for session in sessions.all()}) == 3
        assert len(refused) == 5
