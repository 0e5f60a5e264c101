"""rtmp:// and rtmps://: to YouTube, Twitch, or another RTMP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import push_address
from appliance.config.schemes import OutputScheme, Use
from appliance.config.secrets import references
from appliance.system.packages import BAD, GOOD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output


def check(uri: str) -> str:
    """The address, checked; whether the key is in it depends on ``stream_key``."""
    references(uri)
    push_address.rtmp(uri, key=True)
    return uri


def make(output: OutputSettings) -> Output:
    """The output that connects to the server."""
    from appliance.outputs.encoders import Wanted
    from appliance.outputs.push.rtmp import RtmpOutput

    return RtmpOutput(output.uri, Wanted.of(output), output.sound, output.stream_key)


SCHEME = OutputScheme(
    names=("rtmp", "rtmps"),
    place=14,
    written="rtmp://host/app, rtmps://…",
    check=check,
    # Two with different keys may go to the same server.
    destination=None,
    retry_most_s=30.0,
    takes_references=True,
    secret="stream_key",
    uses=(Use("RTMP out", (("rtmp2sink", BAD), ("flvmux", GOOD), ("avenc_aac", LIBAV)), place=44),),
    make=make,
)
