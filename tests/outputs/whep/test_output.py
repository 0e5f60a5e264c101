"""Viewers by WHEP: what they get, who is let in, and that those who are gone are let go."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from aioice import ice

from appliance.config.settings import OutputSettings
from appliance.config.settings.http import HttpSettings
from appliance.errors import MissingDependency
from appliance.outputs.encoded.shared import EncodedStream, Encoders
from appliance.outputs.encoders import DEFAULT, Wanted
from appliance.outputs.whep import room, viewer
from appliance.outputs.whep.offer import NoPlace, OfferError
from appliance.outputs.whep.output import WhepOutput, shared_encoding
from appliance.outputs.whep.viewer import Viewer
from tests.outputs.conftest import FORMAT, wait_until
from tests.outputs.whep.conftest import Studio
from tests.outputs.whep.player import Player

Watch = Callable[..., tuple[str, Player]]


def light(player: Player) -> np.ndarray:
    """The luma in the middle of each picture."""
    return np.array([frame.to_ndarray()[90, 160] for frame in player.frames])


def test_picture_and_sound_arrive_together(studio: Studio, watch: Watch) -> None:
    _, player = watch()
    wait_until(lambda: len(player.reports) == 2 and len(player.frames) > 75, 20)
    first = player.frames[0].to_ndarray()[:180]
    # A whole picture from the first one on: grey, with a bright corner, or white.
    assert first[20, 20] > 190
    assert abs(int(first[90, 160]) - 90) < 8 or first[90, 160] > 225
    assert studio.output.clients() == 1
    bright = light(player) > 180
    white = [k for k in range(1, len(bright)) if bright[k] and not bright[k - 1]]
    flashes = [player.when("video", player.frames[k].pts) for k in white]
    # By the time of the piece in which it begins: the encoder's first piece is a short one.
    loud = []
    for piece in player.sounds:
        at = np.flatnonzero(np.abs(piece.to_ndarray()[0, ::2].astype(int)) > 2000)
        loud += [piece.pts + int(at[0])] if len(at) else []
    begins = [k for n, k in enumerate(loud) if n == 0 or k - loud[n - 1] > 4800]
    beeps = [player.when("audio", k) for k in begins]
    # Of those whose tone can have come.
    flashes = [flash for flash in flashes if beeps[0] - 0.1 < flash < beeps[-1] + 0.1]
    skews = [1000 * min((beep - flash for beep in beeps), key=abs) for flash in flashes]
    assert len(skews) >= 2
    assert max(map(abs, skews)) <= 5, skews


def test_no_second_encoder_and_none_without_viewers(studio: Studio, watch: Watch) -> None:
    packets: list[object] = []
    other = EncodedStream(FORMAT, DEFAULT, "opus", packets.append)
    try:
        one, _ = watch()
        watch()
        wait_until(lambda: studio.output.clients() == 2)
        assert sorted(Encoders.running()) == [("opus", 2), ("x264enc", 2)]
        assert studio.output.leave(one)
        assert not studio.output.leave(one)
    finally:
        other.close()
    wait_until(lambda: studio.output.clients() == 1)
    assert sorted(Encoders.running()) == [("opus", 1), ("x264enc", 1)]
    studio.output.follow(HttpSettings(enabled=False), DEFAULT)
    wait_until(lambda: Encoders.running() == [])


def keys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The times of the key frames that go to viewers from now on."""
    found: list[int] = []
    inner = room._made

    def made(packet):  # type: ignore[no-untyped-def]
        if packet.kind == "video" and packet.key:
            found.append(packet.pts)
        return inner(packet)

    monkeypatch.setattr(room, "_made", made)
    return found


