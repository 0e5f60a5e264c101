"""http:// and https://: Motion JPEG, HLS, a video file, or a picture that is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import SourceScheme, Use
from appliance.config.secrets import references
from appliance.system.packages import BAD, BASE, GOOD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def check(uri: str) -> str:
    """An address to fetch from; user and password may be references to secrets."""
    references(uri)
    return shapes.http(uri)


def make(settings: SourceSettings, uri: str) -> Source:
    """Whatever the server sends."""
    from appliance.sources.web.source import WebSource

    return WebSource(settings, uri)


SCHEME = SourceScheme(
    names=("http", "https"),
    place=26,
    written="http://host/path, https://…",
    check=check,
    live=True,
    uses=(
        Use(
            "HTTP in",
            (
                ("appsrc", BASE),
                ("jpegdec", GOOD),
                ("qtdemux", GOOD),
                ("tsdemux", BAD),
                ("avdec_h264", LIBAV),
            ),
            place=33,
        ),
    ),
    make=make,
)
