"""A voice on a server: a sentence is posted as JSON, the answer is a WAV, alone or with marks."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from appliance.errors import InputError, VoiceError
from appliance.media.audio import I16, RATE
from appliance.system.redact import redact
from appliance.voices.base import Mark, Speech
from appliance.voices.loud import spread
from appliance.voices.resample import to_48k
from appliance.voices.sane import MOST_MARKS, sane
from appliance.voices.scripts import language_of
from appliance.voices.text import pieces, speakable
from appliance.voices.trim import F32, to_int16, trimmed
from appliance.voices.wav import WavSound, read_wav

MOST_BYTES = 32 << 20
"""Of an answer: nearly three minutes of 48 kHz in 32-bit floats; a sentence has seconds."""
_CHUNK = 1 << 16
_POLL_S = 0.02
_MOST_WAITING = 4
"""Requests that were given up and have not ended yet, as when a name is being looked up."""


class HttpVoice:
    """Asks a server for each sentence."""

    name = "http"

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        language: str = "",
        speed: float = 1.0,
        timeout_s: float = 10.0,
    ) -> None:
        """Nothing is asked yet.

        Args:
            url: http or https, without a password. token: sent as Authorization: Bearer; "" for
                none. language: of sentences in Latin letters, BCP 47; "" if the server is to
                tell. speed: of the usual one. timeout_s: how long an answer may take.
        """
        self.language = language
        self._url = urlsplit(url)
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "audio/wav, application/json",
        }
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._speed, self._timeout_s = speed, timeout_s
        self._requests: list[_Request] = []

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``."""
        text = speakable(text)
        for start, end in pieces(text):
            if cancel.is_set():
                return
            answer = self._ask(text[start:end], cancel)
            if answer is None:
                return
            speech = self._speech(answer, text, start, end)
            if len(speech.pcm):
                yield speech

    def close(self) -> None:
        """Break off what is being asked."""
        for request in self._requests:
            request.give_up()

    def _ask(self, sentence: str, cancel: threading.Event) -> _Request | None:
        self._requests = [one for one in self._requests if one.is_alive()]
        if len(self._requests) >= _MOST_WAITING:
            raise VoiceError(
                f"{self._where}: {len(self._requests)} requests have not ended yet; is its name "
                "server there?"
            )
        body: dict[str, Any] = {"text": sentence, "speed": self._speed}
        body["language"] = language_of(sentence) or self.language or "en"
        request = _Request(self._url, json.dumps(body).encode(), self._headers, self._timeout_s)
        self._requests.append(request)
        request.start()
        deadline = time.monotonic() + self._timeout_s
        while not request.done.wait(_POLL_S):
            if cancel.is_set():
                request.give_up()
                return None
            if time.monotonic() >= deadline:
                request.give_up()
                raise VoiceError(
                    f"{self._where} gave no speech within {self._timeout_s:g} s (voice.timeout_s)"
                )
        if request.error:
            raise VoiceError(redact(f"{self._where}: {request.error}"))
        return request

    @property
    def _where(self) -> str:
        return f"the voice at {self._url.hostname}:{self._url.port or self._url.scheme}"

    def _speech(self, answer: _Request, text: str, start: int, end: int) -> Speech:
        try:
            data, marks = _taken_apart(answer)
            wav = read_wav(data)
        except InputError as error:
            raise VoiceError(f"{self._where} answered what is no speech: {error}") from error
        speech, cut = _trimmed(wav)
        if marks is None:
            found = spread(text[start:end], _floats(speech.pcm), speech.rate)
        else:
            found = tuple(_mark(mark, cut) for mark in marks)
        placed = tuple(
            Mark(m.ms, m.kind, m.value, m.position + start * (m.length > 0), m.length)
            for m in found
        )
        return sane(Speech(speech.pcm, speech.rate, placed), len(text))


class _Request(threading.Thread):
    """One question and its answer, in a thread: so that it can be given up at any moment."""

    def __init__(self, url: Any, body: bytes, headers: dict[str, str], timeout_s: float) -> None:
        super().__init__(name="voice-http", daemon=True)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        # Whoever asked gives it up before that; this is for one that nobody waits for any more.
        self._connection = kind(url.hostname, url.port, timeout=timeout_s + 1)
        self._path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._body, self._headers = body, headers
        self._given_up = False
        self.done = threading.Event()
        self.error = ""
        self.data = b""
        self.kind = ""

    def run(self) -> None:
        """Ask; ``done`` is set at the end, whatever it was."""
        try:
            self._run()
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.done.set()
            self._connection.close()

    def _run(self) -> None:
        self._connection.request("POST", self._path, self._body, self._headers)
        answer = self._connection.getresponse()
        parts, size = [], 0
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            if size > MOST_BYTES:
                self.error = f"its answer is longer than {MOST_BYTES / 1e6:.0f} MB"
                return
            if self._given_up:
                return
            parts.append(chunk)
        self.data, self.kind = b"".join(parts), answer.headers.get_content_type()
        if answer.status != 200:
            said = " ".join(self.data[:200].decode("utf-8", "replace").split())
            self.error = f"it answered {answer.status} {answer.reason}: {said}; expected 200"

    def give_up(self) -> None:
        """Have it end soon."""
        self._given_up = True
        sock = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself


def _taken_apart(answer: _Request) -> tuple[bytes, list[Any] | None]:
    """The WAV, and its marks where it came with some. Raises InputError."""
    if answer.kind != "application/json":
        return answer.data, None
    try:
        found = json.loads(answer.data)
        data = base64.b64decode(found["wav"], validate=True)
        marks = found.get("marks")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise InputError(
            f'found {answer.data[:60]!r} ({error!r}); expected {{"wav": "base64", "marks": […]}}'
        ) from error
    if marks is not None and (not isinstance(marks, list) or len(marks) > MOST_MARKS):
        raise InputError(f"found marks that are no list of at most {MOST_MARKS}")
    return data, marks


def _mark(found: Any, cut: float) -> Mark:
    try:
        return Mark(
            float(found["ms"]) - cut,
            found["kind"],
            str(found["value"]),
            int(found.get("position", 0)),
            int(found.get("length", 0)),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise VoiceError(
            f"the voice gave the mark {str(found)[:80]} ({error!r}); expected "
            '{"ms": 0, "kind": "word", "value": "Hello", "position": 0, "length": 5}'
        ) from error


def _floats(pcm: I16) -> F32:
    return pcm.astype(np.float32) / np.float32(32768)


def _trimmed(wav: WavSound) -> tuple[Speech, float]:
    """The speech without silence around it, and the milliseconds that were cut before it."""
    if wav.rate <= RATE:
        pcm, cut = trimmed(wav.samples, wav.rate)
        return Speech(pcm, wav.rate), cut
    wide = to_48k(to_int16(wav.samples), wav.rate)[:, 0]
    pcm, cut = trimmed(_floats(wide), RATE)
    return Speech(pcm, RATE), cut
