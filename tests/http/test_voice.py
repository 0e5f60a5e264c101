"""Speech that arrives while it is spoken: rates, pauses, senders who vanish or are too fast."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from starlette.exceptions import HTTPException

from appliance.http.voice_upload import kind_of
from appliance.media.audio import RATE
from appliance.playout.turn import AHEAD_S, Turn
from tests.http.serving import Served, problem, serving, settings_of, wait_until
from tests.http.theatre import MAIN, Reader, Sender, playing, playout_of, tone


def turn_of(theatre: Served) -> Turn:
    """The turn that is on or comes next."""
    turns = playout_of(theatre)._turns
    wait_until(lambda: turns)
    return turns[0]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_in_pieces_of_any_size_it_is_heard_to_the_last_sample(theatre: Served, rate: int) -> None:
    data = tone(0.5, rate).tobytes()
    heard: list[np.ndarray] = []
    playout = playout_of(theatre)
    sender = Sender(theatre, f"audio/pcm;rate={rate}")
    turn = turn_of(theatre)
    take = turn.take

    def listening(count: int) -> tuple[np.ndarray, list]:
        found = take(count)
        heard.append(found[0])
        return found

    turn.take = listening  # type: ignore[method-assign]
    # Odd pieces, down to single bytes; the last byte is half a sample.
    at, size = 0, 1
    while at < len(data):
        sender.send(data[at : at + size])
        at, size = at + size, size * 3 % 4001
    sender.send(b"\x01")
    status, answer = sender.end()
    assert status == 201
    wait_until(lambda: playout.turns()[-1].state == "finished")
    found = playout.turns()[-1]
    assert found.number == answer["number"]
    assert found.heard_s == 0.5
    left = np.concatenate(heard)[:, 0].astype(float)
    wanted = tone(0.5, RATE).astype(float)
    # Apart from the ends, where the filter sees silence before and after.
    error = np.abs(left - wanted)[480:-480].max()
    assert error < 200, "another rate, byte order or pieces out of place would be thousands"


def test_byte_orders() -> None:
    assert kind_of("audio/pcm; rate=16000").sample == "<i2"
    assert kind_of("audio/L16;rate=16000;channels=1").sample == ">i2"
    assert kind_of('audio/l16; channels="1"; rate="8000"; endianness=little-endian').sample == "<i2"
    assert kind_of("AUDIO/PCM;RATE=48000").rate == 48_000


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("", "no Content-Type; expected audio/pcm;rate=16000"),
        ("audio/wav", "found audio/wav; expected audio/pcm;rate=16000"),
        ("audio/pcm", "expected audio/pcm;rate=16000"),
        ("audio/pcm;rate=7999", "rate: found '7999'; expected 8000 to 192000"),
        ("audio/pcm;rate=192001", "rate: found"),
        ("audio/pcm;rate=-1", "rate: found"),
        ("audio/pcm;rate=" + "9" * 40, "rate: found"),
        ("audio/pcm;rate=16000;channels=2", "channels: found '2'; expected 1"),
        ("audio/pcm;rate=16000;endianness=middle", "expected little-endian or big-endian"),
    ],
)
def test_other_kinds(kind: str, words: str) -> None:
    with pytest.raises(HTTPException) as refused:
        kind_of(kind)
    assert refused.value.status_code == 415
    assert words in refused.value.detail


def test_a_wrong_kind_begins_no_turn(theatre: Served) -> None:
    before = playout_of(theatre).counts.turns
    answer = theatre.client.post(f"{MAIN}/voice", content=b"xx", headers={"Content-Type": "a/b"})
    assert "found a/b; expected audio/pcm" in problem(answer, 415)
    assert "interrupt" in problem(
        theatre.client.post(f"{MAIN}/voice?interrupt=now", content=b"xx"), 422
    )
    assert playout_of(theatre).counts.turns == before


def test_a_sender_who_vanishes_is_heard_to_where_they_came(theatre: Served) -> None:
    with Reader(theatre) as reader:
        sender = Sender(theatre)
        sender.send(tone(0.4, 16_000).tobytes())
        reader.until("started")
        sender.close()
        assert reader.until("finished")["data"]["heard_s"] == 0.4


def test_an_interrupt_ends_the_request_at_once(theatre: Served) -> None:
    sender = Sender(theatre)
    sender.send(tone(0.4, 16_000).tobytes())
    turn_of(theatre)
    wait_until(lambda: playout_of(theatre).turns()[-1].state == "speaking")
    assert theatre.client.post(f"{MAIN}/interrupt").json() == {"ended": 1}
    # The sender has not said that this was all.
    status, answer = sender.answer()
    assert (status, answer["state"]) == (201, "interrupted")


def test_a_sender_who_says_nothing_is_given_up(
    theatre: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playout_of(theatre), "_patience", 0.3)
    sender = Sender(theatre)
    sender.send(tone(0.2, 16_000).tobytes())
    status, answer = sender.answer()
    assert status == 201
    assert answer["reason"] == "the voice gave nothing for 0.3 s"
    wait_until(lambda: playout_of(theatre).turns()[-1].state == "failed")


def test_faster_than_it_is_heard(theatre: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of sound at once: little of it is held, and everybody else is served."""
    data = tone(60, 16_000).tobytes()
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(
            httpx.post(
                f"{theatre.server.url}{MAIN}/voice", content=data, timeout=30,
                headers={"Content-Type": "audio/pcm;rate=16000"},
            )
        )  # fmt: skip

    thread = threading.Thread(target=send)
    thread.start()
    turn = turn_of(theatre)
    wait_until(lambda: turn._made - turn._taken >= (AHEAD_S - 1) * RATE)
    for _ in range(10):
        assert theatre.client.get("/api/status").status_code == 200
        assert turn._made - turn._taken <= (AHEAD_S + 1) * RATE
    # Who reads it out faster is fed as fast.
    while thread.is_alive():
        turn.take(RATE)
        time.sleep(0)
    assert answers[0].status_code == 201
    assert turn._made == 60 * RATE


