"""Which SETUPs the library cannot take: those that change what packets are being sent by.

gst-rtsp-server replaces a playing transport's channels, and grows the connection's table of them,
without the lock that its sending threads read them by. A SETUP of TCP's place by UDP in mid-stream
aborted the process each time ("'data_seq' should not be NULL").
"""

from __future__ import annotations

import re
from typing import Any

from appliance.outputs.rtsp.held import held
from appliance.outputs.rtsp.library import GstRtsp

OK = GstRtsp.RTSPStatusCode.OK
_NOT_NOW = GstRtsp.RTSPStatusCode.METHOD_NOT_VALID_IN_THIS_STATE
_NOT_THAT = GstRtsp.RTSPStatusCode.UNSUPPORTED_TRANSPORT
_CHANNELS = re.compile(r"interleaved\s*=\s*([^;,\s]*)", re.IGNORECASE)
_PAIR = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


def judge(client: Any, context: Any) -> Any:
    """The status for a SETUP that is about to be made: OK, or why not. In the client's thread."""
    if context.session is not None and any(
        item.get_media() == context.media and item.get_rtsp_state().value_nick == "playing"
        for item in context.session.filter(None)
    ):
        return _NOT_NOW
    if held.is_sent_to(client):
        return _NOT_NOW
    try:
        _, transport = context.request.get_header(GstRtsp.RTSPHeaderField.TRANSPORT, 0)
    except UnicodeDecodeError:
        return _NOT_THAT
    return OK if _has_channels(transport or "") else _NOT_THAT


def _has_channels(transport: str) -> bool:
    """Whether the channels that are asked for fit into the byte that there is for them."""
    for wanted in _CHANNELS.findall(transport):
        pair = _PAIR.fullmatch(wanted)
        if pair is None or any(int(number) > 255 for number in pair.groups() if number):
            return False
    return True
