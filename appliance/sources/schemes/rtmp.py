"""rtmp:// and rtmps://: a stream of a media server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import SourceScheme, Use
from appliance.config.secrets import references
from appliance.system.packages import BAD, GOOD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def check(uri: str) -> str:
    """An address of an application and a stream; user and password may be references."""
    references(uri)
    return shapes.rtmp(uri)


def make(settings: SourceSettings, uri: str) -> Source:
    """The stream at an address."""
    from appliance.sources.rtmp import RtmpSource

    return RtmpSource(settings, uri)


SCHEME = SourceScheme(
    names=("rtmp", "rtmps"),
    place=24,
    written="rtmp://host/app/name, rtmps://…",
    check=check,
    live=True,
    uses=(
        Use("RTMP in", (("rtmp2src", BAD), ("flvdemux", GOOD), ("avdec_h264", LIBAV)), place=32),
    ),
    make=make,
)
