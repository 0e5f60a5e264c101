"""Doctor's look at the voices of an avatar."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.tools.doctor.machine import Finding, version_of
from appliance.voices.make import missing_voices

_ALL = ("hibari-tts", "espeak-ng", "pocketsphinx")


def voices(settings: Settings) -> list[Finding]:
    """What there is to speak with, and the commands for what there is not. None of it is needed."""
    missing = {name: (what, cure) for name, what, cure in missing_voices()}
    there = [" ".join(filter(None, (n, version_of(n)))) for n in _ALL if n not in missing]
    found = [Finding("ok", "speech", ", ".join(there))] if there else []
    if missing:
        absent = ", ".join(f"{name} ({what})" for name, (what, _) in missing.items())
        cures = "; ".join(dict.fromkeys(cure for _, cure in missing.values()))
        found.append(Finding("none", "speech", f"absent: {absent}", cures))
    return found
