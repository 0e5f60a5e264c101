"""The voice of hibari-tts: words and mouth where they sound, and nothing that it stumbles over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from appliance.errors import VoiceError
from appliance.voices.hibari import HibariVoice
from appliance.voices.hibari_graph import HibariGraph, with_output
from appliance.voices.phones import to_arpabet
from appliance.voices.sane import sane
from appliance.voices.trim import AFTER_MS, BEFORE_MS

GO = threading.Event()


def level(pcm: np.ndarray, rate: int, start: float, end: float) -> float:
    part = pcm[int(start * rate / 1000) : int(end * rate / 1000)].astype(float)
    return float(np.sqrt(np.mean(part**2)))


def test_an_onnx_model_gets_a_further_output():
    onnx = pytest.importorskip("onnx")
    a, b, c = (onnx.helper.make_tensor_value_info(n, 1, [1]) for n in "abc")
    nodes = [onnx.helper.make_node("Neg", ["a"], ["b"]), onnx.helper.make_node("Abs", ["b"], ["c"])]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [a], [c]))
    assert b.name == "b"
    more = onnx.load_from_string(with_output(model.SerializeToString(), "b"))
    assert [one.name for one in more.graph.output] == ["c", "b"]
    assert more.graph.node == model.graph.node


def test_another_network_is_refused_with_what_to_do(tmp_path):
    file = tmp_path / "x.onnx"
    file.write_bytes(b"no network")
    with pytest.raises(VoiceError, match=r"pip install .*mattebox\[voices\]"):
        HibariGraph(file)


def test_every_word_is_marked_once_where_it_is_written(hibari):
    text = (
        "Dr. Smith paid $3.20 on Jan. 5th at 9:30am, DIDN'T he? Henry VIII ate 5km \U0001f600 of "
        "\u201cwell-known\u201d cake."
    )
    said, times = [], 0
    for speech in hibari.stream(text, GO):
        assert sane(speech, len(text)) is speech
        for mark in speech.marks:
            if mark.kind == "word":
                assert text[mark.position :][: mark.length] == mark.value
                said.append(mark.value)
        times += 1
    assert times == 2
    assert said == [
        "Dr", "Smith", "paid", "$3.20", "on", "Jan", "5th", "at", "9:30am", "DIDN'T", "he",
        "Henry", "VIII", "ate", "5km", "of", "well-known", "cake",
    ]  # fmt: skip


def test_marks_are_where_the_sound_is(hibari):
    [speech] = hibari.stream("Stop here, my friend: it's well-known, a seed.", GO)
    pcm, rate = speech.pcm, speech.rate
    begins = {mark.value: mark.ms for mark in speech.marks if mark.kind == "word"}
    assert begins["Stop"] == pytest.approx(BEFORE_MS, abs=35)
    # Before a word that follows a pause it is still, and within it it is not.
    at = begins["it's"]
    assert level(pcm, rate, at - 70, at - 30) < 0.1 * level(pcm, rate, at, at + 100)
    # The s of "seed" is noise above 4 kHz; its mark is at its beginning.
    hiss = [mark.ms for mark in speech.marks if mark.value == "SS"][-1]
    spectrum = np.abs(np.fft.rfft(pcm[int((hiss + 30) * rate / 1000) :][: rate // 20]))
    assert spectrum[200:].sum() > 2 * spectrum[:200].sum()
    shapes = [mark.value for mark in speech.marks if mark.kind == "viseme"]
    assert shapes[:4] == ["SS", "DD", "aa", "PP"]
    assert shapes[-1] == "sil"
    [pause] = [m.ms for m in speech.marks if m.value == "sil" and at - 300 < m.ms < at]
    assert level(pcm, rate, pause, at - 20) < 0.1 * level(pcm, rate, at, at + 100)


def test_it_is_trimmed_without_a_click_and_always_sounds_the_same(hibari):
    [one] = hibari.stream("Good morning.", GO)
    [two] = hibari.stream("Good morning.", GO)
    assert (one.pcm == two.pcm).all()
    pcm, rate = one.pcm.astype(int), one.rate
    assert abs(pcm[0]) < 20
    assert abs(pcm[-1]) < 20
    assert level(one.pcm, rate, 0, BEFORE_MS - 10) < 150
    loudest = level(one.pcm, rate, BEFORE_MS, BEFORE_MS + 300)
    end = 1000 * one.seconds
    assert level(one.pcm, rate, end - AFTER_MS + 10, end) < 0.05 * loudest
    assert level(one.pcm, rate, end - AFTER_MS - 60, end - AFTER_MS) > 0.01 * loudest


def test_another_voice_shares_what_is_loaded_and_may_speak_at_once_and_faster(hibari):
    text = "The quick brown fox jumps. It jumps over the lazy dog."
    quick = HibariVoice(speed=2.0)
    assert quick._engine is hibari._engine
    alone = [list(voice.stream(text, GO)) for voice in (hibari, quick)]
    assert 0.4 < alone[1][0].seconds / alone[0][0].seconds < 0.75
    with ThreadPoolExecutor(4) as pool:
        both = list(pool.map(lambda v: list(v.stream(text, GO)), [hibari, quick] * 2))
    for i, found in enumerate(both):
        for one, two in zip(found, alone[i % 2], strict=True):
            assert (one.pcm == two.pcm).all()
            assert one.marks == two.marks


@pytest.mark.parametrize(
    "text", ["", " \n", "\U0001f600\U0001f44d\U0001f3fd", "\x00\x1b", "?!", "\ud800"]
)
def test_nothing_to_say_is_no_speech_and_no_error(hibari, text):
    assert list(hibari.stream(text, GO)) == []


def test_what_it_stumbles_over_is_said_all_the_same(hibari):
    text = "İstanbul [x](/y/) 9999999999999999999999 1/0 \u00ad co\u00adop & <b>"
    words = [m.value for s in hibari.stream(text, GO) for m in s.marks if m.kind == "word"]
    assert words[0] == "İstanbul"


def test_cancelled_it_stops_with_the_sentence(hibari):
    cancel = threading.Event()
    pieces = hibari.stream("One. " * 20_000, cancel)
    next(pieces)
    cancel.set()
    assert list(pieces) == []


def test_it_tells_how_numbers_are_said(hibari):
    text = "Pay $3.20 now."
    said = [(text[a:b], to_arpabet(sounds)) for (a, b), sounds in hibari.read_out(text)]
    assert said[0] == ("Pay", "P EY")
    assert [phones for word, phones in said if word == "$3.20"] == [
        "TH R IY", "D AA L AH R Z", "AE N D", "T W EH N T IY", "S EH N T S",
    ]  # fmt: skip
