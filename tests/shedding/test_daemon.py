"""The daemon with too slow a network: it does less, says so, and is never late for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from appliance.daemon.daemon import Daemon
from appliance.media.frame import Frame
from appliance.service.systemd import sentence
from appliance.shedding import Level, controller
from tests.daemons import Recorder, running


def until(what: Callable[[], bool], timeout: float = 30.0) -> None:
    """Wait for a condition."""
    deadline, moment = time.monotonic() + timeout, threading.Event()
    while not what():
        assert time.monotonic() < deadline, f"not within {timeout} s"
        moment.wait(0.02)


def watch_ages(daemon: Daemon, recorder: Recorder) -> list[int]:
    """By how many frames the source was ahead when each frame left."""
    ages: list[int] = []
    write = recorder.write

    def aged(frame: Frame) -> None:
        ages.append(daemon.feeder.frames - 1 - frame.serial)
        write(frame)

    recorder.write = aged  # type: ignore[method-assign]
    return ages


def test_a_slow_network_is_shed_told_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    # The usual rules, only less patient.
    monkeypatch.setattr(controller, "_WINDOW_S", 1.0)
    monkeypatch.setattr(controller, "_CALM_S", 0.3)
    settings = {"source": {"uri": str(room)}, "matting": {"stall_s": 5}}
    with (
        structlog.testing.capture_logs() as lines,
        running(monkeypatch, network, **settings) as (daemon, recorder, matting),
    ):
        ages = watch_ages(daemon, recorder)
        recorder.wait_for("composite", 5)
        assert daemon.shedding.state.level == Level.FULL
        matting.slow_s = 0.11
        until(lambda: daemon.shedding.state.level == Level.HALF)
        start = len(ages)
        recorder.wait_for("composite", 20)
        slow = ages[start:]
        state = daemon.shedding.state
        assert "every second frame is left out" in state.sentence
        assert state.sentence in sentence(daemon.counts(), 15.0)
        matting.slow_s = 0.0
        until(lambda: daemon.shedding.state.level == Level.FULL)
        recorder.wait_for("composite", 5)
        assert daemon.counts().shed == ""
    # The network takes 3 frames' time; any queue would be hundreds of frames behind by now.
    assert max(slow) < 30
    told = [line["level"] for line in lines if line["event"].startswith("load: ") and "now" in line]
    assert told[:2] == [3, 5], "without a smaller network that level is left out"
    assert told[-1] == 0
    assert all(seen.room <= 0.005 for seen in recorder.seen)
    assert all(seen.kind in ("composite", "slate") for seen in recorder.seen)


def test_a_file_as_fast_as_possible_is_not_shortened(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    settings = {"source": {"uri": str(room), "pace": "fast", "loop": False}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, matting):
        matting.slow_s = 0.02
        until(lambda: daemon.ended() is not None)
        recorder.wait(lambda seen: len(seen) == 60)
        assert daemon.shedding.state.level == Level.FULL


def test_a_reload_switches_it_off(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    settings = {"source": {"uri": str(room)}, "matting": {"stall_s": 5}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, matting):
        matting.slow_s = 0.06
        until(lambda: daemon.shedding.state.level > Level.FULL)
        load = daemon.settings.load.model_copy(update={"shed": False})
        assert daemon.apply(daemon.settings.model_copy(update={"load": load})) == {"load"}
        assert daemon.shedding.state.level == Level.FULL
        recorder.wait_for("composite", 40)
        assert daemon.shedding.state.level == Level.FULL
