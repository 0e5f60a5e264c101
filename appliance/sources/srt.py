"""srt://: MPEG-TS over SRT, from a sender that is called or that calls."""

from __future__ import annotations

from appliance.config import srt_address
from appliance.errors import MatteboxError, SourceError
from appliance.media.gst import Gst
from appliance.sources.elements import make
from appliance.sources.network import NetworkSource


class SrtSource(NetworkSource):
    """An SRT stream, encrypted where there is a passphrase."""

    advice = (
        (
            ("incorrect passphrase", "password required"),
            "the passphrase is not that of the other end, or one end has none",
        ),
        (
            ("rejected", "forbidden", "failed to authenticate"),
            "the other end refuses: check streamid and passphrase",
        ),
        (
            ("cannot bind", "already in use"),
            "another program listens at this port, or the address is none of this machine's",
        ),
        (("resolve", "name or service"), "no such host: check the name, or write its address"),
        (
            ("connection setup failure", "connection timeout", "timed out", "connect"),
            "nothing answers there: check address and port, and that UDP gets through",
        ),
        (("was broken", "connection lost", "erroneous"), "the other end ended the stream"),
    )

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        try:
            address = srt_address.parse(self.location())
        except ValueError as error:
            raise SourceError(f"{self.name}: {error}") from None
        host = f"[{address.host}]" if ":" in address.host else address.host
        called = f"srt://{host or '0.0.0.0'}:{address.port}"
        latency = address.latency_ms
        # The address first: setting it forgets all else.
        source = make("srtsrc")
        source.set_property("uri", f"{called}?mode={'listener' if address.listens else 'caller'}")
        source.set_property("latency", self.settings.latency_ms if latency is None else latency)
        # So that closing need not wait for a datagram.
        source.set_property("poll-timeout", 100)
        if address.passphrase:
            source.set_property("passphrase", address.passphrase)
        if address.key_bytes:
            Gst.util_set_object_arg(source, "pbkeylen", str(address.key_bytes))
        if address.streamid:
            source.set_property("streamid", address.streamid)
        if source.find_property("auto-reconnect") is not None:
            # It would go on for ever in silence; opening it anew is said in the log.
            source.set_property("auto-reconnect", False)
        self.demuxed(pipeline, source, "tsdemux")

    def no_picture(self, why: str) -> MatteboxError:
        """See ``GstSource.no_picture``."""
        return SourceError(f"{self.name}: {why}{self._missing}; expected MPEG-TS with video in it")
