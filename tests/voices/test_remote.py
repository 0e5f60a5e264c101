"""A voice on a server: the one of the documentation, and servers that answer anything else."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import VoiceError
from appliance.system.redact import remember
from appliance.voices import remote
from appliance.voices.remote import HttpVoice
from appliance.voices.sane import sane
from tests.voices import tones
from tests.voices.wavs import wav, wav_of

GO = threading.Event()
TEXT = "One two. \u4f60\u597d\uff0cok? Three!"
[TONE] = tones.Tones(16_000).stream("One two", GO)
Answer = Callable[[BaseHTTPRequestHandler, dict[str, object]], None]


class Server:
    """An HTTP server that answers by ``answer`` and keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.asked.append(json.loads(self.rfile.read(length)))
                outer.headers.append(dict(self.headers))
                answer(self, outer.asked[-1])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/speak?a=1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Server]]:
    servers: list[Server] = []

    def start(answer: Answer) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def reply(data: bytes, kind: str = "audio/wav", status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, _: object) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def reply_json(**body: object) -> Answer:
    return reply(json.dumps(body).encode(), "application/json")


def test_the_server_of_the_documentation_speaks(root: Path, tmp_path, free_port):
    text = (root / "docs/voices.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
    (tmp_path / "server.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "server.py"), str(free_port)], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", free_port)) == 0:
                    break
            assert process.poll() is None
            threading.Event().wait(0.02)
        voice = HttpVoice(f"http://127.0.0.1:{free_port}/speak")
        one, two = voice.stream("Hello, my world. Bye!", GO)
    finally:
        process.kill()
        process.wait(10)
    assert one.seconds == pytest.approx(16 * 0.06 + 0.15, abs=0.15)
    assert [m.value for m in one.marks] == ["Hello", "my", "world"]
    assert [(m.value, m.position) for m in two.marks] == [("Bye", 17)]


def test_it_is_asked_sentence_by_sentence_in_its_language_with_the_token(serve):
    server = serve(reply(wav_of(TONE)))
    voice = HttpVoice(server.url, "a-long-secret", language="de", speed=1.5)
    found = list(voice.stream(TEXT, GO))
    assert [sane(speech, len(TEXT)) for speech in found] == found
    assert server.asked == [
        {"text": "One two.", "speed": 1.5, "language": "de"},
        {"text": "\u4f60\u597d\uff0cok?", "speed": 1.5, "language": "zh"},
        {"text": "Three!", "speed": 1.5, "language": "de"},
    ]
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer a-long-secret"}
    marks = [mark for speech in found for mark in speech.marks]
    assert all(TEXT[m.position :][: m.length] == m.value for m in marks)
    assert [m.value for m in marks] == ["One", "two", "\u4f60", "\u597d", "ok", "Three"]


def test_marks_that_it_gives_count_from_what_is_left_of_the_sound(serve):
    silence = np.zeros(16_000, np.int16)
    sound = wav(1, 1, 16_000, 16, np.concatenate([silence, TONE.pcm]).tobytes())
    marks = [{"ms": 1000, "kind": "word", "value": "Three", "position": 0, "length": 5},
             {"ms": 1100.5, "kind": "viseme", "value": "I"}]  # fmt: skip
    server = serve(reply_json(wav=base64.b64encode(sound).decode(), marks=marks))
    [speech] = HttpVoice(server.url).stream(" Three", GO)
    word, viseme = speech.marks
    assert (word.ms, word.position, word.length) == (pytest.approx(40, abs=6), 1, 5)
    assert viseme.ms - word.ms == pytest.approx(100.5)
    assert (viseme.position, viseme.length) == (0, 0)


