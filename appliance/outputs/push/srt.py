"""``srt://host:port`` calls a receiver; ``srt://:port`` waits for those who call."""

from __future__ import annotations

import threading
import time
from typing import Any

from appliance.config import push_address, srt_address
from appliance.config.secrets import NONE, Secret, fill
from appliance.errors import InputError
from appliance.media.gst import Gst
from appliance.outputs import encoders
from appliance.outputs.encoded.muxer import Muxer
from appliance.outputs.push import reach
from appliance.outputs.push.output import PushOutput
from appliance.system.packages import BAD, LIBAV

# MPEG-TS: the parameter sets with every key frame, since receivers may join at any time.
_LINE = "mpegtsmux name=mux alignment=7 ! srtsink name=sink sync=false async=false"
_VIDEO = "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au !"
_SOUND = "aacparse ! audio/mpeg,stream-format=adts !"
# libsrt gives up a call after 3 s; before that, somebody has refused it.
REFUSED_S = 2.5
# Encoding goes on for so long after the last caller: it may just be coming back.
LINGER_S = 2.0


class SrtOutput(PushOutput):
    """MPEG-TS by SRT: H.264 and AAC. As a listener it serves several callers, and none costs."""

    elements = (("srtsink", BAD), ("mpegtsmux", BAD), ("avenc_aac", LIBAV))

    def __init__(
        self,
        uri: str,
        video: encoders.Wanted = encoders.DEFAULT,
        sound: str = "auto",
        passphrase: Secret = NONE,
    ) -> None:
        """Raises InputError when the address is none."""
        super().__init__(uri, video, sound)
        self._written, self._passphrase = uri, passphrase
        try:
            self._listens = push_address.srt(uri).listens
        except ValueError as error:
            raise InputError(f"output {self.uri}: {error}") from None
        self.calls_with_data = not self._listens
        # The stream's clock goes on from one connection to the next.
        self._origin: int | None = None
        self._callers = self._served = 0
        self._lonely_since = 0.0
        self._lock = threading.Lock()
        self._handlers: list[int] = []

    def build(self, most_bytes: int) -> Muxer:
        """See ``PushOutput.build``."""
        try:
            address = push_address.srt(fill(self._written))
            passphrase = self._passphrase.reveal() or address.passphrase
            if passphrase:
                srt_address.judge(passphrase)
        except (InputError, ValueError) as error:
            # A credential may be put right while the appliance runs.
            raise reach.Unreachable(str(error)) from None
        self._secrets = (passphrase,) if passphrase else ()
        host = address.host
        if host:
            host = reach.address_of(host, address.port, datagrams=True)
        self._callers = self._served = 0

        def prepare(muxer: Muxer) -> None:
            sink = muxer.element("sink")
            mode = "listener" if address.listens else "caller"
            shown = f"[{host}]" if ":" in host else host
            sink.set_property("uri", f"srt://{shown}:{address.port}?mode={mode}")
            sink.set_property("latency", address.latency_ms or push_address.DEFAULT_LATENCY_MS)
            sink.set_property("wait-for-connection", False)
            if sink.find_property("auto-reconnect") is not None:
                # It would hide that the receiver is gone, and why.
                sink.set_property("auto-reconnect", False)
            if address.streamid:
                sink.set_property("streamid", address.streamid)
            if passphrase:
                sink.set_property("passphrase", passphrase)
            if address.key_bytes:
                Gst.util_set_object_arg(sink, "pbkeylen", str(address.key_bytes))
            if address.listens:
                self._handlers = [
                    sink.connect("caller-added", self._on_caller, 1),
                    sink.connect("caller-removed", self._on_caller, -1),
                ]

        return Muxer(
            self.uri,
            _LINE,
            video=_VIDEO,
            sound=None if self._codec is None else _SOUND,
            most_bytes=most_bytes,
            full="skip",
            origin=self._origin,
            prepare=prepare,
        )

    def is_connected(self, muxer: Muxer) -> bool:
        """See ``PushOutput.is_connected``; a listener is as soon as it listens."""
        if self._listens:
            return True
        statistics = muxer.element("sink").get_property("stats")
        return bool(statistics.get_value("bytes-sent-total"))

    def wants_data(self, muxer: Muxer) -> bool:
        """See ``PushOutput.wants_data``."""
        return self._callers > 0 if self._listens else super().wants_data(muxer)

    def write(self, frame: Any) -> None:
        """See ``PushOutput.write``; without callers nothing is encoded."""
        if self._listens:
            self._follow_callers()
        super().write(frame)

    def _follow_callers(self) -> None:
        callers, now = self._callers, time.monotonic()
        if callers:
            self._lonely_since = now
        elif self._stream is not None and now - self._lonely_since > LINGER_S:
            self.let_go_of_the_encoders()
        muxer = self._muxer
        if self._served < callers and muxer is not None:
            if self._stream is None:
                muxer.rejoin()
            else:
                self._stream.force_key_frame()
        self._served = callers

    def receivers(self, muxer: Muxer) -> int:
        """See ``PushOutput.receivers``."""
        return self._callers if self._listens else super().receivers(muxer)

    def close(self) -> None:
        """See ``PushOutput.close``."""
        muxer = self._muxer
        if muxer is not None:
            self._origin = muxer.origin
            for handler in self._handlers:
                muxer.element("sink").disconnect(handler)
        self._handlers = []
        super().close()

    def _on_caller(self, _sink: Any, _socket: int, _address: Any, change: int) -> None:
        with self._lock:
            self._callers = max(0, self._callers + change)

    def explain(self, error: str, after_s: float) -> str:
        """See ``PushOutput.explain``."""
        if not error.startswith("sink:"):
            return error
        if self._listens:
            return f"cannot listen there ({error}); expected a free port: see ss -ulpn"
        if self._connected:
            return "the receiver closed the connection, or the network is down"
        if after_s < REFUSED_S:
            return (
                "the receiver refuses the connection: a wrong passphrase or streamid, or it "
                "expects none"
            )
        return "nobody answers there: check address and port (UDP), and that the receiver listens"
