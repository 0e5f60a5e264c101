"""``rtsp+push://`` and ``rtsps+push://``: to a media server, which hands the stream on."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from appliance.config import push_address
from appliance.config.secrets import fill
from appliance.errors import InputError
from appliance.media.gst import Gst
from appliance.outputs import encoders
from appliance.outputs.encoded.muxer import Muxer
from appliance.outputs.push import reach
from appliance.outputs.push.output import PushOutput
from appliance.system.packages import RTSP

# Its name is the muxer's, as packets go straight into it.
_LINE = "rtspclientsink name=mux latency=0"
_VIDEO = "h264parse config-interval=-1 !"
TIMEOUT_S = 5.0
# So many pictures, and none waits: the server has accepted the stream.
_TAKEN = 3

_ADVICE = (
    (("failed to connect", "could not connect"), "nothing listens there: check address and port"),
    (("unauthorized", "401", "not authorized"), "the server wants another user or password"),
    (("not found", "404"), "the server takes no stream of this path"),
    (("forbidden", "403"), "the server refuses this user"),
    (("method not allowed", "405", "not implemented", "501", "not supported"),
     "the server takes no streams, it only gives them"),
    (("certificate", "tls"), "the server's certificate is not to be trusted"),
    (("timeout", "timed out"), "the server does not answer"),
    (("end-of-file", "system error", "closed the connection", "reset by peer", "broken pipe"),
     "the server closed the connection"),
)  # fmt: skip


class RtspPushOutput(PushOutput):
    """RTP by RTSP's RECORD, over its TCP connection: H.264, and Opus or AAC."""

    default = "opus"
    carries = ("opus", "aac")
    calls_with_data = True
    elements = (("rtspclientsink", RTSP),)

    def __init__(
        self, uri: str, video: encoders.Wanted = encoders.DEFAULT, sound: str = "auto"
    ) -> None:
        """User and password, or references to them, may stand in ``uri``."""
        super().__init__(uri, video, sound)
        self._written = uri

    def build(self, most_bytes: int) -> Muxer:
        """See ``PushOutput.build``."""
        try:
            location = push_address.rtsp_push(fill(self._written))
        except (InputError, ValueError) as error:
            # A credential may be put right while the appliance runs.
            raise reach.Unreachable(str(error)) from None
        parts = urlsplit(location)
        port = parts.port or push_address.RTSP_PORTS[parts.scheme]
        reach.address_of(parts.hostname or "", port)
        password = unquote(parts.password or "")
        self._secrets = (password,) if password else ()

        def prepare(muxer: Muxer) -> None:
            sink = muxer.element("mux")
            # Without them, as they would be in its messages.
            bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            sink.set_property("location", bare)
            if parts.username is not None:
                sink.set_property("user-id", unquote(parts.username))
                sink.set_property("user-pw", password)
            Gst.util_set_object_arg(sink, "protocols", "tcp")
            sink.set_property("tcp-timeout", int(TIMEOUT_S * 1e6))

        return Muxer(
            self.uri,
            _LINE,
            video=_VIDEO,
            sound=None if self._codec is None else "",
            most_bytes=most_bytes,
            full="skip",
            # It announces them in reverse, and some servers expect the picture first.
            sound_first=True,
            prepare=prepare,
        )

    def is_connected(self, muxer: Muxer) -> bool:
        """See ``PushOutput.is_connected``."""
        return muxer.packets >= _TAKEN and muxer.waiting_bytes == 0

    def explain(self, error: str, after_s: float) -> str:
        """See ``PushOutput.explain``."""
        low = error.lower()
        return next((say for words, say in _ADVICE if any(word in low for word in words)), error)
