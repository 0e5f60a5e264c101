"""espeak-ng's voice for a language tag (BCP 47)."""

from __future__ import annotations

from collections.abc import Collection

# "cmn" reads Latin letters as English, and in espeak-ng 1.51 many Chinese signs as English, too.
_MANDARIN = ("cmn-latn-pinyin", "cmn")
_PREFERRED: dict[str, tuple[str, ...]] = {
    "zh": _MANDARIN, "cmn": _MANDARIN, "zh-hk": ("yue",), "zh-mo": ("yue",), "zh-yue": ("yue",),
    "en": ("en-us",), "fr": ("fr-fr",), "fr-ca": ("fr-fr",), "es": ("es",), "es-es": ("es",),
    "no": ("nb",), "nn": ("nb",), "iw": ("he",), "in": ("id",), "sh": ("sr", "hr"),
    "mo": ("ro",), "vi": ("vi",), "hy": ("hy",), "pt": ("pt",), "pt-pt": ("pt",),
}  # fmt: skip
_REGIONS = "ar bo cl co cr cu do ec gt hn mx ni pa pe pr py sv us uy ve"
_AMERICAS = frozenset(f"es-{region}" for region in _REGIONS.split())


def espeak_voice(language: str, voices: Collection[str]) -> str | None:
    """The voice for a language, or for the language without its region; None if there is none.

    Args:
        language: a tag such as "zh-Hans-CN" or "pt_BR". voices: what espeak-ng has, small letters.
    """
    tag = language.lower().replace("_", "-")
    if tag in _AMERICAS and "es-419" in voices:
        return "es-419"
    parts = tag.split("-")
    for count in range(len(parts), 0, -1):
        shorter = "-".join(parts[:count])
        for candidate in (*_PREFERRED.get(shorter, ()), shorter):
            if candidate in voices:
                return candidate
    related = sorted(voice for voice in voices if voice.startswith(f"{parts[0]}-"))
    return related[0] if related else None
