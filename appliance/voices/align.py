"""Which word is said when, in recorded English speech: asked of pocketsphinx in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from appliance.errors import MissingDependency, VoiceError
from appliance.media.audio import I16
from appliance.system import folders

INSTALL = "pip install 'mattebox[voices]'"
RATE = 16_000
"""Samples a second that it wants."""
_COMMAND = (sys.executable, "-m", "appliance.voices.align_process")
_LOAD_S = 30.0
_MOST_ANSWER = 16 << 20


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word in speech: from ``start`` to ``end``, milliseconds, with its sounds in ARPABET."""

    word: str
    start: float
    end: float
    phones: tuple[str, ...]


def heard(
    pcm: I16, words: list[tuple[str, str]] | None = None, command: tuple[str, ...] = _COMMAND,
    patience_s: float | None = None,
) -> list[HeardWord]:  # fmt: skip
    """The words in the speech.

    Args:
        pcm: int16 (samples,), 16 kHz. words: what is said, in small letters, without punctuation,
            each with its sounds (ARPABET), or "" for those of the dictionary; None: it says itself
            what it hears, which takes about as long as the speech lasts.
        patience_s: seconds that it may take; None: half a minute and twice the speech.

    Raises MissingDependency without pocketsphinx, VoiceError when it fails, finds other words than
    those, or takes longer than that.
    """
    request = json.dumps({"words": words}).encode() + b"\n" + pcm.tobytes()
    limit = _LOAD_S + 2 * len(pcm) / RATE if patience_s is None else patience_s
    try:
        done = subprocess.run(
            command,
            input=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
            cwd=folders.root(),
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise VoiceError(f"pocketsphinx did not find the words within {limit:.0f} s") from None
    except OSError as error:
        raise VoiceError(f"pocketsphinx cannot be started: {error}") from error
    if done.returncode != 0 or len(done.stdout) > _MOST_ANSWER:
        raise VoiceError(f"pocketsphinx's process ended with {done.returncode}")
    try:
        answer = json.loads(done.stdout)
        failure = answer.get("error")
        found = [HeardWord(w, s, e, tuple(p)) for w, s, e, p in answer.get("words", ())]
    except (ValueError, TypeError, AttributeError) as cause:
        raise VoiceError(f"pocketsphinx answered {done.stdout[:60]!r}") from cause
    if failure and "ModuleNotFoundError" in failure:
        raise MissingDependency(
            f"pocketsphinx is not installed: {INSTALL} (or: pip install pocketsphinx)"
        )
    if failure:
        raise VoiceError(f"pocketsphinx failed: {str(failure)[:200]}")
    if words is not None and [one.word for one in found] != [word for word, _ in words]:
        raise VoiceError(
            f"pocketsphinx found {len(found)} of {len(words)} words: is that what is said?"
        )
    return found
