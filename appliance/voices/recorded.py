"""Recorded speech: a WAV, with its text or without, made into speech with marks."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import structlog

from appliance.errors import InputError, MissingDependency, VoiceError
from appliance.media.audio import I16, RATE
from appliance.voices.align import HeardWord, heard
from appliance.voices.base import Mark, Speech
from appliance.voices.hibari import HibariVoice
from appliance.voices.loud import spread
from appliance.voices.phones import of_arpabet, to_arpabet
from appliance.voices.resample import to_48k
from appliance.voices.scripts import language_of
from appliance.voices.text import speakable, words
from appliance.voices.trim import to_int16
from appliance.voices.wav import WavSound, read_wav

MOST_TEXT = 100_000
_MOST_RECOGNISED_S = 120
"""Speech whose text is not known is listened to up to here: it takes its own length."""
_GAP_MS = 60.0
_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded speech and its text, as it was given or heard; "" where neither is so."""

    speech: Speech
    text: str


def read_recording(
    data: bytes, text: str = "", language: str = "en", patience_s: float | None = None
) -> Recording:
    """A WAV as speech with word marks, and visemes where its words' sounds are known.

    English words are found by pocketsphinx, a second's work for ten; its recogniser, where there
    is no text, takes as long as the speech lasts, and so speech of more than two minutes is left
    without words. All else has its words spread by length, which the log says. Call it off the
    loop.

    Args:
        data: the file. text: what is said in it, if known. language: of the text, BCP 47.
        patience_s: seconds that finding words may take, after which it goes without; None: as long
            as it takes.

    Raises InputError for a file that cannot be used, and for too long a text.
    """
    if len(text) > MOST_TEXT:
        raise InputError(f"the text has {len(text)} characters; expected at most {MOST_TEXT}")
    wav = read_wav(data)
    if wav.cut_short:
        log.warning("the recording ends early: what there is of it is played")
    speech = _as_speech(wav)
    text = speakable(text) if text.strip() else ""
    english = language.lower().startswith("en") and not language_of(text)
    why = "its language is not English"
    if english and (text or wav.seconds <= _MOST_RECOGNISED_S):
        try:
            return _found(speech, wav, text, patience_s)
        except (MissingDependency, VoiceError) as error:
            why = str(error)
    if text:
        log.info("the words of a recording are spread by their length", because=why)
        marks = spread(text, wav.samples, wav.rate)
        return Recording(Speech(speech.pcm, speech.rate, marks), text)
    log.info("a recording without a text has no captions", because=why)
    return Recording(speech, "")


def _as_speech(wav: WavSound) -> Speech:
    pcm = to_int16(wav.samples)
    if wav.rate > RATE:
        return Speech(np.ascontiguousarray(to_48k(pcm, wav.rate)[:, 0]), RATE)
    return Speech(pcm, wav.rate)


def _for_pocketsphinx(wav: WavSound) -> I16:
    """16 kHz, from 48: its band ends at 8 kHz, and what is above must not be folded into it."""
    wide = to_48k(to_int16(wav.samples), wav.rate)[:, 0].astype(np.float32)
    taps = np.sinc(np.arange(-48, 49) / 3.0) * np.hamming(97)
    narrow = np.convolve(wide, (taps / taps.sum()).astype(np.float32), "same")[::3]
    whole: I16 = np.rint(np.clip(narrow, -32768, 32767)).astype(np.int16)
    return whole


def _found(speech: Speech, wav: WavSound, text: str, patience_s: float | None) -> Recording:
    """With the words that pocketsphinx finds. Raises MissingDependency, VoiceError."""
    sound = _for_pocketsphinx(wav)
    if not text:
        known = heard(sound, patience_s=patience_s)
        text = " ".join(one.word for one in known)
        starts = np.cumsum([0, *(len(one.word) + 1 for one in known)])[:-1].tolist()
        places = [(s, s + len(one.word)) for s, one in zip(starts, known, strict=True)]
        owners = list(range(len(known)))
    else:
        places = words(text)
        said, owners = _said(text, places)
        if not said:
            raise VoiceError("there is no English word in its text")
        known = heard(sound, said, patience_s=patience_s)
    marks = tuple(_marks(known, owners, places, text))
    return Recording(Speech(speech.pcm, speech.rate, marks), text)


def _said(text: str, places: list[tuple[int, int]]) -> tuple[list[tuple[str, str]], list[int]]:
    """The words that are said, each with its sounds if known, and the index of its written word."""
    said: list[tuple[str, str]] = []
    owners: list[int] = []
    read_out = _read_out(text) if any(map(str.isdigit, text)) else {}
    for index, (start, end) in enumerate(places):
        plain = text[start:end].translate(_PLAIN).lower()
        sounds = read_out.get((start, end), []) if any(map(str.isdigit, plain)) else []
        parts = [(f"n{plain}:{k}".replace(" ", ""), phones) for k, phones in enumerate(sounds)]
        parts = parts or [(part, "") for part in re.findall(r"[a-z]+(?:'[a-z]+)*|\d", plain)]
        said += parts
        owners += [index] * len(parts)
    return said, owners


def _read_out(text: str) -> dict[tuple[int, int], list[str]]:
    """Of each written word the sounds of those that it is said as: "$3.20" is five.

    Empty without hibari-tts, which knows how numbers are read: they are taken digit by digit then.
    """
    found: dict[tuple[int, int], list[str]] = {}
    try:
        for place, sounds in HibariVoice().read_out(text):
            if phones := to_arpabet(sounds):
                found.setdefault(place, []).append(phones)
    except (MissingDependency, VoiceError) as error:
        log.info("the numbers of a recording are taken digit by digit", because=str(error))
    return found


def _marks(
    found: list[HeardWord], owners: list[int], places: list[tuple[int, int]], text: str
) -> list[Mark]:
    marks: list[Mark] = []
    last, ended = -1, None
    for one, owner in zip(found, owners, strict=True):
        start, end = places[owner]
        place = (start, end - start)
        if ended is not None and one.start - ended > _GAP_MS:
            marks.append(Mark(ended, "viseme", "sil"))
        if owner > last:
            marks.append(Mark(one.start, "word", text[start:end], *place))
            last = owner
        shapes = [shape for phone in one.phones for shape in of_arpabet(phone)]
        # Only the word's time is known: its sounds share it.
        step = (one.end - one.start) / max(len(shapes), 1)
        for k, shape in enumerate(shapes):
            marks.append(Mark(one.start + k * step, "viseme", shape, *place))
        ended = one.end
    if ended is not None:
        marks.append(Mark(ended, "viseme", "sil"))
    return marks
