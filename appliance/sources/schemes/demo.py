"""demo://: a portrait that moves, so that there is something to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config.schemes import SourceScheme

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def make(settings: SourceSettings, uri: str) -> Source:
    """The portrait."""
    from appliance.sources.demo import DemoSource

    return DemoSource(settings)


SCHEME = SourceScheme(
    names=("demo",), place=60, written="demo://", live=False, by_auto=True, make=make
)
