"""The real background must never leak, whatever breaks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.daemons import running

STALL = {"matting": {"stall_s": 0.3}}
_MOST = 0.002
"""Of a frame: the disc's own antialiased rim may hold some of the room's red."""


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
    """A file that does not loop: after its end nothing fresh comes."""
    settings = {"source": {"uri": str(room), "loop": False}, **STALL}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 20)
        recorder.wait_for("slate", 3)
        assert daemon.ended() == "the source has ended"
    assert max(s.room for s in recorder.seen) <= _MOST


def test_a_source_that_is_not_there_yet(
    monkeypatch: pytest.MonkeyPatch, network: Path, free_port: int
) -> None:
    """RTSP refused: the outputs show the slate in a usual format."""
    settings = {"source": {"uri": f"rtsp://127.0.0.1:{free_port}/x", "timeout_s": 0.5}, **STALL}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("slate", 3)
        assert (daemon.format.width, daemon.format.height) == (1280, 720)
        assert "127.0.0.1" in (daemon.programme.trouble or "")


def test_the_test_can_fail(monkeypatch: pytest.MonkeyPatch, network: Path, room: Path) -> None:
    """Were a network to call the room a person and be believed, the recorder would see it."""
    settings = {"source": {"uri": str(room)}, "matting": {"max_coverage": 1.0, "stall_s": 0.3}}
    with running(monkeypatch, network, **settings) as (_, recorder, matting):
        matting.break_it("ones")
        recorder.wait(lambda seen: any(s.room > 0.5 for s in seen))
