"""The voice of hibari-tts: English, by a network of 7.9 MB on one core."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import Any

import numpy as np

from appliance.errors import VoiceError
from appliance.voices.base import Mark, Speech
from appliance.voices.hibari_engine import shared_engine
from appliance.voices.phones import of_ipa
from appliance.voices.spelling import aligned
from appliance.voices.text import pieces, speakable, words
from appliance.voices.trim import closed, trimmed

_MOST_SOUNDS = 380
"""The network was made for 400 at a time."""
_PAUSES = frozenset(';:,.!?\u2014\u2026"()\u201c\u201d ')
_SILENT_MS = 120.0
"""A pause shorter than this is none: the next word begins at a quarter of it.

That is where pocketsphinx hears it: of 94 words half within 11 ms, nine in ten within 41."""
_DYING_MS = 250.0
"""The last sound before a pause has part of the pause counted to it, in which nothing is heard."""
_STRESSES = "\u02c8\u02cc"


@dataclass(slots=True)
class _Phrase:
    """Sounds for one run of the network.

    ``sounds`` are characters of its alphabet; ``words`` has for each the index of its written word,
    -1 between words.
    """

    sounds: list[str] = field(default_factory=list)
    words: list[int] = field(default_factory=list)


class HibariVoice:
    """English by hibari-tts."""

    name = "hibari"
    language = "en"

    def __init__(self, speed: float = 1.0) -> None:
        """Load the voice; takes most of a second, or nothing where another has it loaded.

        Args:
            speed: 0.5 to 2, of the usual one.

        Raises MissingDependency without hibari-tts, VoiceError when it is another than expected.
        """
        self._speed = speed
        self._engine, new = shared_engine()
        if new:
            # The first run of each network takes several times longer; a made-up word has the one
            # for words of no dictionary loaded.
            for _ in self.stream("Mattebox zorblify.", threading.Event()):
                pass

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """As of ``Voice``; what cannot be stopped is a sentence: some tens of milliseconds."""
        text = speakable(text)
        for start, end in pieces(text):
            phrases = self._read(text[start:end])
            places = [(start + a, start + b) for a, b in words(text[start:end])]
            for phrase in phrases:
                if cancel.is_set():
                    return
                speech = self._say(phrase, text, places)
                if len(speech.pcm):
                    yield speech

    def read_out(self, text: str) -> list[tuple[tuple[int, int], str]]:
        """How a text is pronounced: for each word said its written word's place, and its sounds.

        A written word may be several: "$3.20". Raises VoiceError as ``stream``.
        """
        found: list[tuple[tuple[int, int], str]] = []
        text = speakable(text)
        for start, end in pieces(text):
            places = [(start + a, start + b) for a, b in words(text[start:end])]
            for phrase in self._read(text[start:end]):
                pairs = zip(phrase.words, phrase.sounds, strict=True)
                for word, sounds in groupby(pairs, lambda pair: pair[0]):
                    if word >= 0:
                        found.append((places[word], "".join(sound for _, sound in sounds)))
        return found

    def close(self) -> None:
        """Nothing to do: it holds memory only."""

    def _read(self, sentence: str) -> list[_Phrase]:
        """How a sentence is spoken."""
        written = [sentence[a:b] for a, b in words(sentence)]
        clean = unicodedata.normalize("NFKC", sentence.replace("\u00ad", ""))
        clean = clean.replace("\u0130", "I")  # whose small letter is two characters: it stumbles
        try:
            with self._engine.reading:
                normal: str = self._engine.normalize(clean)
                g2p = self._engine.g2p
                tokens = g2p.phonemize_tokens(g2p.tokenize(normal))
        except Exception as error:  # whatever a package may make of any text
            raise VoiceError(
                f"hibari-tts cannot read {sentence[:60]!r}: {error!r}; write it in other words"
            ) from error
        spans = words(normal)
        owners = aligned(written, [normal[a:b] for a, b in spans]) if spans else []
        return self._phrases(normal, tokens, spans, owners)

    def _phrases(
        self, normal: str, tokens: list[Any], spans: list[tuple[int, int]], owners: list[int]
    ) -> list[_Phrase]:
        found, at, span = [_Phrase()], 0, 0
        for token in tokens:
            place = normal.find(token.text, at)
            if place >= 0:
                at = place + len(token.text)
            # The word that begins in this token, or that this token is the rest of.
            while span + 1 < len(spans) and spans[span + 1][0] < at:
                span += 1
            sounds = [char for char in token.phonemes or "" if char in self._engine.ids]
            speaks = any(char not in _PAUSES for char in sounds)
            owner = owners[span] if owners and speaks else -1
            if len(found[-1].sounds) + len(sounds) > _MOST_SOUNDS and found[-1].sounds:
                found.append(_Phrase())
            for i in range(0, len(sounds), _MOST_SOUNDS):
                if i:
                    found.append(_Phrase())
                part = sounds[i : i + _MOST_SOUNDS]
                found[-1].sounds += part
                found[-1].words += [-1 if char in _PAUSES else owner for char in part]
            if token.whitespace and found[-1].sounds:
                found[-1].sounds.append(" ")
                found[-1].words.append(-1)
        return [phrase for phrase in found if any(word >= 0 for word in phrase.words)]

    def _say(self, phrase: _Phrase, text: str, places: list[tuple[int, int]]) -> Speech:
        engine = self._engine
        ids = [0, *(engine.ids[char] for char in phrase.sounds), 0]
        spectra, lengths = engine.graph.run(ids, self._speed)
        # Its noise is the same each time, so that a sentence always sounds the same.
        sound = engine.synth(*spectra, np.random.default_rng(0))
        pcm, cut = trimmed(np.asarray(sound, np.float32), engine.rate)
        # A sound is heard before its turn in the network's durations comes: at the end of an s, 42
        # ms before at the usual speed, 36 at 1.5, 52 at 0.7 (median of 48 each).
        early = 20.0 + 22.0 / self._speed
        ends = [ms - cut - early for ms in accumulate(lengths.tolist())]
        marks = closed(_marks(phrase, ends, text, places), pcm, engine.rate)
        return Speech(pcm, engine.rate, marks)


def _marks(
    phrase: _Phrase, ends: list[float], text: str, places: list[tuple[int, int]]
) -> Iterator[Mark]:
    """Words and visemes; sound i lies between ``ends[i]`` and ``ends[i + 1]``."""
    last_word, since, place = -1, None, (0, 0)
    paused, begin = None, 0.0
    for i, (char, word) in enumerate(zip(phrase.sounds, phrase.words, strict=True)):
        start, end = max(0.0, ends[i]), max(0.0, ends[i + 1])
        if word < 0:
            paused = start if paused is None else paused
            since = None
            continue
        if paused is not None and start - paused >= _SILENT_MS:
            yield Mark(min(paused, begin + _DYING_MS), "viseme", "sil")
        elif paused is not None:
            start = paused + 0.25 * (start - paused)
        paused = None
        if word > last_word:
            a, b = places[word]
            last_word, place = word, (a, b - a)
            yield Mark(start, "word", text[a:b], *place)
        shapes = of_ipa(char)
        if not shapes:
            # A stress or an h: the mouth is already that of the sound after it.
            since = start if since is None and char in _STRESSES + "h" else since
            continue
        begin = start if since is None else since
        step = min((end - begin) / len(shapes), _DYING_MS / 2)
        for k, shape in enumerate(shapes):
            yield Mark(begin + k * step, "viseme", shape, *place)
        since = None
