"""Mouth shapes of speech sounds: from the IPA, and from the ARPABET of English dictionaries."""

from __future__ import annotations

# ruff: noqa: RUF001  these are letters of the IPA, on purpose

_IPA = {
    "PP": "p b m ɓ ɸ β",
    "FF": "f v ʋ ɱ pf",
    "TH": "θ ð",
    "DD": "t d ʈ ɖ ɗ ɾ T",
    "kk": "k ɡ g ɠ x χ ɣ q ɢ c ɟ ç ʝ ħ ʕ",
    "CH": "tʃ dʒ ʃ ʒ ʧ ʤ ʂ ʐ ʈʂ ɖʐ tʂ ɕ ʑ tɕ dʑ ʨ ʥ s. z. ts. ɻ",
    "SS": "s z ts dz ʦ ʣ ɬ ɮ",
    "nn": "n l ɫ ŋ ɲ ɳ ɴ ʎ ɭ ʟ",
    "RR": "r ɹ ɽ ʀ ʁ ɚ ɝ",
    "aa": "a ɑ ɐ ʌ æ ä",
    "E": "e ɛ ə ɜ ɘ ɤ ᵊ ø œ ɵ",
    "I": "i ɪ ɨ j ᵻ i. ɯ",
    "O": "o ɔ ɒ",
    "U": "u ʊ w y ʏ ʉ ɥ ʍ",
}
# Diphthongs that the alphabet of Kokoro's voices has as one capital letter.
_CAPITALS = {
    "A": ("E", "I"), "I": ("aa", "I"), "O": ("O", "U"), "Q": ("O", "U"), "W": ("aa", "U"),
    "Y": ("O", "I"), "S": ("CH",),
}  # fmt: skip
_SHAPES: dict[str, tuple[str, ...]] = {
    phone: (viseme,) for viseme, phones in _IPA.items() for phone in phones.split()
} | _CAPITALS
_LONGEST = max(map(len, _SHAPES))

_ARPABET: dict[str, tuple[str, ...]] = {
    "AA": ("aa",), "AE": ("aa",), "AH": ("aa",), "AO": ("O",), "AW": ("aa", "U"),
    "AY": ("aa", "I"), "B": ("PP",), "CH": ("CH",), "D": ("DD",), "DH": ("TH",), "EH": ("E",),
    "ER": ("RR",), "EY": ("E", "I"), "F": ("FF",), "G": ("kk",), "HH": (), "IH": ("I",),
    "IY": ("I",), "JH": ("CH",), "K": ("kk",), "L": ("nn",), "M": ("PP",), "N": ("nn",),
    "NG": ("nn",), "OW": ("O", "U"), "OY": ("O", "I"), "P": ("PP",), "R": ("RR",), "S": ("SS",),
    "SH": ("CH",), "T": ("DD",), "TH": ("TH",), "UH": ("U",), "UW": ("U",), "V": ("FF",),
    "W": ("U",), "Y": ("I",), "Z": ("SS",), "ZH": ("CH",),
}  # fmt: skip


_TO_ARPABET = {
    "A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY", "T": "D", "ɑ": "AA",
    "a": "AA", "ɒ": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH", "ᵊ": "AH", "ɐ": "AH", "ɔ": "AO",
    "ɛ": "EH", "ɜ": "ER", "ɪ": "IH", "ᵻ": "IH", "i": "IY", "ʊ": "UH", "u": "UW",
    "b": "B", "d": "D", "ð": "DH", "f": "F", "ɡ": "G", "h": "HH", "ʤ": "JH", "k": "K", "l": "L",
    "m": "M", "n": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "s": "S", "ʃ": "SH", "t": "T", "ʧ": "CH",
    "θ": "TH", "v": "V", "w": "W", "j": "Y", "z": "Z", "ʒ": "ZH",
}  # fmt: skip


def of_ipa(phone: str) -> tuple[str, ...]:
    """The shapes of a sound in turn; none for a stress, a tone, an h: the next sound has the mouth.

    Args:
        phone: one sound or several, in the IPA, also as espeak-ng and Kokoro's voices write it.
    """
    found: list[str] = []
    at = 0
    while at < len(phone):
        for length in range(_LONGEST, 0, -1):
            shapes = _SHAPES.get(phone[at : at + length])
            if shapes is not None:
                found += shapes
                break
        else:
            length = 1
        at += length
    return tuple(found)


def of_arpabet(phone: str) -> tuple[str, ...]:
    """The same for a sound of the CMU dictionary ("AH0"); none for one that is not known."""
    return _ARPABET.get(phone.rstrip("012"), ())


def to_arpabet(sounds: str) -> str:
    """A word of Kokoro's alphabet in ARPABET, with blanks; "" where no sound of it is known."""
    pairs = sounds.replace("ɜɹ", "ɜ")
    return " ".join(_TO_ARPABET[char] for char in pairs if char in _TO_ARPABET)
