"""The program that finds the words in recorded speech by pocketsphinx, whose crashes stay its own.

Reads a line of JSON and then int16 samples of 16 kHz on stdin:

    < {"words": [["hello", ""], ["$3", "TH R IY"]]}    or null: then it says what it hears
    > {"words": [["hello", 0, 330, ["HH", "AH", "L", "OW"]], …]}
    > {"error": "…"}

Times are milliseconds. A word is given with its sounds, or is looked up in the dictionary; those
that it lacks are pronounced as they are spelt.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

RATE = 16_000
_FRAME_MS = 10
_LETTERS = (
    ("tch", "CH"), ("sch", "SH"), ("igh", "AY"), ("ough", "AO"), ("ch", "CH"), ("sh", "SH"),
    ("th", "TH"), ("ph", "F"), ("gh", "G"), ("ck", "K"), ("qu", "K W"), ("ng", "NG"), ("wh", "W"),
    ("ee", "IY"), ("ea", "IY"), ("oo", "UW"), ("ou", "AW"), ("ow", "OW"), ("ai", "EY"),
    ("ay", "EY"), ("oa", "OW"), ("oi", "OY"), ("oy", "OY"), ("au", "AO"), ("er", "ER"),
    ("ir", "ER"), ("ur", "ER"), ("a", "AE"), ("b", "B"), ("c", "K"), ("d", "D"), ("e", "EH"),
    ("f", "F"), ("g", "G"), ("h", "HH"), ("i", "IH"), ("j", "JH"), ("k", "K"), ("l", "L"),
    ("m", "M"), ("n", "N"), ("o", "AA"), ("p", "P"), ("q", "K"), ("r", "R"), ("s", "S"),
    ("t", "T"), ("u", "AH"), ("v", "V"), ("w", "W"), ("x", "K S"), ("y", "IY"), ("z", "Z"),
)  # fmt: skip
_DIGITS = {
    "0": "Z IH R OW", "1": "W AH N", "2": "T UW", "3": "TH R IY", "4": "F AO R", "5": "F AY V",
    "6": "S IH K S", "7": "S EH V AH N", "8": "EY T", "9": "N AY N",
}  # fmt: skip


def spelt(word: str) -> str:
    """A pronunciation of a word that no dictionary has, good enough to find it; "" for none."""
    found, rest = [], word
    while rest:
        pair = next((pair for pair in _LETTERS if rest.startswith(pair[0])), None)
        if pair is None:
            pair = (rest[0], _DIGITS.get(rest[0], ""))
        if pair[1]:
            found.append(pair[1])
        rest = rest[len(pair[0]) :]
    return " ".join(found)


def _segments(decoder: Any, pcm: bytes) -> list[tuple[str, int, int]]:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    segments = decoder.seg()
    if segments is None:
        return []
    found = [(s.word, s.start_frame * _FRAME_MS, (s.end_frame + 1) * _FRAME_MS) for s in segments]
    return [one for one in found if one[0][:1] not in "<[+"]


def align(words: list[list[str]] | None, pcm: bytes) -> dict[str, Any]:
    """The answer to a request."""
    from pocketsphinx import Decoder

    if words is None:
        decoder = Decoder(samprate=RATE, loglevel="FATAL")
    else:
        decoder = Decoder(samprate=RATE, lm=None, loglevel="FATAL")
        for word, given in dict(words).items():
            if given or decoder.lookup_word(word) is None:
                phones = given or spelt(word)
                if not phones:
                    return {"error": f"no pronunciation for {word!r}"}
                decoder.add_word(word, phones, True)
        decoder.set_align_text(" ".join(word for word, _ in words))
    found = []
    for word, start, end in _segments(decoder, pcm):
        phones = decoder.lookup_word(word) or ""
        found.append([re.sub(r"\(\d+\)$", "", word), start, end, phones.split()])
    return {"words": found}


def main() -> None:
    """Answer one request."""
    data = sys.stdin.buffer
    request = json.loads(data.readline())
    try:
        answer = align(request["words"], data.read())
    except (ImportError, RuntimeError, ValueError) as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
