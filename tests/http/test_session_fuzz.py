"""Anything may be sent to an avatar: it is answered in words, never with 500, and it plays on."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.serving import Served
from tests.http.theatre import MAIN, Reader, playout_of, recording

pytestmark = pytest.mark.soak

_EXAMPLES = settings(max_examples=150, suppress_health_check=list(HealthCheck))
_WAV = recording(0.05)
_ANSWERS = {201, 404, 409, 411, 413, 415, 422, 503}
_TEXTS = st.one_of(
    st.text(max_size=200),
    st.text("[]action:wave \U0001f600\ud800\u200d\u202e\x00\n你ش!", max_size=80),
    st.sampled_from(["[action:wave]", "[action:" * 2000, "word " * 500, "\u0301" * 500, "%" * 99]),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)
_BODIES = st.one_of(
    st.fixed_dictionaries({"text": _TEXTS}),
    st.fixed_dictionaries({"text": _TEXTS, "interrupt": st.sampled_from(["queue", "replace"])}),
    st.fixed_dictionaries({"wav": st.text("QUJD=+/é\n", max_size=60), "text": _TEXTS}),
    st.dictionaries(st.sampled_from(["text", "wav", "interrupt", "x"]), _VALUES),
    _VALUES,
)


def well(theatre: Served) -> None:
    """It goes on, and what was asked is over soon."""
    playout = playout_of(theatre)
    playout.interrupt()
    before = playout.counts.ticks
    with Reader(theatre) as reader:
        theatre.client.post(f"{MAIN}/play", json={"action": "wave"})
        reader.until("action")
    assert playout.counts.ticks > before
    assert theatre.daemon.ended() is None


@_EXAMPLES
@given(body=_BODIES, raw=st.binary(max_size=20), spoil=st.booleans())
def test_speak_with_any_json(theatre: Served, body: object, raw: bytes, spoil: bool) -> None:
    data = json.dumps(body).encode("utf-8", "surrogatepass")
    if spoil:
        data = data[: len(data) // 2] + raw
    answer = theatre.client.post(
        f"{MAIN}/speak", content=data, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in _ANSWERS, (data, answer.text)
    assert answer.status_code == 201 or len(answer.json()["error"]) > 10


@_EXAMPLES
@given(
    at=st.integers(0, len(_WAV)), cut=st.integers(0, len(_WAV)), put=st.binary(max_size=12),
    text=st.text("你好 \U0001f600[]ab", min_size=1, max_size=20),
)  # fmt: skip
def test_speak_with_a_spoiled_wav(
    theatre: Served, at: int, cut: int, put: bytes, text: str
) -> None:
    # The header's bytes are hit most often, and its words are in no language that is listened to.
    at, cut = (at % 44, len(_WAV)) if at % 2 else (at, cut)
    data = (_WAV[:at] + put + _WAV[at + len(put) :])[:cut]
    answer = theatre.client.post(
        f"{MAIN}/speak", params={"text": f"你{text}", "interrupt": "replace"}, content=data,
        headers={"Content-Type": "audio/wav"},
    )  # fmt: skip
    assert answer.status_code in _ANSWERS, (data[:60], answer.text)


@_EXAMPLES
@given(
    kind=st.one_of(
        st.sampled_from(["audio/pcm;rate=8000", "audio/L16;rate=192000", "audio/pcm; rate=44100"]),
        st.text("audio/pcmL16;rate=0987654321 \"channels,endianness-", max_size=60),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    ),
    data=st.binary(max_size=3000),
    query=st.sampled_from(["", "?interrupt=replace", "?interrupt=x", "?interrupt=%00"]),
)  # fmt: skip
def test_voice_of_any_kind(theatre: Served, kind: str, data: bytes, query: str) -> None:
    answer = theatre.client.post(
        f"{MAIN}/voice{query}", content=data, headers={"Content-Type": kind.strip()}
    )
    assert answer.status_code in _ANSWERS, (kind, answer.text)
    if playout_of(theatre).turns()[-1].state == "queued":
        playout_of(theatre).interrupt()


@_EXAMPLES
@given(
    given_=st.one_of(
        st.integers(-5, 10**20).map(str),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    )
)
def test_any_last_event_id(theatre: Served, given_: str) -> None:
    with Reader(theatre, head=f"Last-Event-ID: {given_}\r\n") as reader:
        known = given_.isdigit() and len(given_) < 19
        assert reader.status in ((200, 503) if known else (422,))


def test_it_goes_on_after_all_of_this(theatre: Served) -> None:
    well(theatre)
