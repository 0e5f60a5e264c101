"""Addresses of microphones: their form, and their type in the settings."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from appliance.config.uris import Allowed

ALSA, PULSE = "alsa://", "pulse://"
_WRITTEN = "expected auto, none, alsa://hw:1 (a device of ALSA's) or pulse:// (the default one)"
# What ALSA and PulseAudio use in names: no blanks, no quotes.
_NAME = re.compile(r"[A-Za-z0-9_.:,=@+-]+")


def _sound(uri: str) -> str:
    if uri in ("auto", "none"):
        return uri
    for scheme in (ALSA, PULSE):
        name = uri.removeprefix(scheme)
        if name == uri:
            continue
        if not name and scheme == PULSE:
            return uri
        if not _NAME.fullmatch(name):
            raise ValueError(f"found {name!r} after {scheme}; {_WRITTEN}")
        return uri
    raise ValueError(_WRITTEN)


def device_of(uri: str) -> str:
    """The device that an address of a microphone names; "" for the default one."""
    return uri.partition("://")[2]


SoundUri = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256),
    AfterValidator(_sound),
    Allowed("auto, none, alsa://DEVICE, pulse://, pulse://SOURCE"),
]
