"""What a voice says of itself is put right or refused."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from appliance.errors import VoiceError
from appliance.voices.base import Mark, Speech
from appliance.voices.sane import MOST_MARKS, MOST_SECONDS, sane
from tests.voices import tones

TEXT = "One two, three. Four!"
GO = threading.Event()


def test_what_is_true_stays_as_it_is():
    for speech in tones.Tones().stream(TEXT, GO):
        assert sane(speech, len(TEXT)) is speech


def test_tones_mark_every_word_where_it_sounds_and_where_it_stands():
    one, two = tones.Tones().stream(TEXT, GO)
    assert (one.seconds, two.seconds) == (0.6, 0.2)
    words = [(m.ms, TEXT[m.position :][: m.length]) for m in one.marks if m.kind == "word"]
    assert words == [(0, "One"), (200, "two"), (400, "three")]
    assert not one.pcm[int(0.161 * one.rate) : int(0.199 * one.rate)].any()
    spectrum = np.abs(np.fft.rfft(one.pcm[int(0.2 * 24_000) :][:3600]))
    assert np.argmax(spectrum) * 24_000 / 3600 == pytest.approx(tones.pitch(1), abs=7)


@pytest.mark.parametrize("lie", tones.CLAMPED)
def test_times_that_cannot_be_are_moved_into_the_speech(lie):
    for speech in tones.Lies(lie).stream(TEXT, GO):
        found = sane(speech, len(TEXT))
        times = [mark.ms for mark in found.marks]
        assert len(times) == len(speech.marks)
        assert times == sorted(times)
        assert all(0 <= ms <= 1000 * speech.seconds for ms in times)
        assert found.pcm is speech.pcm


@pytest.mark.parametrize("lie", tones.REFUSED)
def test_what_cannot_be_put_right_is_refused(lie):
    for speech in tones.Lies(lie).stream(TEXT, GO):
        with pytest.raises(VoiceError, match="expected"):
            sane(speech)


def test_places_outside_the_text_are_moved_into_it():
    speech = Speech(
        np.zeros(800, np.int16), 8000, (Mark(0, "word", "x", 7, 9), Mark(1, "word", "y", -3, -1))
    )
    assert [(m.position, m.length) for m in sane(speech, 10).marks] == [(7, 3), (0, 0)]
    assert [(m.position, m.length) for m in sane(speech, 5).marks] == [(5, 0), (0, 0)]
    assert sane(speech).marks[0].length == 9


def test_kinds_and_visemes_that_nobody_knows_are_refused():
    speech = Speech(np.zeros(800, np.int16), 8000)
    for mark in (Mark(0, "breath", "x"), Mark(0, "viseme", "XX"), Mark(float("inf"), "word", "x")):  # type: ignore[arg-type]
        with pytest.raises(VoiceError, match="expected"):
            sane(replace(speech, marks=(mark,)))


def test_there_is_a_most_of_samples_and_marks():
    with pytest.raises(VoiceError, match="601 seconds"):
        sane(Speech(np.zeros(8000 * (MOST_SECONDS + 1), np.int16), 8000))
    many = (Mark(0, "word", "x"),) * (MOST_MARKS + 1)
    with pytest.raises(VoiceError, match="marks"):
        sane(Speech(np.zeros(8, np.int16), 8000, many))


def test_a_stall_ends_when_cancelled():
    voice, cancel, found = tones.Stalls(after=1), threading.Event(), []
    thread = threading.Thread(target=lambda: found.extend(voice.stream(TEXT, cancel)))
    thread.start()
    assert voice.stalled.wait(10)
    cancel.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(found) == 1


def test_a_death_comes_after_what_was_said_before():
    pieces = tones.Dies(after=1).stream(TEXT, GO)
    assert next(pieces).marks
    with pytest.raises(VoiceError, match="status 1"):
        next(pieces)