def test_a_lost_picture_makes_a_key_frame_but_not_one_after_the_other(
    studio: Studio, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.output.follow(HttpSettings(whep_viewers=2), Wanted(keyframe_s=60))
    found = keys(monkeypatch)
    _, player = watch("video")
    wait_until(lambda: len(player.frames) > 20)
    before = len(found)
    for _ in range(20):
        player.lose()
    wait_until(lambda: len(found) > before)
    seen = len(player.frames)
    wait_until(lambda: len(player.frames) > seen + 10)
    assert len(found) == before + 1


def test_another_encoding_and_a_failure_leave_viewers_where_they_are(
    studio: Studio, watch: Watch
) -> None:
    _, player = watch()
    wait_until(lambda: len(player.frames) > 5)
    studio.output.follow(HttpSettings(), Wanted(bitrate_kbps=900, keyframe_s=1))
    stream = studio.output._stream
    assert stream is not None
    assert stream.encoder.key.rate.kbps == 900
    seen = len(player.frames)
    wait_until(lambda: len(player.frames) > seen + 10)
    # As the feeder does it when an encoder has failed.
    studio.output.close()
    seen = len(player.frames)
    wait_until(lambda: len(player.frames) > seen + 10)
    assert studio.output.clients() == 1


def test_another_token_puts_viewers_out(studio: Studio, watch: Watch) -> None:
    _, player = watch()
    wait_until(lambda: len(player.frames) > 2)
    studio.output.follow(HttpSettings(token="one-of-eight"), DEFAULT)
    wait_until(lambda: studio.output.viewers == 0)
    wait_until(lambda: player.peer.connectionState == "closed")


def test_fifty_at_once_are_two(studio: Studio, player: Callable[..., Player]) -> None:
    asked = player()
    for _ in range(2):
        studio.output.join(asked.offer())
    for _ in range(48):
        with pytest.raises(NoPlace, match="2 watch by WHEP already"):
            studio.output.join(asked.offer())
    assert studio.output.viewers == 2


@pytest.mark.parametrize("connected", [False, True])
def test_one_who_vanishes_is_let_go(
    studio: Studio, player: Callable[..., Player], monkeypatch: pytest.MonkeyPatch, connected: bool
) -> None:
    monkeypatch.setattr(viewer, "CONNECT_S", 5.0 if connected else 0.5)
    monkeypatch.setattr(viewer, "VANISHED_S", 0.5)
    monkeypatch.setattr(room, "LOOK_S", 0.1)
    made: list[weakref.ref[Viewer]] = []
    inner = Viewer.__init__

    def begin(self: Viewer, *rest: object) -> None:
        made.append(weakref.ref(self))
        inner(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Viewer, "__init__", begin)
    one = player()
    _, answer = studio.output.join(one.offer())
    if connected:
        one.connect(answer)
        wait_until(lambda: one.frames)
        one.silence()
    wait_until(lambda: studio.output.viewers == 0)
    wait_until(lambda: gc.collect() and made[0]() is None, what="it is kept in memory")
    wait_until(lambda: Encoders.running() == [])


def test_garbage_leaves_nothing_behind(studio: Studio, player: Callable[..., Player]) -> None:
    right = player().offer()
    for wrong in (
        right.replace(b"a=ice-ufrag", b"a=ice-xxxxx"),
        right.replace(b"packetization-mode=1", b"packetization-mode=0"),
        right.replace(b"a=rtcp-mux", b"a=nothing"),
    ):
        with pytest.raises(OfferError, match="the offer cannot be used"):
            studio.output.join(wrong)
    assert studio.output.viewers == 0
    assert studio.output.join(right)


def test_a_machine_without_a_network_says_so(
    studio: Studio, player: Callable[..., Player], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = player().offer()
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: [])
    with pytest.raises(NoPlace, match="no network address but loopback"):
        studio.output.join(asked)
    assert studio.output.viewers == 0


def test_without_the_library_only_whep_is_missing(
    studio: Studio, player: Callable[..., Player], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = player().offer()
    monkeypatch.delitem(sys.modules, "appliance.outputs.whep.room")
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, "appliance.outputs.whep.viewer")
    monkeypatch.delitem(sys.modules, "appliance.outputs.whep.sender")
    with pytest.raises(MissingDependency, match="pip install aiortc"):
        studio.output.join(asked)


def test_a_file_read_as_fast_as_possible_cannot_be_watched() -> None:
    with pytest.raises(NoPlace, match="as fast as possible"):
        WhepOutput(HttpSettings(), live=False).join(b"v=0")


def test_it_asks_for_what_the_first_output_is_encoded_as() -> None:
    outputs = (
        OutputSettings(uri="null://", bitrate_kbps=1),
        OutputSettings(uri="rtsp://127.0.0.1:0/live", bitrate_kbps=2345),
        OutputSettings(uri="/tmp/x.mkv", bitrate_kbps=3),
    )
    assert shared_encoding(outputs) == Wanted(bitrate_kbps=2345)
    assert shared_encoding(outputs[:1]) == DEFAULT


def test_who_watches_another_programme_counts_towards_the_bound(
    player: Callable[..., Player],
) -> None:
    elsewhere = [1]
    output = WhepOutput(HttpSettings(whep_viewers=2), elsewhere=lambda: elsewhere[0])
    output.open(FORMAT)
    try:
        output.join(player().offer())
        with pytest.raises(NoPlace, match=r"2 watch by WHEP already.*\(2\)"):
            output.join(player().offer())
        elsewhere[0] = 0
        output.join(player().offer())
    finally:
        output.close()
        assert output.stop()
