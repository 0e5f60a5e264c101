"""rtsp:// and rtsps://: a network camera or another box."""

from __future__ import annotations

from appliance.config.secrets import fill
from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.gst import Gst, error_text, first_structure
from appliance.sources.elements import make
from appliance.sources.gstreamer import GstSource
from appliance.system.redact import redact

# Advice on what servers answer, by words in GStreamer's message.
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


class RtspSource(GstSource):
    """A stream fetched over TCP or UDP. Any failure may be temporary, so it is retried."""

    def __init__(self, settings: SourceSettings, uri: str) -> None:
        super().__init__(settings, redact(uri))
        self._uri = uri

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        try:
            # At every open: a credential may have changed, or been added, since.
            location = fill(self._uri)
        except InputError as error:
            raise SourceError(f"{self.name}: {error}") from None
        microseconds = int(self.settings.timeout_s * 1e6)
        source = make(
            "rtspsrc",
            location=location,
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

    def failed(self, message: Gst.Message) -> MatteboxError:
        """See ``GstSource.failed``."""
        text = redact(error_text(message))
        low = text.lower()
        advice = next((say for words, say in _ADVICE if any(word in low for word in words)), "")
        return SourceError(
            f"{self.name}: {f'{advice} ({text})' if advice else text}{self._missing}"
        )


def _only_video(_source: Gst.Element, _number: int, caps: Gst.Caps) -> bool:
    """Called by rtspsrc for each stream on offer: sound is not even set up."""
    return bool(first_structure(caps).get_string("media") == "video")
