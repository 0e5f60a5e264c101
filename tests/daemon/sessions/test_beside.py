"""Sessions beside a running box: its picture, its changes, its end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from appliance.config.settings import BackgroundSettings, SourceSettings
from appliance.daemon.sessions.errors import NoSuchSession, SessionLimit
from tests.daemon.sessions.box import live, until
from tests.daemons import running
from tests.reads_rtsp import Client

RED = BackgroundSettings(uri="colour:#ff0000")


def test_a_session_beside_the_boxs_own_picture(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, anna: SourceSettings
) -> None:
    before = threading.active_count()
    outputs = [{"uri": "rtsp://127.0.0.1:0/live"}, {"uri": "null://recorder"}]
    with running(monkeypatch, network, source={"uri": str(room)}, outputs=outputs) as (
        daemon,
        recorder,
        _,
    ):
        recorder.wait_for("composite", 3)
        session = live(daemon.sessions.begin(anna, RED))
        # On the port that the box got.
        address = daemon.addresses()[0]
        assert session.state().rtsp == f"{address}/{session.id}"
        with Client(address) as own, Client(str(session.state().rtsp)) as other:
            own.wait(len)
            other.wait(len)
            changed = daemon.settings.model_copy(update={"background": RED})
            assert daemon.apply(changed) == {"background"}
            seen = len(other.frames)
            other.wait(lambda frames: len(frames) > seen + 5)
            assert own.ended is None
            assert other.ended is None
            # The box's shows its person, and the session's never does.
            assert any(frame.person for frame in own.frames)
            assert not any(frame.person for frame in other.frames)
        main, state = daemon.on_air("main"), daemon.on_air(session.id).state()
        assert main.playout is None
        assert (main.state().id, main.state().state, main.state().rtsp) == ("main", "live", address)
        assert (main.whep, main.tap) == (daemon.whep, daemon.tap)
        assert (state.id, state.state) == (session.id, "live")
        with pytest.raises(NoSuchSession):
            daemon.on_air("nobody")
        daemon.sessions.error = RuntimeError("broken")
        with pytest.raises(RuntimeError, match="the thread of the sessions died"):
            daemon.ended()
        daemon.sessions.error = None
    assert session.state().state == "ended"
    until(lambda: threading.active_count() <= before, "its threads end")


def test_none_begins_before_the_box(
    monkeypatch: pytest.MonkeyPatch, network: Path, anna: SourceSettings
) -> None:
    from appliance.config.settings import Settings
    from appliance.daemon.daemon import Daemon

    daemon = Daemon(Settings())
    with pytest.raises(SessionLimit, match="is starting"):
        daemon.sessions.begin(anna, RED)
