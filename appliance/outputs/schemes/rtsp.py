"""rtsp:// and rtsps://: a stream that players fetch from this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from appliance.config import shapes
from appliance.config.schemes import Library, OutputScheme, Use
from appliance.system.packages import BAD, GOOD

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output

PORTS = {"rtsp": 8554, "rtsps": 8322}


def check(uri: str) -> str:
    """The address, checked: one to listen at, with a path."""
    uri = shapes.rtsp(uri, listen=True)
    if urlsplit(uri).path in ("", "/"):
        raise ValueError("the stream needs a path: rtsp://127.0.0.1:8554/live")
    return uri


def destination(uri: str) -> str:
    """What the output occupies: a path on a port."""
    parts = urlsplit(uri)
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return f"the stream {parts.path.rstrip('/')} on port {port}"


def make(output: OutputSettings) -> Output:
    """A path on the RTSP server."""
    from appliance.outputs.encoders import Wanted
    from appliance.outputs.rtsp.output import RtspOutput

    return RtspOutput(output.uri, Wanted.of(output), sound=output.sound)


SCHEME = OutputScheme(
    names=("rtsp", "rtsps"),
    place=10,
    written="rtsp://address:port/path, rtsps://…",
    check=check,
    destination=destination,
    ports=PORTS,
    uses=(Use("RTSP out", (("h264parse", BAD), ("rtph264pay", GOOD)), place=20, needed=True),),
    libraries=(
        Library("RTSP server", "GstRtspServer", "gst-rtsp-server", "gir1.2-gst-rtsp-server-1.0"),
    ),
    make=make,
)
