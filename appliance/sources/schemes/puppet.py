"""puppet://STILL?drive=CLIP: the person of a still, moved by the pose of somebody in a clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import puppet_address
from appliance.config.schemes import SourceScheme

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def check(uri: str) -> str:
    """A picture, a clip, and perhaps what to lay it over."""
    puppet_address.parse(uri)
    return uri


def files(uri: str) -> tuple[Path, ...]:
    """The picture and the clip."""
    address = puppet_address.parse(uri)
    return address.still, address.drive


def make(settings: SourceSettings, uri: str) -> Source:
    """The puppet."""
    from appliance.sources.puppet.source import PuppetSource

    return PuppetSource(settings, puppet_address.parse(uri))


SCHEME = SourceScheme(
    names=("puppet",),
    place=65,
    written="puppet://still.png?drive=clip.mp4",
    check=check,
    has_file=True,
    files=files,
    anchored=puppet_address.anchored,
    live=False,
    network="pose",
    make=make,
)
