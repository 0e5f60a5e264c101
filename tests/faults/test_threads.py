"""A thread dies: the process notices, names it, and ends; what can be rebuilt is rebuilt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.daemon.daemon import Daemon
from appliance.errors import ThreadDied
from appliance.outputs.rtsp import server as rtsp_server
from appliance.outputs.rtsp.output import RtspOutput
from appliance.outputs.rtsp.server import RtspServer
from appliance.sources.feeder import SourceFeeder
from tests.daemons import Recorder, running
from tests.faults.box import configuration, ended_by
from tests.faults.conftest import Measured
from tests.faults.stand_ins import CAMERA, FORMAT, Camera, wait_until
from tests.outputs.conftest import RtspByHand

# SystemExit, since Python lets it end a thread silently.
DEATH = SystemExit("it just went")


def dies(*_: object, **__: object) -> None:
    """Replaces what a thread calls."""
    raise DEATH


def the_source(daemon: Daemon, camera: Camera, recorder: Recorder) -> None:
    camera.died = DEATH


def the_pipeline(daemon: Daemon, camera: Camera, recorder: Recorder) -> None:
    daemon.pipeline.process = dies  # type: ignore[method-assign,assignment]


def the_placeholder(daemon: Daemon, camera: Camera, recorder: Recorder) -> None:
    daemon.programme._reason = dies  # type: ignore[assignment]
    camera.silent = True


def the_output(daemon: Daemon, camera: Camera, recorder: Recorder) -> None:
    recorder.write = dies  # type: ignore[method-assign,assignment]


THREADS: dict[str, Callable[[Daemon, Camera, Recorder], None]] = {
    "source": the_source,
    "pipeline": the_pipeline,
    "placeholder": the_placeholder,
    "output null://recorder": the_output,
}


@pytest.mark.parametrize("name", THREADS)
def test_the_daemon_ends_and_says_which(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, name: str
) -> None:
    settings = {"source": {"uri": CAMERA}, "matting": {"stall_s": 0.2}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        assert daemon.ended() is None
        THREADS[name](daemon, camera, recorder)
        with pytest.raises(ThreadDied, match=f"the thread of the {name} died .*it just went"):
            wait_until(daemon.ended)


def test_a_background_whose_thread_dies(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, camera: Camera
) -> None:
    settings = {"source": {"uri": CAMERA}, "background": {"uri": str(room)}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait(lambda seen: len(seen) > 3)
        feeder = daemon.background._feeder  # type: ignore[attr-defined]
        assert isinstance(feeder, SourceFeeder)
        feeder.source.read = dies  # type: ignore[method-assign,assignment]
        with pytest.raises(ThreadDied, match="the thread of the background died"):
            wait_until(daemon.ended)


def test_every_thread_of_the_daemon_is_one_of_these(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera
) -> None:
    """A new thread has to be watched, and listed here."""
    before = {thread.name for thread in threading.enumerate()}
    settings = {
        "source": {"uri": CAMERA},
        "outputs": [{"uri": "null://recorder"}, {"uri": "rtsp://127.0.0.1:0/live"}],
    }
    with running(monkeypatch, network, **settings) as (_, recorder, _):
        recorder.wait_for("composite", 3)
        names = {thread.name for thread in threading.enumerate()} - before
    watched = {"source", "pipeline", "programme", "output null://recorder", "output whep"}
    # GLib's loop, which its output looks after; and the output's thread, watched like the others.
    rtsp = {name for name in names if name.startswith(("rtsp-", "output rtsp://"))}
    assert len(rtsp) == 2
    assert names == watched | rtsp


def test_an_rtsp_server_whose_thread_dies_is_opened_anew(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, free_port: int,
    measured: Measured,
) -> None:  # fmt: skip
    uri = f"rtsp://127.0.0.1:{free_port}/live"
    settings = {
        "source": {"uri": CAMERA},
        "outputs": [{"uri": "null://recorder"}, {"uri": uri}],
    }
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        [server] = RtspServer._running.values()
        server.later(server._loop.quit)
        wait_until(lambda: not server.alive)
        measured("RTSP server's thread", wait_until(lambda: daemon.outputs[1].reconnects == 1))
        wait_until(lambda: daemon.outputs[1].status().state == "running")
        with RtspByHand(uri) as reader:
            assert reader.ask("OPTIONS", uri)[0] == 200


def dies_once() -> Callable[[], None]:
    """Fails the first time."""
    times = iter((ZeroDivisionError("a mistake"),))

    def look() -> None:
        for error in times:
            raise error

    return look


def test_a_mistake_in_the_rtsp_servers_tick_is_not_the_last_tick(
    monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(rtsp_server, "TICK_MS", 20)
    output = RtspOutput(f"rtsp://127.0.0.1:{free_port}/live")
    output.open(FORMAT)
    try:
        [server] = RtspServer._running.values()
        seen: list[int] = []
        look = dies_once()

        def tick() -> None:
            seen.append(1)
            look()

        monkeypatch.setattr(server.clients, "look", tick)
        wait_until(lambda: len(seen) > 2)
    finally:
        output.close()


DRIVER = """
import signal
from appliance.pipeline.cpu import Pipeline
process = Pipeline.process
dead = []
def mortal(self, *arguments, **options):
    if dead:
        raise SystemExit(0)
    return process(self, *arguments, **options)
Pipeline.process = mortal
signal.signal(signal.SIGUSR1, lambda *_: dead.append(1))
"""


def test_the_program_ends_with_code_1_and_the_place(
    network: Path, room: Path, tmp_path: Path
) -> None:
    """Even if an exit with code 0 ended the thread: systemd restarts on failure only."""
    mattebox = ended_by(configuration(tmp_path, network, room), DRIVER)
    assert mattebox.says("the pipeline's thread died")
    assert mattebox.says("in mortal")
    assert mattebox.says("mattebox: the thread of the pipeline died (SystemExit: 0)")
