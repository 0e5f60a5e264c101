"""srt://: a stream over the internet, called or awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import srt_address
from appliance.config.schemes import SourceScheme, Use
from appliance.system.packages import BAD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def meant(uri: str) -> str | None:
    """What to use for NDI, which cannot be had."""
    if not uri.lower().startswith("ndi://"):
        return None
    return (
        "NDI is not available: its library is under a licence that no distribution may ship, and "
        "GStreamer's element for it needs that library; have the sender give SRT (srt://host:port) "
        "or RTSP (rtsp://host/path) instead"
    )


def device(uri: str) -> object:
    """A port that is listened at, whatever else the address says; else the address."""
    try:
        address = srt_address.parse(uri, lengths=False)
    except ValueError:  # a reference in a place where only its value can be judged
        return uri
    return address.port if address.listens else uri


def make(settings: SourceSettings, uri: str) -> Source:
    """The stream at an address."""
    from appliance.sources.srt import SrtSource

    return SrtSource(settings, uri)


SCHEME = SourceScheme(
    names=("srt",),
    place=22,
    written="srt://host:port, srt://:port",
    check=srt_address.check,
    meant=meant,
    live=True,
    # Many a sender takes one caller only, and a port one listener.
    exclusive=True,
    device=device,
    uses=(Use("SRT in", (("srtsrc", BAD), ("tsdemux", BAD), ("avdec_h264", LIBAV)), place=31),),
    make=make,
)
