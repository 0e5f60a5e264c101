"""avatar://NAME: a recorded person, keyed ahead, who idles, acts and speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import SourceScheme

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source

_START = "avatar://"


def check(uri: str) -> str:
    """A name, or a path to an avatar's folder."""
    if not shapes.without_nul(uri)[len(_START) :].strip("/"):
        raise ValueError(f"the avatar's name is missing; an avatar is written {_START}NAME")
    return uri


def make(settings: SourceSettings, uri: str) -> Source:
    """The avatar, as ``mattebox avatar make`` has made it."""
    from appliance.sources.avatar.source import AvatarSource

    return AvatarSource(settings, uri[len(_START) :])


SCHEME = SourceScheme(
    names=("avatar",),
    place=67,
    written="avatar://NAME",
    check=check,
    live=False,
    make=make,
)
