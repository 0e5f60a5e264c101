"""Recordings: words found by pocketsphinx, or spread where it cannot; its process broken."""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InputError, MissingDependency, VoiceError
from appliance.voices import align, recorded
from appliance.voices.align_process import spelt
from appliance.voices.loud import spread
from appliance.voices.recorded import read_recording
from appliance.voices.sane import sane
from tests.voices import tones
from tests.voices.wavs import wav, wav16, wav_of

needs_pocketsphinx = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None,
    reason="pocketsphinx is not installed: pip install 'mattebox[voices]'",
)


def marked(recording: recorded.Recording) -> list[str]:
    speech, text = recording.speech, recording.text
    assert sane(speech, len(text)) is speech
    words = [mark for mark in speech.marks if mark.kind == "word"]
    assert all(text[mark.position :][: mark.length] == mark.value for mark in words)
    return [mark.value for mark in words]


@needs_pocketsphinx
def test_words_are_found_where_they_are_said(hibari):
    text = "My friends, $3.20 for the ZORBLIFIED boat."
    [speech] = hibari.stream(text, threading.Event())
    found = read_recording(wav_of(speech), text)
    assert marked(found) == ["My", "friends", "$3.20", "for", "the", "ZORBLIFIED", "boat"]
    ours = [mark.ms for mark in speech.marks if mark.kind == "word"]
    theirs = [mark.ms for mark in found.speech.marks if mark.kind == "word"]
    assert theirs[1:] == pytest.approx(ours[1:], abs=90)
    assert np.median(np.abs(np.subtract(theirs, ours))) < 40
    boat = [m.value for m in found.speech.marks if m.kind == "viseme" and m.position == 37]
    assert boat[:4] == ["PP", "O", "U", "DD"]


@needs_pocketsphinx
def test_a_text_that_is_not_said_has_its_words_spread(monkeypatch):
    [speech] = tones.Tones(16_000).stream("One two three", threading.Event())
    found = read_recording(wav_of(speech), "\u4f60\u597d ok")
    assert marked(found) == ["\u4f60", "\u597d", "ok"]


def test_without_pocketsphinx_words_are_spread_by_length_and_no_mouth_is_made_up(monkeypatch):
    def absent(*_: object, **__: object) -> list[align.HeardWord]:
        raise MissingDependency("pocketsphinx is not installed")

    monkeypatch.setattr(recorded, "heard", absent)
    [speech] = tones.Tones(16_000).stream("One two three", threading.Event())
    found = read_recording(wav_of(speech), "One two three")
    assert marked(found) == ["One", "two", "three"]
    assert {mark.kind for mark in found.speech.marks} == {"word"}
    assert marked(read_recording(wav_of(speech))) == []


def test_words_that_take_too_long_to_be_found_are_done_without() -> None:
    pytest.importorskip("pocketsphinx")
    [speech] = tones.Tones(16_000).stream("One two three", threading.Event())
    found = read_recording(wav_of(speech), "One two three", patience_s=0.02)
    assert {mark.kind for mark in found.speech.marks} == {"word"}
    unknown = read_recording(wav_of(speech), patience_s=0.02)
    assert unknown.text == ""
    assert len(unknown.speech.pcm) == len(speech.pcm)


def test_what_is_heard_is_the_text_where_there_is_none(monkeypatch):
    words = [
        align.HeardWord("good", 0, 200, ("G", "UH", "D")),
        align.HeardWord("day", 300, 500, ()),
    ]
    monkeypatch.setattr(recorded, "heard", lambda *_, **__: words)
    found = read_recording(wav16(np.ones(16_000, np.int16), 16_000))
    assert found.text == "good day"
    assert marked(found) == ["good", "day"]
    visemes = [(m.ms, m.value) for m in found.speech.marks if m.kind == "viseme"]
    assert [value for _, value in visemes] == ["kk", "U", "DD", "sil", "sil"]
    assert visemes[3][0] == 200


def test_high_rates_become_48_khz():
    found = read_recording(wav(1, 2, 96_000, 16, bytes(4 * 9600)), "", "de")
    assert (found.speech.rate, len(found.speech.pcm)) == (48_000, 4800)


def test_too_long_a_text_is_refused():
    with pytest.raises(InputError, match="100001 characters"):
        read_recording(wav16(np.ones(80, np.int16), 8000), "x" * 100_001)


def test_spread_words_do_not_begin_in_pauses():
    sound = np.zeros(16_000, np.float32)
    sound[4000:6000] = sound[12_000:14_000] = 0.5
    times = [mark.ms for mark in spread("aaaa bbbb cccc dddd", sound, 16_000)]
    assert times == pytest.approx([250, 312, 750, 812], abs=25)
    assert spread("", sound, 16_000) == ()
    assert spread("x", sound[:3], 16_000) == ()
    assert len(spread("a b", np.zeros(8000, np.float32), 16_000)) == 2


@pytest.mark.parametrize(
    ("program", "error", "said"),
    [
        ("raise SystemExit(3)", VoiceError, "ended with 3"),
        ("import os; os.kill(os.getpid(), 11)", VoiceError, "ended with -11"),
        ("print('nonsense')", VoiceError, "answered"),
        ("print('{\"words\": [[1]]}')", VoiceError, "answered"),
        ('print(\'{"words": [["b", 0, 1, []]]}\')', VoiceError, "1 of 1 words"),
        ('print(\'{"error": "ModuleNotFoundError: x"}\')', MissingDependency, "pip install"),
        ('print(\'{"error": "RuntimeError: x"}\')', VoiceError, "RuntimeError"),
        ("import time; time.sleep(60)", VoiceError, "within"),
    ],
)
def test_a_process_that_fails_is_an_error_in_words(monkeypatch, program, error, said):
    monkeypatch.setattr(align, "_LOAD_S", 0.5 if "sleep" in program else 30.0)
    with pytest.raises(error, match=said):
        align.heard(
            np.zeros(16, np.int16), [("a", "")], (sys.executable, "-I", "-S", "-c", program)
        )


def test_words_of_no_dictionary_are_pronounced_as_spelt():
    assert spelt("chip5") == "CH IH P F AY V"
    assert spelt("queen") == "K W IY N"
    assert spelt("\u4f60") == ""


def test_its_program_needs_nothing_of_mattebox():
    text = Path(align.__file__).with_name("align_process.py").read_text(encoding="utf-8")
    assert "from appliance" not in text
