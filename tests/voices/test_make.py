"""The voice of the settings: which one it is, what is missing, and two voices as one."""

from __future__ import annotations

import threading

import pytest

from appliance.config.settings.voice import VoiceSettings
from appliance.errors import MissingDependency, VoiceError
from appliance.voices import make
from appliance.voices.by_script import ByScript
from appliance.voices.make import make_voice, missing_voices
from appliance.voices.sane import sane
from tests.voices import tones

GO = threading.Event()


class Absent:
    def __init__(self, *_: object) -> None:
        raise MissingDependency(f"install me with {self.command}")


class NoHibari(Absent):
    command = "pip install 'mattebox[voices]'"


class NoEspeak(Absent):
    command = "apt-get install espeak-ng"


class Spoken(tones.Tones):
    def __init__(self, *arguments: object) -> None:
        super().__init__()
        self.arguments = arguments


@pytest.fixture
def there(monkeypatch):
    """Says which of the two are installed."""

    def say(hibari: bool, espeak: bool) -> None:
        monkeypatch.setattr(make, "HibariVoice", Spoken if hibari else NoHibari)
        monkeypatch.setattr(make, "EspeakVoice", Spoken if espeak else NoEspeak)

    return say


def test_auto_takes_those_that_are_there(there):
    auto = VoiceSettings()
    there(True, True)
    assert isinstance(make_voice(auto), ByScript)
    there(True, False)
    assert make_voice(auto).arguments == (1.0,)
    there(False, True)
    assert make_voice(auto).arguments == ("en", 1.0, 10.0)
    there(False, False)
    with pytest.raises(
        MissingDependency, match=r"pip install 'mattebox\[voices\]'.*apt-get install"
    ):
        make_voice(auto)


def test_for_another_language_hibari_is_not_loaded(there):
    there(True, True)
    voice = make_voice(VoiceSettings(language="de_AT", speed=1.5, timeout_s=3))
    assert voice.arguments == ("de-AT", 1.5, 3)
    there(True, False)
    with pytest.raises(MissingDependency) as caught:
        make_voice(VoiceSettings(language="de"))
    assert "hibari" not in str(caught.value)


@pytest.mark.parametrize(("name", "command"), [("hibari", "pip install"), ("espeak", "apt-get")])
def test_a_voice_that_is_named_and_missing_is_named_with_its_command(there, name, command):
    there(False, False)
    with pytest.raises(MissingDependency, match=command):
        make_voice(VoiceSettings(name=name))


def test_http_and_none():
    settings = VoiceSettings(name="http", url="http://127.0.0.1:1/x", token="a-long-secret")
    voice = make_voice(settings)
    assert (voice.name, voice.language) == ("http", "")
    assert voice._headers["Authorization"] == "Bearer a-long-secret"
    assert "a-long-secret" not in repr(settings)
    with pytest.raises(VoiceError, match="only recordings"):
        list(make_voice(VoiceSettings(name="none")).stream("x", GO))


def test_what_is_missing_is_told_with_purpose_and_command(monkeypatch):
    monkeypatch.setattr(make.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(make, "EspeakChild", NoEspeak)
    found = {name: command for name, _, command in missing_voices()}
    assert list(found) == ["hibari-tts", "pocketsphinx", "espeak-ng"]
    assert found["hibari-tts"] == "pip install 'mattebox[voices]'"
    assert found["espeak-ng"] == "apt-get install espeak-ng"


def test_each_sentence_is_spoken_by_the_voice_that_can_read_it():
    latin, others = tones.Tones(24_000), tones.Tones(16_000)
    text = "\U0001f600 One, two. Three. \u4f60\u597d\uff0cok. And Ω is in it. Four? \U0001f600"
    found = list(ByScript(latin, others).stream(text, GO))
    assert latin.spoken == ["One, two. Three.", "Four?"]
    assert others.spoken == ["\u4f60\u597d\uff0cok. And Ω is in it."]
    assert [speech.rate for speech in found] == [24_000, 24_000, 16_000, 16_000, 24_000]
    for speech in found:
        assert sane(speech, len(text)) is speech
        for mark in speech.marks:
            assert mark.kind != "word" or text[mark.position :][: mark.length] == mark.value


def test_cancelled_between_two_voices_nothing_more_is_asked():
    latin, others, cancel = tones.Tones(), tones.Tones(), threading.Event()
    pieces = ByScript(latin, others).stream("One. Two. \u4f60\u3002", cancel)
    next(pieces)
    cancel.set()
    assert list(pieces) == []
    assert others.spoken == []


def test_a_long_text_is_begun_before_all_of_it_was_looked_at():
    latin, others = tones.Tones(), tones.Tones()
    first = next(ByScript(latin, others).stream("One two. " * 11_000, GO))
    assert first.seconds == pytest.approx(0.4)
    assert max(map(len, latin.spoken)) <= 2000


def test_both_are_closed():
    latin, others = tones.Tones(), tones.Tones()
    ByScript(latin, others).close()
    assert latin.closed
    assert others.closed
