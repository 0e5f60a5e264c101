"""Frames between those of the source, in the running appliance: rate, times, delay, switching."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from appliance.config.settings import Settings
from appliance.daemon.filler import NONE, Companions
from appliance.daemon.negotiate import canvas_format
from appliance.media.frame import Format, Frame
from tests.daemons import running
from tests.shedding.test_daemon import until


def wanted(room: Path, mode: str = "between", **more: Any) -> dict[str, Any]:
    stages = {"interpolate": {"enabled": True, "mode": mode}, "motion": {"quality": "ultrafast"}}
    # Shedding would leave it out first of all, on a machine that does other things, too.
    return {
        "source": {"uri": str(room)}, "matting": {"stall_s": 5}, "stages": stages,
        "load": {"shed": False}, **more,
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["between", "ahead"])
def test_twice_as_many_evenly_spaced(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, mode: str
) -> None:
    with running(monkeypatch, network, **wanted(room, mode)) as (daemon, recorder, _):
        assert (daemon.source_format.rate, daemon.format.rate) == (30, 60)
        recorder.wait(lambda seen: daemon.worker.made >= 30)
        seen = [one for one in list(recorder.seen) if one.kind != "slate"]
        assert {one.kind for one in seen} == {"composite"}
        assert max(one.room for one in seen) <= 0.005
        steps = [later.pts - sooner.pts for sooner, later in pairwise(seen)]
        assert min(steps) > 0
        half = 10**9 / 60
        assert sum(abs(step - half) < half / 4 for step in steps) > 0.5 * len(steps)
        held = daemon.worker.added_ns
        assert held == (pytest.approx(half, rel=0.1) if mode == "between" else 0)
        assert not daemon.worker.no_room


def test_switched_under_load_no_frame_is_late(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    with running(monkeypatch, network, **wanted(room)) as (daemon, recorder, matting):
        matting.slow_s = 0.012
        # How many frames have been begun since each that goes out: what the machine does besides
        # can hold up the source and the network, but nothing may lie about once it is made.
        worker = daemon.worker
        begun: dict[int, int] = {}
        late: list[int] = []
        composite, send = worker._composite, daemon.programme._send

        def begins(frame: Frame) -> None:
            begun[frame.serial] = worker._begun
            composite(frame)

        def leaves(frame: Frame, now: int, companions: Companions) -> Frame:
            if frame.serial in begun:
                late.append(worker._begun - begun[frame.serial])
            return send(frame, now, companions)

        monkeypatch.setattr(worker, "_composite", begins)
        monkeypatch.setattr(daemon.programme, "_send", leaves)
        recorder.wait_for("composite", 5)
        for on in (False, True) * 4:
            made = daemon.worker.made
            settings = daemon.settings.model_dump()
            settings["stages"]["interpolate"]["enabled"] = on
            daemon.apply(Settings.model_validate(settings))
            if on:
                until(lambda made=made: daemon.worker.made > made)  # type: ignore[misc]
            else:
                recorder.wait_for("composite", 5)
        assert len(late) > 20
        assert max(late) <= 2
        seen = [one for one in list(recorder.seen) if one.kind != "slate"]
        assert {one.kind for one in seen} == {"composite"}
        assert all(later.pts > sooner.pts for sooner, later in pairwise(seen))


def test_another_background_is_not_undone_by_a_cut(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    """At a cut the last composite is shown again: never one from before the change."""
    with running(monkeypatch, network, **wanted(room)) as (daemon, recorder, _):
        recorder.wait_for("composite", 5)
        changed = Settings.model_validate(
            daemon.settings.model_dump() | {"background": {"uri": "colour:#505050"}}
        )
        cut = threading.Event()
        send, use = daemon.worker._filler.send, daemon.pipeline.use_background

        def cuts(shown: Frame, made: Frame | None, mode: Any, *companions: Companions) -> int:
            return send(shown, None if cut.is_set() else made, mode, *companions)

        def used(background: Any) -> None:
            # In the pipeline's thread, between two frames: all that follow are cuts.
            use(background)
            cut.set()

        monkeypatch.setattr(daemon.worker._filler, "send", cuts)
        monkeypatch.setattr(daemon.pipeline, "use_background", used)
        published: list[tuple[int, int]] = []
        publish = daemon.programme.publish

        def noted(frame: Frame, at: int = 0, companions: Companions = NONE) -> None:
            if cut.is_set():
                published.append((int(frame.y[4, 4]), frame.pts))
            publish(frame, at, companions)

        monkeypatch.setattr(daemon.programme, "publish", noted)
        daemon.apply(changed)
        until(lambda: len(published) > 10)
        assert {luma for luma, _ in published} <= {79, 80, 81}


def test_a_canvas_without_room_says_so(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    off = {"source": {"uri": str(room)}}
    with running(monkeypatch, network, **off) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        settings = daemon.settings.model_dump()
        settings["stages"]["interpolate"]["enabled"] = True
        daemon.apply(Settings.model_validate(settings))
        until(lambda: daemon.worker.no_room)
        assert daemon.worker.made == 0


@pytest.mark.parametrize(
    ("on", "fps", "source", "canvas"),
    [
        (True, "auto", (25, 1), (50, 1)),
        (True, "auto", (30000, 1001), (60000, 1001)),
        (True, "auto", (60, 1), (60, 1)),  # nothing is made above 62 by itself
        (True, 50, (25, 1), (50, 1)),
        (True, 100, (50, 1), (100, 1)),
        (False, "auto", (25, 1), (25, 1)),
        (False, 50, (50, 1), (50, 1)),
    ],
)
def test_the_canvass_rate(
    on: bool, fps: object, source: tuple[int, int], canvas: tuple[int, int]
) -> None:
    settings = Settings.model_validate(
        {"canvas": {"fps": fps}, "stages": {"interpolate": {"enabled": on}}}
    )
    assert canvas_format(settings, Format(64, 36, source)).fps == canvas


def test_a_source_is_asked_for_half_of_a_canvas_of_its_own_rate(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    settings = wanted(room, canvas={"fps": 50})
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        assert (daemon.source_format.fps, daemon.format.fps) == ((25, 1), (50, 1))
