"""Speech as a voice gives it, made into pieces as the clock takes them."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.media.audio import RATE
from appliance.playout.turn import At, Piece
from appliance.voices.base import Speech
from appliance.voices.resample import to_48k
from appliance.voices.sane import sane

# Speech of minutes in one piece would be placed in the queue as a whole.
_LONGEST = 5 * RATE


def pieces_of(speech: Speech, text: str, language: str) -> Iterator[Piece]:
    """The pieces of a speech, 48 kHz on both channels, with words, mouth shapes and captions."""
    speech = sane(speech, len(text))
    samples = to_48k(speech.pcm, speech.rate)
    ats = [
        At(int(mark.ms * RATE / 1000), mark.kind, mark.value, mark.position, mark.length)
        for mark in speech.marks
    ]
    ats = [*_captions(ats, text, language), *ats]
    ats.sort(key=lambda at: at.sample)
    for start in range(0, len(samples), _LONGEST):
        end = min(start + _LONGEST, len(samples))
        # What is marked at the very end belongs to the last piece.
        until = end if end < len(samples) else 1 << 62
        inside = (at for at in ats if start <= at.sample < until)
        yield Piece(
            samples[start:end],
            tuple(
                At(at.sample - start, at.kind, at.value, at.position, at.length, at.also)
                for at in inside
            ),
        )


def _captions(ats: list[At], text: str, language: str) -> list[At]:
    words = [at for at in ats if at.kind == "word" and at.length]
    if not words:
        return []
    first, last = words[0], words[-1]
    said = text[first.position : last.position + last.length].strip()
    return [At(first.sample, "caption", said, first.position, len(said), language)]
