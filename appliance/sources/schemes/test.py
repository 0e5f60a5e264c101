"""test://PATTERN: GStreamer's test pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config.schemes import SourceScheme

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def make(settings: SourceSettings, uri: str) -> Source:
    """The pattern of a name."""
    from appliance.sources.pattern import PatternSource

    return PatternSource(settings, uri.partition("://")[2].strip("/"))


SCHEME = SourceScheme(names=("test",), place=50, written="test://smpte", live=False, make=make)
