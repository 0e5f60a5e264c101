"""rtsp:// and rtsps://: a network camera or another box."""

from __future__ import annotations

from appliance.media.gst import Gst, first_structure
from appliance.sources.elements import make
from appliance.sources.network import NetworkSource

_ADVICE = (
    (("not found", "404"), "the server has no stream of this path: check what follows the port"),
    (
        ("unauthorized", "401", "not authorized"),
        "the server wants a user and a password, or others: rtsp://user:password@host/path",
    ),
    (("no supported stream",), "the stream has no video, only sound or data"),
    (("forbidden", "403"), "the server refuses this user"),
    (
        ("connection refused", "could not connect", "failed to connect"),
        "nothing answers there: check address and port, and that the camera is on",
    ),
    (("could not resolve", "resolving"), "no such host: check the name, or write its address"),
    (("timeout", "timed out", "could not receive"), "the server does not answer"),
)


class RtspSource(NetworkSource):
    """A stream fetched over TCP or UDP."""

    advice = _ADVICE

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        microseconds = int(self.settings.timeout_s * 1e6)
        source = make(
            "rtspsrc",
            location=self.location(),
            # One of the two: a fallback from UDP to TCP would bypass what the settings ask for.
            protocols="tcp" if self.settings.transport == "tcp" else "udp",
            latency=self.settings.latency_ms,
            # What comes too late for the jitter buffer is dropped; delay must not build up.
            drop_on_latency=True,
            tcp_timeout=microseconds,
            timeout=microseconds,
            # Without this, closing waits for a server that is gone.
            teardown_timeout=100 * Gst.MSECOND,
            # Of taking ports; if that fails, the source is reopened like after any other failure.
            retry=1,
        )
        source.connect("select-stream", _only_video)
        source.connect("pad-added", self._on_rtp)
        pipeline.add(source)

    def _on_rtp(self, _source: Gst.Element, pad: Gst.Pad) -> None:
        assert self.decoder is not None
        sink = self.decoder.get_static_pad("sink")
        caps = pad.get_current_caps() or pad.query_caps(None)
        video = first_structure(caps).get_string("media") == "video"
        if video and not sink.is_linked():
            pad.link(sink)


def _only_video(_source: Gst.Element, _number: int, caps: Gst.Caps) -> bool:
    """Called by rtspsrc for each stream on offer: sound is not even set up."""
    return bool(first_structure(caps).get_string("media") == "video")
