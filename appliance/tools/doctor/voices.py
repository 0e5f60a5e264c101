"""Doctor's look at the voices of an avatar."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.tools.doctor.machine import Finding, version_of
from appliance.voices.make import missing_voices


def voices(settings: Settings) -> list[Finding]:
    """What there is to speak with, and the command for what there is not. None of it is needed."""
    missing = missing_voices()
    absent = {name for name, _, _ in missing}
    found = [
        Finding("ok", name, version_of(name) or "found")
        for name in ("hibari-tts", "pocketsphinx", "espeak-ng")
        if name not in absent
    ]
    return found + [
        Finding("none", name, f"absent; it {what}", cure) for name, what, cure in missing
    ]
