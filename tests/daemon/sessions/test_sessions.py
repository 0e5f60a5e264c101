"""Sessions beside a box: what they show, that they never mix, how they begin and end."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import BackgroundSettings, SourceSettings
from appliance.daemon.sessions.errors import NoSuchSession, SessionLimit
from appliance.daemon.sessions.session import Session
from appliance.errors import AvatarError, InputError
from appliance.media.frame import U8
from appliance.outputs.encoded.shared import Encoders
from tests.daemon.sessions.box import QuietBox, live, opened, until

WIDTH, HEIGHT = 320, 240
COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def colour(rgb: tuple[int, int, int]) -> BackgroundSettings:
    """A background of one colour."""
    return BackgroundSettings(uri="colour:#{:02x}{:02x}{:02x}".format(*rgb))


def read_all(sessions: list[Session], count: int) -> list[U8]:
    """So many frames of each, uint8 (count, height, width, 3), read at once over RTSP."""
    readers = [
        subprocess.Popen(
            ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i",
             str(session.state().rtsp), "-frames:v", str(count), "-f", "rawvideo", "-pix_fmt",
             "rgb24", "-"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )
        for session in sessions
    ]  # fmt: skip
    try:
        found = [reader.communicate(timeout=40)[0] for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait(5)
    return [np.frombuffer(data, np.uint8).reshape(-1, HEIGHT, WIDTH, 3) for data in found]


def test_sessions_of_different_colours_never_mix(anna: SourceSettings) -> None:
    with opened() as (sessions, _):
        running = [live(sessions.begin(anna, colour(rgb))) for rgb in COLOURS.values()]
        for rgb, frames in zip(COLOURS.values(), read_all(running, 30), strict=True):
            assert len(frames) == 30
            corner = frames[:, 4, 4].astype(int)
            assert np.abs(corner - rgb).max() < 12
            # The avatar's disk stands in the middle of each.
            assert np.abs(frames[:, HEIGHT // 2, 60].astype(int) - rgb).max(axis=1).min() > 40


def test_one_too_many_is_refused_with_the_reason(anna: SourceSettings) -> None:
    box = QuietBox(sessions={"most": 1})
    with opened(box) as (sessions, _):
        first = sessions.begin(anna, colour((0, 0, 0)))
        with pytest.raises(SessionLimit, match=r"1 session runs already.*sessions\.most.*\(1\)"):
            sessions.begin(anna, colour((0, 0, 0)))
        sessions.end(first.id)
        second = sessions.begin(anna, colour((0, 0, 0)))
        assert second.id != first.id
    with pytest.raises(RuntimeError, match="stopping"):
        sessions.begin(anna, colour((0, 0, 0)))


def test_none_may_run_where_most_is_zero(anna: SourceSettings) -> None:
    with (
        opened(QuietBox(sessions={"most": 0})) as (sessions, _),
        pytest.raises(SessionLimit, match=r"sessions\.most is 0"),
    ):
        sessions.begin(anna, colour((0, 0, 0)))


def test_by_its_avatars_name(avatars_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(avatars_home))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    with opened() as (sessions, box):
        session = live(sessions.create("anna", label="the desk"))
        state = session.state()
        assert (state.label, state.source) == ("the desk", "avatar://anna")
        assert state.background == box.settings.background.uri
        assert session.playout is not None
        assert state.rtsp == box.addresses()[0] + "/" + session.id
        for wrong in ("../anna", "", "a b", "avatar://anna", "x" * 65):
            with pytest.raises(AvatarError, match="expected an avatar's name"):
                sessions.create(wrong)
        # Refused ones leave their place to others.
        with pytest.raises(AvatarError, match="there are: anna"):
            sessions.create("berta")
        with pytest.raises(ValueError, match="label"):
            sessions.create("anna", label="two\nlines")
        with pytest.raises(InputError, match=r"nowhere\.png"):
            sessions.create("anna", background=str(avatars_home / "nowhere.png"))
        box.change(sessions, background={"uri": "blur://"})
        with pytest.raises(InputError, match="the box's own background is blur://"):
            sessions.create("anna")
        assert [one.id for one in sessions.all()] == [session.id]


def test_it_is_gone_when_it_is_ended(anna: SourceSettings) -> None:
    with opened() as (sessions, _):
        session = live(sessions.begin(anna, colour((0, 0, 0)), "short"))
        sessions.end(session.id, "the visitor left")
        assert sessions.all() == []
        with pytest.raises(LookupError, match="has ended: the visitor left"):
            sessions.get(session.id)
        with pytest.raises(NoSuchSession):
            sessions.end(session.id)
        with pytest.raises(NoSuchSession, match="there is no session 'other'"):
            sessions.get("other")
        assert sessions.ended[-1].label == "short"
        assert session.state().state == "ended"


def test_whom_nobody_watches_or_speaks_to_ends(anna: SourceSettings) -> None:
    with opened() as (sessions, box):
        spoken_to = live(sessions.begin(anna, colour((0, 0, 0))))
        left_alone = live(sessions.begin(anna, colour((0, 0, 0))))
        assert spoken_to.playout is not None
        spoken_to.playout.play("wave")
        box.change(sessions, sessions={"idle_s": 0.05})
        # As its thread does every second.
        until(lambda: sessions.look() or left_alone not in sessions.all(), "idle")  # type: ignore[func-returns-value]
        with pytest.raises(NoSuchSession, match=r"for 0\.05 s \(sessions\.idle_s\)"):
            sessions.get(left_alone.id)
        assert spoken_to in sessions.all()


def test_a_dead_thread_ends_its_session_only(
    anna: SourceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as (sessions, _):
        good = live(sessions.begin(anna, colour((0, 0, 0))))
        bad = live(sessions.begin(anna, colour((0, 0, 0))))

        def breaks(*_: object, **__: object) -> None:
            raise SystemExit("broken")

        monkeypatch.setattr(bad._pipeline, "process", breaks)
        monkeypatch.setattr(bad._worker, "_watched", lambda: True)
        until(lambda: bad not in sessions.all(), "ended")
        with pytest.raises(NoSuchSession, match="the thread of the pipeline died"):
            sessions.get(bad.id)
        assert sessions.error is None
        frames = good.state().frames
        until(lambda: good.state().frames > frames + 5, "the other goes on")


def test_nothing_is_composited_or_encoded_for_nobody(anna: SourceSettings) -> None:
    with opened() as (sessions, _):
        session = live(sessions.begin(anna, colour((255, 0, 0))))
        sent, made = session.state().frames, session._pipeline.clock.stages["composite"].count
        until(lambda: session.state().frames > sent + 10, "the clock goes on")
        assert session._pipeline.clock.stages["composite"].count == made
        assert Encoders.running() == []
        frames = read_all([session], 12)[0]
        assert session._pipeline.clock.stages["composite"].count > made
        # Nothing stale is shown to whoever comes: each frame is another one.
        assert all((a != b).any() for a, b in pairwise(frames))


def test_its_background_changes_while_it_runs(anna: SourceSettings) -> None:
    with opened() as (sessions, _):
        session = live(sessions.begin(anna, colour(COLOURS["red"])))
        session.use_background(colour(COLOURS["blue"]))
        assert np.abs(read_all([session], 3)[0][:, 4, 4].astype(int) - (0, 0, 255)).max() < 12
        assert session.state().background == "colour:#0000ff"
