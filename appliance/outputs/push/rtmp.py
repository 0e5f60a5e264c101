"""``rtmp://`` and ``rtmps://``: to YouTube, Twitch, or a server of one's own."""

from __future__ import annotations

from appliance.config import push_address
from appliance.config.secrets import NONE, Secret, fill
from appliance.errors import InputError
from appliance.media.gst import Gst
from appliance.outputs import encoders
from appliance.outputs.encoded.muxer import Muxer
from appliance.outputs.push import reach
from appliance.outputs.push.output import PushOutput
from appliance.system.packages import BAD, GOOD, LIBAV

_LINE = "flvmux name=mux streamable=true ! rtmp2sink name=sink sync=false async=false"

_ADVICE = (
    (
        ("'publish' cmd failed", "badname", "already publishing", "denied", "rejected"),
        "the server refuses the stream: a wrong stream key, or it is in use",
    ),
    (
        ("'connect' cmd failed", "invalidapp"),
        "the server refuses the application's name, which follows the host",
    ),
    (
        ("certificate", "tls", "handshake"),
        "the server's certificate is not to be trusted, or it does not speak TLS",
    ),
    (("refused", "could not connect"), "nothing listens there: check address and port"),
    (("timed out",), "the server does not answer"),
    (("closed remotely", "broken pipe", "reset by peer"), "the server closed the connection"),
)


class RtmpOutput(PushOutput):
    """FLV by RTMP: H.264 and AAC. A server's certificate is checked."""

    elements = (("rtmp2sink", BAD), ("flvmux", GOOD), ("avenc_aac", LIBAV))

    def __init__(
        self,
        uri: str,
        video: encoders.Wanted = encoders.DEFAULT,
        sound: str = "auto",
        key: Secret = NONE,
    ) -> None:
        """``key`` is the stream key, if it does not stand in ``uri``."""
        super().__init__(uri, video, sound)
        self._written, self._key = uri, key

    def build(self, most_bytes: int) -> Muxer:
        """See ``PushOutput.build``."""
        try:
            address = push_address.rtmp(fill(self._written), key=bool(self._key))
            key = self._key.reveal() or address.key
        except (InputError, ValueError) as error:
            # A credential may be put right while the appliance runs.
            raise reach.Unreachable(str(error)) from None
        self._secrets = (key,) if key else ()
        reach.address_of(address.host, address.port)

        def prepare(muxer: Muxer) -> None:
            sink = muxer.element("sink")
            Gst.util_set_object_arg(sink, "scheme", address.scheme)
            sink.set_property("host", address.host)
            sink.set_property("port", address.port)
            sink.set_property("application", address.app)
            sink.set_property("stream", key)

        return Muxer(
            self.uri,
            _LINE,
            sound=None if self._codec is None else "",
            most_bytes=most_bytes,
            full="skip",
            prepare=prepare,
        )

    def is_connected(self, muxer: Muxer) -> bool:
        """See ``PushOutput.is_connected``."""
        statistics = muxer.element("sink").get_property("stats")
        return statistics is not None and bool(statistics.get_value("out-bytes-total"))

    def explain(self, error: str, after_s: float) -> str:
        """See ``PushOutput.explain``."""
        low = error.lower()
        return next((say for words, say in _ADVICE if any(word in low for word in words)), error)
