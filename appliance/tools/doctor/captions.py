"""Doctor's look at what captions are drawn with: Pango, and fonts for most scripts."""

from __future__ import annotations

from appliance.captions.draw import CaptionDrawer
from appliance.captions.fonts import CJK, CORE, EMOJI
from appliance.captions.pango import PACKAGES
from appliance.config.settings import Settings
from appliance.errors import InputError, MissingDependency
from appliance.tools.doctor.machine import Finding

# A few letters of each, and what has them.
_SCRIPTS = {
    "Latin, Greek, Cyrillic": ("Aαж", CORE),
    "Chinese": ("你說", CJK),
    "Japanese": ("あカ", CJK),
    "Korean": ("한", CJK),
    "Arabic": ("عپ", CORE),
    "Hebrew": ("א", CORE),
    "Devanagari": ("नी", CORE),
    "Thai": ("ก", CORE),
    "emoji": ("🙂🎉", EMOJI),
}


def captions(settings: Settings) -> list[Finding]:
    """What they need, where they are switched on; nothing otherwise."""
    look = settings.stages.captions
    if not look.enabled:
        return []
    try:
        drawer = CaptionDrawer()
        lacks = {name: drawer.lacks(letters, look) for name, (letters, _) in _SCRIPTS.items()}
        family = drawer.missing_family(look)
    except MissingDependency as error:
        cure = f"apt install {' '.join(PACKAGES)}"
        return [Finding("gap", "drawing", str(error), cure, PACKAGES)]
    except InputError as error:
        return [Finding("bad", "stages.captions.font", str(error))]
    found = [Finding("ok", "drawing", "Pango")]
    if family:
        detail = f"there is no family {family!r}: another takes its place"
        found.append(Finding("gap", "font", detail, "fc-list : family shows what there is"))
    there = [name for name, characters in lacks.items() if not characters]
    if there:
        found.append(Finding("ok", "letters", ", ".join(there)))
    for package in (CORE, CJK, EMOJI):
        names = [n for n, (_, has) in _SCRIPTS.items() if has == package and lacks[n]]
        if names:
            detail = f"none for {', '.join(names)}"
            found.append(Finding("gap", "letters", detail, f"apt install {package}", (package,)))
    return found