def test_behind_turns_that_take_too_long(theatre: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.http import voice_upload

    monkeypatch.setattr(voice_upload, "_WAIT_S", 0.3)
    playout_of(theatre).speak("word " * 300)
    answer = theatre.client.post(
        f"{MAIN}/voice", content=tone(30, 16_000).tobytes(),
        headers={"Content-Type": "audio/pcm;rate=16000"},
    )  # fmt: skip
    assert "these are said, the rest is not" in problem(answer, 503)
    assert playout_of(theatre).turns()[-1].state == "queued"


def test_the_servers_end_waits_for_nobody(tmp_path: Path, network: Path) -> None:
    """Readers, one of whom reads nothing, and a speaker: gone within the time that there is."""
    with playing(tmp_path, network) as theatre:
        readers = [Reader(theatre) for _ in range(4)]
        sender = Sender(theatre)
        sender.send(tone(0.2, 16_000).tobytes())
        turn_of(theatre)
        assert theatre.server.stop(2.5), "the server had to be left behind"
        for reader in readers:
            reader.to_the_end()
            reader.close()
        assert sender.answer()[0] == 201


TOKEN = "let-me-in-please"


def test_a_token_is_needed_for_all_of_it(tmp_path: Path, network: Path, room: Path) -> None:
    (tmp_path / "pictures").mkdir()
    data = settings_of(room, network, tmp_path / "pictures", token=TOKEN)
    with serving(tmp_path, data) as served:
        known = dict(served.client.headers)
        del served.client.headers["authorization"]
        for method, path in (
            ("GET", "/api/sessions"), ("POST", "/api/sessions"), ("GET", MAIN), ("DELETE", MAIN),
            ("POST", f"{MAIN}/speak"), ("POST", f"{MAIN}/voice"), ("POST", f"{MAIN}/play"),
            ("POST", f"{MAIN}/interrupt"), ("GET", f"{MAIN}/events"),
            ("GET", f"{MAIN}/captions.vtt"), ("POST", "/whep/main"),
        ):  # fmt: skip
            answer = served.client.request(method, path)
            assert "a token is needed" in problem(answer, 401)
        assert served.client.get("/avatar").status_code == 200
        assert served.client.get("/api/sessions", headers=known).status_code == 200
