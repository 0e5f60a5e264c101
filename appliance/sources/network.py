"""What sources that fetch a stream share: the address filled in, advice with each error, a demuxer.

    the source's own element ! a demuxer of a fixed kind ! queue ! decodebin … (``GstSource``)

The container is not guessed from what comes: whoever is at the other end decides nothing.
"""

from __future__ import annotations

from appliance.config.secrets import fill
from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.gst import Gst, error_text, first_structure
from appliance.sources.elements import chain, make
from appliance.sources.gstreamer import GstSource
from appliance.system.redact import redact

Advice = tuple[tuple[tuple[str, ...], str], ...]
"""What to say, by words in GStreamer's message."""

_QUEUE_BYTES = 16 << 20


class NetworkSource(GstSource):
    """A stream that is fetched. Any failure may be temporary, so it is retried."""

    advice: Advice = ()

    def __init__(self, settings: SourceSettings, uri: str) -> None:
        super().__init__(settings, redact(uri))
        self._uri = uri

    def location(self) -> str:
        """The address with its secrets; at every open, as one may have changed, or come, since."""
        try:
            return fill(self._uri)
        except InputError as error:
            raise SourceError(f"{self.name}: {error}") from None

    def failed(self, message: Gst.Message) -> MatteboxError:
        """See ``GstSource.failed``."""
        text = redact(error_text(message))
        low = text.lower()
        say = next((say for words, say in self.advice if any(word in low for word in words)), "")
        return SourceError(f"{self.name}: {f'{say} ({text})' if say else text}{self._missing}")

    def demuxed(self, pipeline: Gst.Pipeline, source: Gst.Element, demuxer: str) -> None:
        """Add ``source`` and what takes its container apart, to the decoders."""
        # A decoder that is slow for a moment must not keep the other end waiting.
        queue = make(
            "queue", max_size_buffers=0, max_size_time=0, max_size_bytes=_QUEUE_BYTES
        )  # fmt: skip
        apart = make(demuxer)
        apart.connect("pad-added", self._on_stream, queue)
        apart.connect("no-more-pads", self._on_all_streams, queue)
        pipeline.add(queue)
        assert self.decoder is not None
        queue.link(self.decoder)
        chain(pipeline, [source, apart])

    def _on_stream(self, _demuxer: Gst.Element, pad: Gst.Pad, queue: Gst.Element) -> None:
        caps = pad.get_current_caps() or pad.query_caps(None)
        kind = first_structure(caps).get_name() if caps.get_size() else ""
        sink = queue.get_static_pad("sink")
        if kind.startswith(("video/", "image/")) and not sink.is_linked():
            pad.link(sink)
        elif kind.startswith("audio/") and self._branch is not None and self.with_sound:
            self._branch.attach(pad)

    def _on_all_streams(self, _demuxer: Gst.Element, queue: Gst.Element) -> None:
        if not queue.get_static_pad("sink").is_linked() and self._failure is None:
            self._failure = SourceError(f"{self.name}: it has no video, only sound or data")
