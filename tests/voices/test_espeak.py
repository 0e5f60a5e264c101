"""espeak-ng's voices, and what happens to its process: it stalls, dies, lies, is not there."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from appliance.errors import InputError, MissingDependency, VoiceError
from appliance.voices.espeak import EspeakVoice
from appliance.voices.espeak_child import EspeakChild
from appliance.voices.espeak_tags import espeak_voice
from appliance.voices.sane import sane

GO = threading.Event()
READY = '{"ready": "x", "voices": ["en-us", "de"]}'


def program(tmp_path: Path, body: str) -> tuple[str, ...]:
    """A stand-in for the process: says that it is ready, then runs ``body`` for each ``line``."""
    file = tmp_path / "program.py"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    head = "import json, os, sys, time\n"
    file.write_text(f"{head}print({READY!r}, flush=True)\nfor line in sys.stdin:\n{lines}")
    return (sys.executable, "-I", "-S", str(file))


def words_of(voice: EspeakVoice, text: str) -> list[str]:
    found = []
    for speech in voice.stream(text, GO):
        assert sane(speech, len(text)) is speech
        for mark in speech.marks:
            if mark.kind == "word":
                assert text[mark.position :][: mark.length] == mark.value
                found.append(mark.value)
    return found


def test_english_words_are_marked_once_as_they_are_written(espeak):
    text = "Hello, it's 25 km for $3.20. \U0001f600 Naïve co-op!"
    assert words_of(espeak, text) == [
        "Hello", "it's", "25", "km", "for", "$3.20", "Naïve", "co-op",
    ]  # fmt: skip


def test_chinese_is_spoken_sign_by_sign_in_chinese(espeak):
    text = "\u4f60\u597d\uff0c\u4e16\u754c\u3002"
    assert words_of(espeak, text) == ["\u4f60", "\u597d", "\u4e16", "\u754c"]
    [speech] = espeak.stream(text, GO)
    # ni hao, shi jie: had it been read as English ("Chinese letter"), it would take much longer.
    shapes = [mark.value for mark in speech.marks if mark.kind == "viseme"]
    assert [s for s in shapes if s != "sil"] == [
        "nn",
        "I",
        "kk",
        "aa",
        "U",
        "CH",
        "I",
        "CH",
        "I",
        "E",
    ]
    assert speech.seconds < 1.8


@pytest.mark.parametrize("text", ["Привет, мир!", "مرحبا بالعالم", "नमस्ते दुनिया", "안녕 세계"])
def test_other_scripts_are_spoken_in_their_language(espeak, text):
    assert len(words_of(espeak, text)) == 2


@pytest.mark.parametrize("text", ["", "\U0001f600", "\x00\x1b", "?!"])
def test_nothing_to_say_is_no_speech_and_no_error(espeak, text):
    assert list(espeak.stream(text, GO)) == []


def test_its_process_is_started_again_after_it_was_killed(espeak):
    assert words_of(espeak, "One.") == ["One"]
    starts = espeak.starts
    process = espeak._child._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert words_of(espeak, "Two.") == ["Two"]
    assert espeak.starts == starts + 1


def test_a_language_that_it_does_not_speak_is_named():
    try:
        with pytest.raises(InputError, match="expected one of af"):
            EspeakVoice("tlh-Xyzz")
    except MissingDependency as error:
        pytest.skip(str(error))


VOICES = {"cmn", "cmn-latn-pinyin", "yue", "en-gb", "en-us", "es", "es-419", "pt", "pt-br", "fr-fr",
          "nb", "de", "sr"}  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "voice"),
    [
        ("zh", "cmn-latn-pinyin"), ("zh-Hans-CN", "cmn-latn-pinyin"), ("zh-TW", "cmn-latn-pinyin"),
        ("zh-HK", "yue"), ("en", "en-us"), ("en-GB", "en-gb"), ("es-MX", "es-419"), ("es", "es"),
        ("pt_BR", "pt-br"), ("pt-PT", "pt"), ("fr-CA", "fr-fr"), ("no", "nb"), ("de-AT-1996", "de"),
        ("sr-Latn", "sr"), ("xx", None),
    ],
)  # fmt: skip
def test_tags(tag, voice):
    assert espeak_voice(tag, VOICES) == voice


def test_without_the_library_the_command_is_named(tmp_path):
    file = tmp_path / "program.py"
    file.write_text('print(\'{"error": "libespeak-ng.so.1: cannot open"}\')')
    with pytest.raises(MissingDependency, match="apt-get install espeak-ng"):
        EspeakChild((sys.executable, "-I", "-S", str(file)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("time.sleep(60)", "did not answer in time"),
        ("sys.exit(3)", "ended with status 3"),
        ("os.kill(os.getpid(), 11)", "by signal SIGSEGV"),
        ("print('nonsense', flush=True)", "answered"),
        ("print('[1]', flush=True)", "answered"),
        ("print(json.dumps({'bytes': 1 << 40}), flush=True)", "announced"),
        ("print(json.dumps({'bytes': -1}), flush=True)", "announced"),
        ("print(json.dumps({'rate': 1, 'bytes': 0, 'marks': 5}), flush=True)", "answered"),
        ("print(json.dumps({'rate': 'x', 'bytes': 0, 'marks': []}), flush=True)", "answered"),
        ("print(json.dumps({'error': 'no voice'}), flush=True)", "no voice"),
        ("sys.stdout.write('x' * 3_000_000)", "without end"),
    ],
)
def test_a_process_that_fails_is_an_error_in_words_and_started_again(tmp_path, body, said):
    voice = EspeakVoice("en", timeout_s=0.5, command=program(tmp_path, body))
    try:
        for _ in range(2):
            with pytest.raises(VoiceError, match=said):
                list(voice.stream("Hello.", GO))
    finally:
        voice.close()


def test_cancelled_it_ends_within_a_tenth_of_a_second(tmp_path):
    voice = EspeakVoice("en", timeout_s=30, command=program(tmp_path, "time.sleep(60)"))
    cancel, ended = threading.Event(), []

    def speak() -> None:
        found = list(voice.stream("Hello.", cancel))
        ended.append((found, time.monotonic()))

    thread = threading.Thread(target=speak)
    thread.start()
    cancel.set()
    thread.join(10)
    # Not a word, and the process that would still be at it is gone; how long it took is bounded by
    # the two waits of espeak_child, which a loaded machine makes longer.
    assert ended[0][0] == []
    assert voice._child._process is None
    voice.close()


def test_closed_it_says_so_and_leaves_no_process(tmp_path):
    voice = EspeakVoice("en", command=program(tmp_path, "pass"))
    process = voice._child._process
    voice.close()
    assert process.poll() is not None
    with pytest.raises(VoiceError, match="closed"):
        list(voice.stream("Hello.", GO))


def test_it_ends_when_mattebox_is_gone(espeak):
    """Its stdin ends then: nothing else must be needed."""
    child = EspeakChild()
    process = child._process
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()
    child._process = None
