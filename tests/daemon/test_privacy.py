"""The real background must never leak, whatever breaks."""

from __future__ import annotations

import subprocess
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from appliance.daemon.placeholder import slate
from tests.daemon.test_apply import but
from tests.daemons import running
from tests.scenes import STAGE, room_clip

STALL = {"matting": {"stall_s": 0.3}}
_MOST = 0.002
"""Share of a frame: the disc's antialiased rim may hold some of the room's red."""


def reel(path: Path) -> Path:
    """A second of grey that goes from dark to light."""
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi",
        "-i", "color=black:s=320x180:r=10:d=1,format=yuv420p,geq=lum='40+N*20':cb=128:cr=128",
        "-c:v", "libx264", "-preset", "ultrafast", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=30)
    return path


@pytest.mark.parametrize("how", ["throws", "nan", "inf", "ones", "hangs"])
@pytest.mark.parametrize("placeholder", ["slate", "background"])
def test_a_broken_network_shows_the_placeholder(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, how: str, placeholder: str
) -> None:
    settings = {"source": {"uri": str(room)}, "canvas": {"placeholder": placeholder}, **STALL}
    shown = {"slate": "slate", "background": "background"}[placeholder]
    with running(monkeypatch, network, **settings) as (daemon, recorder, matting):
        recorder.wait_for("composite", 5)
        matting.break_it(how)
        recorder.wait_for(shown, 5)
        broken_at = len(recorder.seen)
        recorder.wait_for(shown, 3)
        assert all(s.kind == shown for s in recorder.seen[broken_at:]), "composites of no matte"
        assert daemon.programme.trouble
        matting.mend()
        recorder.wait_for("composite", 5)
        assert daemon.programme.trouble is None
    assert len(recorder.seen) > 15
    assert max(s.room for s in recorder.seen) <= _MOST
    assert all(a.pts < b.pts for a, b in pairwise(recorder.seen))


def test_nothing_of_the_room_before_the_first_matte(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    """A network that hangs on its very first frame."""
    from tests import daemons

    monkeypatch.setattr(daemons.Breakable, "broken", "hangs")
    settings = {"source": {"uri": str(room)}, **STALL}
    with running(monkeypatch, network, **settings) as (_, recorder, matting):
        recorder.wait_for("slate", 8)
        assert {s.kind for s in recorder.seen} == {"slate"}
        matting.mend()
        recorder.wait_for("composite", 3)
    assert max(s.room for s in recorder.seen) <= _MOST


def test_a_source_that_stops_shows_the_placeholder(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    """A file that does not loop: after its end there are no new frames."""
    settings = {"source": {"uri": str(room), "loop": False}, **STALL}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 20)
        recorder.wait_for("slate", 3)
        assert daemon.ended() == "the source has ended"
    assert max(s.room for s in recorder.seen) <= _MOST


def test_a_source_that_is_not_there_yet(
    monkeypatch: pytest.MonkeyPatch, network: Path, free_port: int
) -> None:
    """RTSP refused: the outputs show the slate in a common format."""
    settings = {"source": {"uri": f"rtsp://127.0.0.1:{free_port}/x", "timeout_s": 0.5}, **STALL}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("slate", 3)
        assert (daemon.format.width, daemon.format.height) == (1280, 720)
        assert "127.0.0.1" in (daemon.programme.trouble or "")


def test_a_blurred_room_does_not_stay_in_the_placeholder(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    """Blur, the source ends, a colour is chosen: nothing of the blurred room is left."""
    settings = {
        "source": {"uri": str(room), "loop": False}, "canvas": {"placeholder": "background"},
        "background": {"uri": "blur://", "blur_radius": 0.02}, **STALL,
    }  # fmt: skip
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait(lambda seen: any(s.room > 0.2 for s in seen))
        recorder.wait_for("slate", 3)
        ended = len(recorder.seen)
        daemon.apply(but(daemon, background={"uri": f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"}))
        recorder.wait_for("background", 5)
        assert max(s.room for s in recorder.seen[ended:]) <= _MOST
        daemon.apply(but(daemon, background={"uri": "blur://"}))
        recorder.wait_for("slate", 5)
        assert max(s.room for s in recorder.seen[ended:]) <= _MOST


def test_a_blurred_room_does_not_stand_on_in_a_slow_stream(
    monkeypatch: pytest.MonkeyPatch, network: Path, tmp_path: Path
) -> None:
    """A frame in five seconds is sent again meanwhile; not once a colour has been chosen."""
    clip = tmp_path / "slow.mp4"
    room_clip(clip, frames=4)
    slow = tmp_path / "slower.mkv"
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(clip), "-vf", "setpts=N*5/TB",
        "-fps_mode", "passthrough", "-c:v", "libx264", str(slow),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=30)
    settings = {
        "source": {"uri": str(slow)}, "canvas": {"placeholder": "background"},
        "background": {"uri": "blur://", "blur_radius": 0.02}, **STALL,
    }  # fmt: skip
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait(lambda seen: any(s.room > 0.2 for s in seen))
        daemon.apply(but(daemon, background={"uri": f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"}))
        changed = len(recorder.seen)
        recorder.wait(lambda seen: len(seen) > changed)
        assert max(s.room for s in recorder.seen[changed:]) <= _MOST


def test_a_video_plays_on_in_the_placeholder(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    """Nothing is kept of what stood behind the last person, so nothing can be kept too long."""
    video = reel(tmp_path / "reel.mp4")
    settings = {
        "source": {"uri": str(room), "loop": False}, "canvas": {"placeholder": "background"},
        "background": {"uri": str(video)}, **STALL,
    }  # fmt: skip
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait(lambda _: (daemon.programme.trouble or "").startswith("ended"))
        shown: set[int] = set()
        deadline = time.monotonic() + 10
        while len(shown) < 4:
            assert time.monotonic() < deadline, f"only {shown}"
            recorder.wait_for("other")
            shown.add(int(daemon._placeholder().y[9, 9]) // 16)


def test_viewers_are_not_told_the_cameras_address(
    monkeypatch: pytest.MonkeyPatch, network: Path, free_port: int
) -> None:
    """The operator's words name it; the slate is the same whatever they say."""
    address = f"rtsp://operator:hunter2@127.0.0.1:{free_port}/back-door"
    with running(monkeypatch, network, source={"uri": address, "timeout_s": 0.5}, **STALL) as (
        daemon, recorder, _,
    ):  # fmt: skip
        recorder.wait_for("slate", 3)
        assert "back-door" in (daemon.programme.trouble or "")
        for starting in (True, False):
            plain = slate(daemon.format, starting=starting)
            assert np.unique(plain.y).size > 1
        assert np.array_equal(daemon._placeholder().y, slate(daemon.format, starting=True).y)


def test_the_test_can_fail(monkeypatch: pytest.MonkeyPatch, network: Path, room: Path) -> None:
    """If a network took the room for a person and were believed, the recorder would see it."""
    settings = {"source": {"uri": str(room)}, "matting": {"max_coverage": 1.0, "stall_s": 0.3}}
    with running(monkeypatch, network, **settings) as (_, recorder, matting):
        matting.break_it("ones")
        recorder.wait(lambda seen: any(s.room > 0.5 for s in seen))
