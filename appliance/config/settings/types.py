"""Types of settings that are more than a number: sizes, rates, names."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from appliance.config.uris import Allowed, Resolves, absolute

MIN_SIDE, MAX_SIDE = 32, 8192
MIN_RATE, MAX_RATE = 1, 240


def _parse_size(value: Any) -> Any:
    """'1920x1080' -> (1920, 1080); 'auto' and a pair pass through."""
    if value == "auto":
        return value
    if isinstance(value, tuple) and len(value) == 2 and all(type(side) is int for side in value):
        size = value
    else:
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value) if isinstance(value, str) else None
        if match is None:
            raise ValueError("expected auto or WIDTHxHEIGHT, for example 1920x1080")
        size = (int(match[1]), int(match[2]))
    if not all(MIN_SIDE <= side <= MAX_SIDE and side % 2 == 0 for side in size):
        raise ValueError(f"both sides must be even and between {MIN_SIDE} and {MAX_SIDE} pixels")
    return size


def _parse_rate(value: Any) -> Any:
    """30, 59.94 or '30000/1001' -> (numerator, denominator); 'auto' passes through.

    23.976, 29.97, 59.94 and 119.88 are taken as the television rates they abbreviate.
    """
    if value == "auto":
        return value
    text = f"{value[0]}/{value[1]}" if isinstance(value, tuple) and len(value) == 2 else str(value)
    # The number of digits is limited: Fraction("1e999999999") would take minutes to compute.
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,17})?)(?:/(\d{1,7}))?", text)
    if match is None or isinstance(value, bool) or (match[2] and int(match[2]) == 0):
        raise ValueError("expected auto, a number, or a fraction such as 30000/1001")
    rate = Fraction(match[1]) / int(match[2] or 1)
    whole = round(rate) if rate < MAX_RATE else 0
    television = Fraction(whole * 1000, 1001)
    if whole % 6 == 0 and abs(rate - television) < Fraction(1, 200):
        rate = television
    rate = rate.limit_denominator(1001)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ValueError(f"must be between {MIN_RATE} and {MAX_RATE} frames a second")
    return (rate.numerator, rate.denominator)


def _parse_switch(value: Any) -> Any:
    """True, False and 'auto' pass through."""
    if value == "auto" or isinstance(value, bool):
        return value
    raise ValueError("expected auto, true or false")


Switch = Annotated[
    Literal["auto"] | bool,
    BeforeValidator(_parse_switch),
    WithJsonSchema({"enum": ["auto", True, False]}),
    Allowed("auto, true or false"),
]
Size = Annotated[
    Literal["auto"] | tuple[int, int],
    BeforeValidator(_parse_size),
    WithJsonSchema({"type": "string", "pattern": r"^(auto|\d{2,4}x\d{2,4})$"}),
    Allowed(f"auto, or WIDTHxHEIGHT with both sides even and from {MIN_SIDE} to {MAX_SIDE}"),
]
Rate = Annotated[
    Literal["auto"] | tuple[int, int],
    BeforeValidator(_parse_rate),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": MIN_RATE, "maximum": MAX_RATE},
                {"type": "string", "pattern": r"^(auto|\d+(\.\d+)?(/\d+)?)$"},
            ]
        }
    ),
    Allowed(f"auto, a number from {MIN_RATE} to {MAX_RATE}, or a fraction such as 30000/1001"),
]


SHORTEST_PICTURE_S, LONGEST_PICTURE_S = 0.04, 86_400


def _parse_picture_time(value: Any) -> Any:
    """Seconds as a number; 'auto' passes through."""
    if value == "auto":
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not SHORTEST_PICTURE_S <= value <= LONGEST_PICTURE_S:
        raise ValueError(
            f"expected auto, or seconds from {SHORTEST_PICTURE_S} to {LONGEST_PICTURE_S}"
        )
    return float(value)


PictureTime = Annotated[
    Literal["auto"] | float,
    BeforeValidator(_parse_picture_time),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": SHORTEST_PICTURE_S, "maximum": LONGEST_PICTURE_S},
                {"enum": ["auto"]},
            ]
        }
    ),
    Allowed(f"auto, or a number from {SHORTEST_PICTURE_S} to {LONGEST_PICTURE_S}"),
]


def model_path(name: str, folder: Path) -> str:
    """A model given as a path, made absolute; a bare name, found in engines/, stays as it is."""
    is_path = "/" in name or Path(name).suffix in {".yaml", ".yml"}
    return absolute(name, folder) if is_path else name


ModelName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    Resolves(model_path),
    Allowed("the name of a folder in engines/, or the path of a manifest.yaml"),
]
EncoderName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,63}$"),
    Allowed("auto, or a GStreamer element such as x264enc, nvh264enc, nvv4l2h264enc, vah264enc"),
]


_MOST_WORDS, _LONGEST_WORD = 64, 48
_WORD = re.compile(r"[a-z0-9][a-z0-9 _.'/()-]*")


class WordList:
    """Marks a field whose value may be written as a list in the file: its items are joined."""


def joined(words: list[str]) -> str:
    """The words as the setting holds them."""
    return ", ".join(words)


def _parse_words(value: Any) -> Any:
    """'Person,chair' -> 'person, chair'; each once, in their order."""
    if not isinstance(value, str):
        raise ValueError("expected names with commas between them, for example person, chair")
    words = list(dict.fromkeys(" ".join(word.split()).lower() for word in value.split(",")))
    wrong = [word for word in words if not _WORD.fullmatch(word) or len(word) > _LONGEST_WORD]
    if wrong or len(words) > _MOST_WORDS:
        which = f"not {wrong[0][:_LONGEST_WORD]!r}" if wrong else f"not {len(words)} of them"
        raise ValueError(
            f"expected 1 to {_MOST_WORDS} names of lower-case letters, with commas between them, "
            f"{which}"
        )
    return joined(words)


Words = Annotated[
    str,
    BeforeValidator(_parse_words),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": _MOST_WORDS * (_LONGEST_WORD + 2)}
    ),
    WordList(),
    Allowed("names with commas between them, or a list of names"),
]
