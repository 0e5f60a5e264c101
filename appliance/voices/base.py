"""What a voice is: text in, speech out in pieces, with the times of words and mouth shapes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from appliance.media.audio import I16

Kind = Literal["word", "viseme"]

VISEMES = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U",
)  # fmt: skip
"""The fifteen mouth shapes of MPEG-4 FAP 3 (ISO/IEC 14496-2), under their usual names."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that begins at a time within a piece of speech.

    Attributes:
        ms: when, milliseconds from the piece's first sample, 0 or more.
        kind: word: ``value`` is the word as written. viseme: ``value`` is one of ``VISEMES``.
        position, length: characters of the text that was given to ``stream``; a viseme's are those
            of its word, or 0, 0 where that is not known.
    """

    ms: float
    kind: Kind
    value: str
    position: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of speech, a sentence as a rule: the next one follows without a gap.

    Attributes:
        pcm: int16 (samples,), one channel. rate: samples a second, 8,000 to 48,000.
        marks: by time. A voice that gives no visemes leaves the mouth to loudness.
    """

    pcm: I16
    rate: int
    marks: tuple[Mark, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / self.rate


class Voice(Protocol):
    """A voice. ``stream`` is called by one thread at a time; ``close`` by any, once."""

    name: str
    """As in the settings: "hibari", "espeak", …"""

    language: str
    """BCP 47 tag of what it speaks; empty if it speaks several."""

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        """Speak a text, sentence by sentence, the first as soon as it is ready.

        Args:
            text: what to say: 1 to 100,000 characters, no markup.
            cancel: set when nobody wants the rest; the iterator then ends within 100 ms where the
                voice can be stopped at all.

        Raises VoiceError: it failed, with why and what to do. A voice bounds every wait itself.
        """
        ...

    def close(self) -> None:
        """Release what it holds; never raises."""
        ...
