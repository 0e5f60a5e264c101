"""HLS: a playlist of segments, which are fetched ahead and played at their own pace.

Not by GStreamer's hlsdemux: that opens whatever a playlist names, ``file://`` included, without
bounds of ours (docs/decisions.md).
"""

from __future__ import annotations

import time
from collections import deque

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import SourceError
from appliance.media.frame import Format
from appliance.media.gst import Gst
from appliance.sources.web.fed import Fetching, appsrc, push
from appliance.sources.web.fetch import Answer, NotFollowedError, Web
from appliance.sources.web.playlist import (
    MOST_BYTES,
    HlsSegment,
    MediaPlaylist,
    Resource,
    Variant,
    parse,
)
from appliance.sources.web.rounds import PacedFedSource
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

_MOST_SEGMENT = 128 << 20
# How far from a live stream's end to begin, in segments (RFC 8216, 6.3.3).
_BACK = 3
_HEIGHT = 1080
# Segments in a row that could not be had, until it is opened anew.
_MOST_LEFT_OUT = 3
# What is downloaded and waits to be taken apart: one segment, however large.
_QUEUE_BYTES = 1


class HlsSource(PacedFedSource):
    """One rendition, whose segments are joined. Where their kind changes, it is opened anew."""

    def __init__(self, settings: SourceSettings, name: str, web: Web, answer: Answer) -> None:
        super().__init__(settings, name, web, answer)
        self._place = _Place()

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self._place = _Place()
        return super().open(want)

    def over(self) -> bool:
        """See ``PacedFedSource.over``."""
        return self._place.at_end

    def feeder(self) -> Gst.Element:
        """See ``FedSource.feeder``."""
        place = self._place
        if place.at_end:
            place = self._place = _Place(place.url)
        source = appsrc(format="bytes", block=True, max_bytes=_QUEUE_BYTES)
        answer = self.first_answer() if not place.url else None

        def feed(fetching: Fetching) -> None:
            if answer is not None:
                self._find(place, self._playlist(answer), answer.url)
            _Segments(self, place, fetching, source).feed()
            if not fetching.stopped.is_set():
                source.emit("end-of-stream")

        self.in_thread(feed)
        return source

    def _find(
        self, place: _Place, found: MediaPlaylist | tuple[Variant, ...], url: str
    ) -> None:  # fmt: skip
        """Choose a quality, and note the address of its playlist."""
        place.url = url
        if isinstance(found, MediaPlaylist):
            place.playlist = found
            return
        chosen = self._chosen(found)
        place.url = chosen.url
        if chosen.sound is not None and self.with_sound:
            log.warning("the stream's sound comes separately, and is left out", source=self.name)
        log.info(
            "a quality was chosen", source=self.name, height=chosen.height or "unknown",
            kbps=chosen.bandwidth // 1000, of=len(found),
        )  # fmt: skip

    def _chosen(self, variants: tuple[Variant, ...]) -> Variant:
        """The largest picture that the canvas has room for, else the smallest there is."""
        most = _HEIGHT
        if self._want is not None:
            most = self._want.height
        elif self.settings.size != "auto":
            most = self.settings.size[1]
        fitting = [one for one in variants if one.height <= most]
        if not fitting:
            return min(variants, key=lambda one: (one.height, one.bandwidth))
        return max(fitting, key=lambda one: (one.height, one.bandwidth))

    def _playlist(self, answer: Answer) -> MediaPlaylist | tuple[Variant, ...]:
        data = answer.all(MOST_BYTES, self.settings.timeout_s)
        return parse(data.decode("utf-8", "replace"), answer.url)

    def load(self, url: str, fetching: Fetching) -> MediaPlaylist:
        """The newest state of a rendition's playlist. Raises SourceError."""
        found = self._playlist(fetching.reads(self.web.get(url)))
        if not isinstance(found, MediaPlaylist):
            raise SourceError("a playlist names another, which names a third; expected segments")
        return found

    def load_segment(self, resource: Resource, seconds: float, fetching: Fetching) -> bytes:
        """A segment's bytes. Raises SourceError."""
        headers = {}
        if resource.part is not None:
            start, count = resource.part
            headers["Range"] = f"bytes={start}-{start + count - 1}"
        answer = fetching.reads(self.web.get(resource.url, headers))
        if resource.part is not None and answer.status != 206:
            answer.close()
            raise SourceError("the server does not send the part that was asked for (Range)")
        return answer.all(_MOST_SEGMENT, max(self.settings.timeout_s, 2 * seconds))


