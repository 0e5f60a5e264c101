"""rtsp+push:// and rtsps+push://: to a media server, which hands the stream on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import push_address
from appliance.config.schemes import OutputScheme, Use
from appliance.config.secrets import references
from appliance.system.packages import RTSP

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output


def check(uri: str) -> str:
    """The address, checked."""
    references(uri)
    push_address.rtsp_push(uri)
    return uri


def make(output: OutputSettings) -> Output:
    """The output that connects to the server."""
    from appliance.outputs.encoders import Wanted
    from appliance.outputs.push.rtsp import RtspPushOutput

    return RtspPushOutput(output.uri, Wanted.of(output), output.sound)


SCHEME = OutputScheme(
    names=("rtsp+push", "rtsps+push"),
    place=16,
    written="rtsp+push://host:port/path",
    check=check,
    retry_most_s=30.0,
    takes_references=True,
    uses=(Use("RTSP push", (("rtspclientsink", RTSP),), place=46),),
    make=make,
)