def test_higher_rates_come_as_48_khz(serve):
    data = np.full((9600, 2), 9000, "<i2").tobytes()
    [speech] = HttpVoice(serve(reply(wav(1, 2, 96_000, 16, data))).url).stream("A", GO)
    assert speech.rate == 48_000
    assert speech.seconds == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(b"no such voice", "text/plain", 404), "404 Not Found: no such voice; expected 200"),
        (reply(b"", "text/plain", 302), "302"),
        (reply(b"<html>"), "no speech: found b'<html>'"),
        (reply(b""), "found nothing"),
        (reply(b"{", "application/json"), "expected {\"wav\""),
        (reply(b"[]", "application/json"), "expected {\"wav\""),
        (reply_json(wav="%%"), "expected {\"wav\""),
        (reply_json(wav=""), "found nothing"),
        (reply_json(wav=base64.b64encode(wav_of(TONE)).decode(), marks=5), "no list"),
        (reply_json(wav=base64.b64encode(wav_of(TONE)).decode(), marks=[5]), "gave the mark 5"),
        (
            reply_json(wav=base64.b64encode(wav_of(TONE)).decode(),
                       marks=[{"ms": "NaN", "kind": "word", "value": "x"}]),
            "nan as the time",
        ),
        (
            reply_json(wav=base64.b64encode(wav_of(TONE)).decode(),
                       marks=[{"ms": 0, "kind": "viseme", "value": "XX"}]),
            "the viseme 'XX'",
        ),
        (lambda handler, _: handler.wfile.write(b"nonsense\r\n\r\n"), "BadStatusLine"),
        (lambda handler, _: handler.close_connection, "RemoteDisconnected"),
    ],
)  # fmt: skip
def test_other_answers_are_an_error_in_words(serve, answer, said):
    with pytest.raises(VoiceError, match=re.escape(said)):
        list(HttpVoice(serve(answer).url).stream("Hello.", GO))


def test_nobody_there_is_an_error_in_words(free_port):
    with pytest.raises(VoiceError, match=f"the voice at 127.0.0.1:{free_port}: Connection"):
        list(HttpVoice(f"http://127.0.0.1:{free_port}/").stream("Hello.", GO))


def test_an_answer_without_end_is_cut_off(serve, monkeypatch):
    monkeypatch.setattr(remote, "MOST_BYTES", 200_000)
    said = "longer than"
    with pytest.raises(VoiceError, match=said):
        list(HttpVoice(serve(reply(bytes(400_000))).url).stream("Hello.", GO))


class Silent:
    """Takes connections and says nothing until ``go``."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self, handler: BaseHTTPRequestHandler, _: object) -> None:
        self.asked.set()
        self.go.wait(30)


def test_one_that_stalls_is_given_up(serve):
    silent = Silent()
    voice = HttpVoice(serve(silent).url, timeout_s=0.3)
    with pytest.raises(VoiceError, match=r"no speech within 0.3 s \(voice.timeout_s\)"):
        list(voice.stream("Hello.", GO))
    silent.go.set()
    [request] = voice._requests
    request.join(10)
    assert not request.is_alive()


@pytest.mark.parametrize("close", [False, True])
def test_cancelled_or_closed_it_ends_at_once(serve, close):
    silent, cancel, found = Silent(), threading.Event(), []
    voice = HttpVoice(serve(silent).url, timeout_s=30)

    def speak() -> None:
        try:
            found.append(list(voice.stream("Hello.", cancel)))
        except VoiceError as error:
            found.append(error)

    thread = threading.Thread(target=speak)
    thread.start()
    assert silent.asked.wait(10)
    begun = time.monotonic()
    if close:
        voice.close()
    else:
        cancel.set()
    thread.join(10)
    assert time.monotonic() - begun < 9  # and not the 30 s that it would wait for
    silent.go.set()
    assert found == [[]] if not close else isinstance(found[0], VoiceError)


def test_the_token_stands_in_no_message(serve):
    remember("a-long-secret")
    server = serve(reply(b"wrong: a-long-secret", "text/plain", 401))
    with pytest.raises(VoiceError) as caught:
        list(HttpVoice(server.url, "a-long-secret").stream("Hello.", GO))
    assert "a-long-secret" not in str(caught.value)
    assert "401" in str(caught.value)
