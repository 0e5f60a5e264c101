"""WHEP through HTTP: offers in, answers out, and a viewer who stays whatever is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config.settings import BackgroundSettings, SourceSettings
from tests.avatars import make_tiny_avatar
from tests.http.serving import Served, as_json, problem, wait_until
from tests.outputs.whep.player import Player, players

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
def player() -> Iterator[Callable[..., Player]]:
    with players() as make:
        yield make


def test_a_viewer_from_its_offer_to_its_end(
    appliance: Served, player: Callable[..., Player]
) -> None:
    one = player()
    answer = appliance.client.post("/whep", content=one.offer(), headers=SDP)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "application/sdp"
    place = answer.headers["location"]
    assert place.startswith("/whep/")
    assert answer.text.count("a=sendonly") == 2
    assert "a=end-of-candidates" in answer.text
    assert "127.0.0.1" not in answer.text
    one.connect(answer.text)
    wait_until(lambda: one.frames and one.sounds)
    assert (one.frames[0].width, one.frames[0].height) == (320, 180)
    assert as_json(appliance.client.get("/api/status"))["whep"] == 1
    assert "mattebox_whep_viewers 1.0" in appliance.client.get("/metrics").text
    # All that is changed meanwhile changes nothing for it.
    for _ in range(5):
        assert appliance.reloader.ask().result(10).refusal is None
        assert appliance.change(background="red.png").status_code == 200
    seen = len(one.frames)
    wait_until(lambda: len(one.frames) > seen + 5)
    assert as_json(appliance.client.get("/api/status"))["whep"] == 1
    assert appliance.client.delete(place).status_code == 200
    assert "no such viewer" in problem(appliance.client.delete(place), 404)
    wait_until(lambda: one.peer.connectionState == "closed")
    assert appliance.daemon.whep.viewers == 0


def test_what_is_refused(appliance: Served, player: Callable[..., Player]) -> None:
    ask = appliance.client.post
    right = player().offer()
    words = problem(ask("/whep", content=right, headers={"Content-Type": "text/plain"}), 415)
    assert words == "found text/plain; expected application/sdp"
    assert "first line is 'v=0'" in problem(ask("/whep", content=b"{}", headers=SDP), 400)
    assert "cannot be used" in problem(
        ask("/whep", content=right.replace(b"a=rtcp-mux", b""), headers=SDP), 400
    )
    vp8 = player(("video",), "VP8").offer()
    assert "video codecs are VP8" in problem(ask("/whep", content=vp8, headers=SDP), 406)
    problem(ask("/whep", content=b"v" * 70_000, headers=SDP), 413)
    origin = {**SDP, "Origin": "http://elsewhere.example"}
    assert "other sites" in problem(ask("/whep", content=right, headers=origin), 403)
    assert "PATCH is not for this" in problem(appliance.client.patch("/whep/x", content=b"x"), 405)
    assert "no such viewer" in problem(appliance.client.delete("/whep/x"), 404)
    assert appliance.client.options("/whep").headers["accept-post"] == "application/sdp"
    assert appliance.daemon.whep.viewers == 0


def test_one_more_than_there_is_room_for(
    appliance: Served, player: Callable[..., Player], monkeypatch: pytest.MonkeyPatch
) -> None:
    http = appliance.daemon.settings.http
    monkeypatch.setattr(appliance.daemon.whep, "_http", http.model_copy(update={"whep_viewers": 0}))
    answer = appliance.client.post("/whep", content=player().offer(), headers=SDP)
    assert "as many as http.whep_viewers allows (0)" in problem(answer, 503)
    assert answer.headers["retry-after"] == "5"


@pytest.mark.soak
def test_a_hundred_changes_later_a_viewer_still_watches(
    shared_appliance: Served, player: Callable[..., Player]
) -> None:
    one = player()
    answer = shared_appliance.client.post("/whep", content=one.offer(), headers=SDP)
    one.connect(answer.text)
    for k in range(100):
        changed = shared_appliance.change(background=("red.png", "blue.jpg")[k % 2])
        assert changed.status_code == 200, changed.text
    seen = len(one.frames), len(one.sounds)
    wait_until(lambda: len(one.frames) > seen[0] + 15 and len(one.sounds) > seen[1] + 25)
    assert shared_appliance.daemon.whep.clients() == 1
    assert not shared_appliance.daemon.whep._room.faults  # type: ignore[union-attr]


def test_a_viewer_of_a_session(
    appliance: Served, player: Callable[..., Player], tmp_path: Path
) -> None:
    client, sessions = appliance.client, appliance.daemon.sessions
    folder = make_tiny_avatar(tmp_path / "anna", size=(64, 48))
    source = SourceSettings(uri=f"avatar://{folder}", loop=True, pace="realtime")
    session = sessions.begin(source, BackgroundSettings(uri="colour:#ff0000"))
    one = player()
    assert client.options(f"/whep/{session.id}").headers["accept-post"] == "application/sdp"
    answer = client.post(f"/whep/{session.id}", content=one.offer(), headers=SDP)
    assert answer.status_code == 201, answer.text
    place = answer.headers["location"]
    assert place.startswith(f"/whep/{session.id}/")
    one.connect(answer.text)
    wait_until(lambda: one.frames and one.sounds)
    # Its own picture, not the box's.
    assert (one.frames[0].width, one.frames[0].height) == (64, 48)
    assert (session.whep.viewers, appliance.daemon.whep.viewers) == (1, 0)
    assert client.delete(place).status_code == 200
    wait_until(lambda: session.whep.viewers == 0)
    sessions.end(session.id, "it was enough")
    words = problem(client.post(f"/whep/{session.id}", content=b"", headers=SDP), 404)
    assert words == f"the session {session.id} has ended: it was enough"
    assert "there is no session" in problem(client.delete("/whep/other/viewer"), 404)
