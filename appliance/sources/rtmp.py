"""rtmp:// and rtmps://: a stream fetched from a server such as nginx-rtmp, MediaMTX or SRS."""

from __future__ import annotations

import math
from urllib.parse import unquote, urlsplit, urlunsplit

from appliance.media.gst import Gst
from appliance.sources.elements import make
from appliance.sources.network import NetworkSource


class RtmpSource(NetworkSource):
    """An RTMP stream, played."""

    advice = (
        (
            ("streamnotfound", "not found", "no such stream", "eos before any data"),
            "the server has no stream of this name now: check what follows the host",
        ),
        (
            ("authentication", "not authorized", "unauthorized", "access denied"),
            "the server wants a user and a password, or others: rtmp://user:password@host/app/name",
        ),
        (
            ("rejected", "invalidapp", "'connect' cmd failed"),
            "the server has no such application: check the path",
        ),
        (("refused", "could not connect"), "nothing answers there: check address and port"),
        (("resolv", "name or service"), "no such host: check the name, or write its address"),
        (
            ("certificate", "tls"),
            "its certificate is not trusted here: install that of its authority, or use rtmp://",
        ),
        (("timed out", "timeout"), "the server does not answer"),
        (("end of stream", "closed", "reset"), "the other end ended the stream"),
    )

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        parts = urlsplit(self.location())
        seconds = max(1, math.ceil(self.settings.timeout_s))
        host = parts.netloc.rpartition("@")[2]
        source = make(
            "rtmp2src",
            location=urlunsplit(parts._replace(netloc=host)),
            timeout=seconds,
            idle_timeout=seconds,
        )
        if parts.username:
            source.set_property("username", unquote(parts.username))
            source.set_property("password", unquote(parts.password or ""))
        self.demuxed(pipeline, source, "flvdemux")