class _Place:
    """Where in the stream it goes on, also over being opened anew within it."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.playlist: MediaPlaylist | None = None
        self.following: int | None = None
        self.waiting: deque[HlsSegment] = deque()
        self.at_end = False


class _Segments:
    """Fetches a rendition's segments in order, to where it ends or changes its kind."""

    def __init__(
        self, source: HlsSource, place: _Place, fetching: Fetching, sink: Gst.Element
    ) -> None:
        self._source, self._place, self._fetching, self._sink = source, place, fetching, sink
        self._init: Resource | None = None
        self._begun = False
        self._left_out = 0
        self._trouble: SourceError | None = None

    def feed(self) -> None:
        """Returns when stopped, at the stream's end, and before a segment of another kind."""
        grown = time.monotonic()
        place = self._place
        while not self._fetching.stopped.is_set():
            if not place.waiting:
                playlist = place.playlist or self._source.load(place.url, self._fetching)
                place.playlist = None
                place.waiting.extend(self._new(playlist))
                if place.waiting:
                    grown = time.monotonic()
                    continue
                if playlist.ended:
                    if not self._begun:
                        raise self._trouble or SourceError("the playlist has no segments")
                    place.at_end = True
                    return
                still = time.monotonic() - grown
                if still > 3 * playlist.target_s + self._source.settings.timeout_s:
                    raise SourceError(f"the playlist has had no new segment for {still:.0f} s")
                self._fetching.stopped.wait(max(0.2, playlist.target_s / 2))
                continue
            segment = place.waiting[0]
            if self._begun and (segment.discontinuity or segment.init != self._init):
                # For decoders it is another stream: times and sizes begin anew.
                return
            place.waiting.popleft()
            if not self._push(segment):
                return

    def _new(self, playlist: MediaPlaylist) -> list[HlsSegment]:
        """The segments not fetched yet."""
        segments, place = list(playlist.segments), self._place
        if not segments:
            return []
        if place.following is None:
            first = 0 if playlist.ended else max(0, len(segments) - _BACK)
            place.following = segments[first].number
        elif place.following > segments[-1].number + 1:
            raise SourceError("the stream began anew: its segments are counted from the start")
        elif place.following < segments[0].number:
            log.warning(
                "segments were missed: the stream went on without them", source=self._source.name,
                segments=segments[0].number - place.following,
            )  # fmt: skip
            place.following = segments[max(0, len(segments) - _BACK)].number
        found = [segment for segment in segments if segment.number >= place.following]
        place.following = segments[-1].number + 1
        return found

    def _push(self, segment: HlsSegment) -> bool:
        """Fetch one and hand it on; False once nobody takes it."""
        data = b""
        for last in (False, True):
            try:
                if segment.init is not None and not self._begun:
                    data = self._source.load_segment(segment.init, 0, self._fetching)
                data += self._source.load_segment(segment.resource, segment.seconds, self._fetching)
                break
            except NotFollowedError:
                raise
            except SourceError as error:
                if self._fetching.stopped.is_set():
                    return False
                data, self._trouble = b"", error
                if last:
                    self._left_out += 1
                    if self._left_out >= _MOST_LEFT_OUT:
                        raise
                    log.warning(
                        "a segment could not be fetched; left out", source=self._source.name,
                        reason=redact(str(error)),
                    )  # fmt: skip
                    return True
        self._init, self._begun, self._left_out = segment.init, True, 0
        return not data or push(self._sink, data)
