"""Fonts for captions: the one that is asked for, and what the system lacks."""

from __future__ import annotations

import ctypes
import unicodedata
from functools import cache
from pathlib import Path

from PIL import ImageFont

from appliance.config.settings.stages.captions import is_font_file
from appliance.errors import InputError

CORE, CJK, EMOJI = "fonts-noto-core", "fonts-noto-cjk", "fonts-noto-color-emoji"
_SCRIPTS_OF_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")
_MOST_TOLD = 5


def description_of(font: str) -> str:
    """A font's name as Pango takes it; a file is made known to this process first.

    Raises InputError for a file that is not a font, or cannot be read.
    """
    if not is_font_file(font):
        return font
    path = Path(font)
    try:
        family, style = ImageFont.truetype(str(path)).getname()
    except OSError as error:
        raise InputError(
            f"captions' font {font}: cannot be read as a font ({error}); expected a .ttf or .otf "
            "file that this user may read, or a family's name as fc-list shows it"
        ) from error
    if not _made_known(str(path)) or not family:
        raise InputError(f"captions' font {font}: fontconfig does not take it; name another")
    # A comma, since a family's last word may read like a style.
    return f"{family}, {style}" if style else f"{family},"


@cache
def _made_known(path: str) -> bool:
    """Add a file to fontconfig's fonts, for this process; once a file."""
    library = ctypes.CDLL("libfontconfig.so.1")
    add = library.FcConfigAppFontAddFile
    add.argtypes, add.restype = (ctypes.c_void_p, ctypes.c_char_p), ctypes.c_int
    return bool(add(None, path.encode()))


def package_for(character: str) -> str:
    """The system's package whose fonts have a character."""
    name = unicodedata.name(character, "")
    if name.startswith(_SCRIPTS_OF_CJK):
        return CJK
    emoji = unicodedata.category(character) in ("So", "Cn") or ord(character) >= 0x1F000
    return EMOJI if emoji else CORE


def missing(characters: str) -> str:
    """A sentence on characters that no font here has."""
    told = ", ".join(f"{c} (U+{ord(c):04X})" for c in characters[:_MOST_TOLD])
    more = f" and {len(characters) - _MOST_TOLD} more" if len(characters) > _MOST_TOLD else ""
    packages = " ".join(sorted({package_for(c) for c in characters}))
    return f"no font here has {told}{more}: apt install {packages}"
