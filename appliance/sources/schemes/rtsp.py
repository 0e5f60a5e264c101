"""rtsp:// and rtsps://: a network camera or another box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import SourceScheme, Use
from appliance.config.secrets import references
from appliance.system.packages import GOOD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def check(uri: str) -> str:
    """An address to connect to; user and password may be references to secrets."""
    references(uri)
    return shapes.rtsp(uri, listen=False)


def make(settings: SourceSettings, uri: str) -> Source:
    """The stream at an address."""
    from appliance.sources.rtsp import RtspSource

    return RtspSource(settings, uri)


SCHEME = SourceScheme(
    names=("rtsp", "rtsps"),
    place=20,
    written="rtsp://host/path, rtsps://…",
    check=check,
    live=True,
    # Many cameras serve one reader only.
    exclusive=True,
    uses=(
        Use(
            "RTSP in",
            (("rtspsrc", GOOD), ("rtph264depay", GOOD), ("avdec_h264", LIBAV)),
            place=30,
        ),
    ),
    make=make,
)
