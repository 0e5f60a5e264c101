"""Which language a sentence is in, as far as its script tells."""

from __future__ import annotations

import unicodedata
from collections import Counter

_LANGUAGES = {
    "ARABIC": "ar", "ARMENIAN": "hy", "BENGALI": "bn", "CJK": "zh", "CYRILLIC": "ru",
    "DEVANAGARI": "hi", "ETHIOPIC": "am", "GEORGIAN": "ka", "GREEK": "el", "GUJARATI": "gu",
    "GURMUKHI": "pa", "HANGUL": "ko", "HEBREW": "he", "HIRAGANA": "ja", "KANNADA": "kn",
    "KATAKANA": "ja", "MALAYALAM": "ml", "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si",
    "TAMIL": "ta", "TELUGU": "te", "THAI": "th",
}  # fmt: skip
"""The most common language of each script, by the first word of its letters' Unicode names."""

_TELLING = {"uk": "іїєґ", "fa": "پچژگ", "ur": "ٹڈڑے", "be": "ў"}
"""Letters that only one language of a script has."""
_WEIGHTS = {"CJK": 3, "HANGUL": 2}
"""What one sign counts in Latin letters."""
_SHARE = 0.25
"""A sentence with less than this of another script is one of Latin letters with a foreign word."""


def foreign(text: str) -> bool:
    """Whether it has letters that are not Latin."""
    return not text.isascii() and any(script != "LATIN" for script in _scripts(text))


def language_of(text: str) -> str:
    """BCP 47 tag of the language whose script most of a sentence has; "" for Latin letters."""
    if text.isascii():
        return ""
    weights = Counter[str]()
    for script, count in _scripts(text).items():
        weights[script] += count * _WEIGHTS.get(script, 1)
    others = weights.copy()
    del others["LATIN"]
    if not others or others.total() < _SHARE * weights.total():
        return ""
    if "HIRAGANA" in others or "KATAKANA" in others:
        return "ja"  # whose sentences have Chinese signs, too
    script = max(others, key=lambda name: (others[name], name))
    small = text.lower()
    for language, letters in _TELLING.items():
        same = _script(letters[0]) == script
        if same and any(letter in small for letter in letters):
            return language
    return _LANGUAGES.get(script, "")


def _scripts(text: str) -> Counter[str]:
    return Counter(_script(char) for char in text if char.isalpha())


def _script(char: str) -> str:
    if char.isascii():
        return "LATIN"
    name = unicodedata.name(char, "").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    return name.partition(" ")[0]
