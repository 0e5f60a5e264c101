"""Sessions follow what concerns them of the box's settings, and keep their viewers otherwise."""

from __future__ import annotations

import subprocess

import pytest

from appliance.config.settings import BackgroundSettings, SourceSettings
from appliance.daemon.sessions.session import Session
from appliance.outputs.encoded.shared import Encoders
from tests.daemon.sessions.box import QuietBox, free_port, live, opened, until
from tests.reads_rtsp import Client

BLACK = BackgroundSettings(uri="colour:#000000")


def readable(uri: str | None) -> bool:
    """Whether a stream can be read now."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_streams", str(uri)],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    return done.returncode == 0


def began(anna: SourceSettings, sessions: object) -> Session:
    return live(sessions.begin(anna, BLACK))  # type: ignore[attr-defined]


def test_a_reader_stays_where_others_are_meant_and_goes_with_the_password(
    anna: SourceSettings,
) -> None:
    with opened() as (sessions, box):
        session = began(anna, sessions)
        with Client(str(session.state().rtsp)) as client:
            client.wait(len)
            box.change(sessions, background=BackgroundSettings(uri="colour:#ffffff"))
            stream = box.settings.outputs[0]
            box.change(sessions, outputs=(stream.model_copy(update={"bitrate_kbps": 300}),))
            seen = len(client.frames)
            client.wait(lambda frames: len(frames) > seen + 5)
            assert client.ended is None
            assert session.state().background == "colour:#000000"
            assert [key.rate.kbps for key in Encoders._video] == [300]
            data = box.settings.rtsp.model_dump() | {"password": "a word to know"}
            box.change(sessions, rtsp=type(box.settings.rtsp).model_validate(data))
            until(lambda: client.ended, "put out")
        assert not readable(session.state().rtsp)
        with_word = str(session.state().rtsp).replace("://", "://mattebox:a word to know@")
        assert readable(with_word.replace(" ", "%20"))


def test_its_stream_moves_with_the_boxs(anna: SourceSettings) -> None:
    with opened() as (sessions, box):
        session = began(anna, sessions)
        before, port = str(session.state().rtsp), free_port()
        stream = box.settings.outputs[0]
        uri = f"rtsp://127.0.0.1:{port}/stage"
        box.change(sessions, outputs=(stream.model_copy(update={"uri": uri}),))
        live(session)
        assert session.state().rtsp == f"rtsp://127.0.0.1:{port}/live/{session.id}"
        assert readable(session.state().rtsp)
        assert not readable(before)
        # Without any RTSP output only browsers can watch it.
        box.change(sessions, outputs=(stream.model_copy(update={"uri": "null://"}),))
        assert session.state().rtsp is None
        assert len(session.outputs()) == 1


def test_fewer_may_run_from_now_on(anna: SourceSettings) -> None:
    with opened() as (sessions, box):
        session = began(anna, sessions)
        box.change(sessions, sessions={"most": 0})
        assert sessions.all() == [session]
        with pytest.raises(RuntimeError, match=r"sessions\.most is 0"):
            sessions.begin(anna, BLACK)


def test_a_box_that_settles_meanwhile(
    anna: SourceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that change while a session begins concern it, too."""
    port = free_port()
    with opened(QuietBox()) as (sessions, box):
        made = Session.__init__

        def slowly(self: Session, *given: object) -> None:
            made(self, *given)  # type: ignore[arg-type]
            stream = box.settings.outputs[0]
            moved = stream.model_copy(update={"uri": f"rtsp://127.0.0.1:{port}/live"})
            box.change(sessions, outputs=(moved,))

        monkeypatch.setattr(Session, "__init__", slowly)
        assert f":{port}/" in str(began(anna, sessions).state().rtsp)
