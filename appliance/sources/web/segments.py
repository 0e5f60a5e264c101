"""A rendition's segments: found in its playlist, again and again, and fetched in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import structlog

from appliance.errors import SourceError
from appliance.sources.web.fed import Fetching
from appliance.sources.web.fetch import Answer, NotFollowedError, Web
from appliance.sources.web.playlist import (
    MOST_BYTES,
    HlsSegment,
    MediaPlaylist,
    Resource,
    Variant,
    parse,
)
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

_MOST_SEGMENT = 128 << 20
# How far from a live stream's end to begin, in segments (RFC 8216, 6.3.3).
_BACK = 3
# Segments in a row that could not be had, until it is opened anew.
_MOST_LEFT_OUT = 3


class HlsPlace:
    """Where in the stream it goes on, also over being opened anew within it."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.playlist: MediaPlaylist | None = None
        self.following: int | None = None
        self.waiting: deque[HlsSegment] = deque()
        self.at_end = False

    def begin_at(self, number: int | None) -> None:
        """Go on with this segment, whatever was fetched; None: by the playlist."""
        self.following = number
        self.waiting.clear()


class SegmentFeed:
    """Fetches a rendition's segments in order, to where it ends or changes its kind."""

    def __init__(
        self, web: Web, name: str, timeout_s: float, place: HlsPlace, fetching: Fetching,
        take: Callable[[bytes], bool],
    ) -> None:  # fmt: skip
        """``take`` gets each segment, the first with its header; False once nobody takes it.

        ``name`` is what logs call it.
        """
        self._web, self._name, self._timeout_s = web, name, timeout_s
        self._place, self._fetching, self._take = place, fetching, take
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
                playlist = place.playlist or self._load(place.url)
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
                if still > 3 * playlist.target_s + self._timeout_s:
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
                "segments were missed: the stream went on without them", source=self._name,
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
                    data = self._load_segment(segment.init, 0)
                data += self._load_segment(segment.resource, segment.seconds)
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
                        "a segment could not be fetched; left out", source=self._name,
                        reason=redact(str(error)),
                    )  # fmt: skip
                    return True
        self._init, self._begun, self._left_out = segment.init, True, 0
        return not data or self._take(data)

    def _load(self, url: str) -> MediaPlaylist:
        found = read_playlist(self._fetching.reads(self._web.get(url)), self._timeout_s)
        if not isinstance(found, MediaPlaylist):
            raise SourceError("a playlist names another, which names a third; expected segments")
        return found

    def _load_segment(self, resource: Resource, seconds: float) -> bytes:
        headers = {}
        if resource.part is not None:
            start, count = resource.part
            headers["Range"] = f"bytes={start}-{start + count - 1}"
        answer = self._fetching.reads(self._web.get(resource.url, headers))
        if resource.part is not None and answer.status != 206:
            answer.close()
            raise SourceError("the server does not send the part that was asked for (Range)")
        return answer.all(_MOST_SEGMENT, max(self._timeout_s, 2 * seconds))


def read_playlist(answer: Answer, timeout_s: float) -> MediaPlaylist | tuple[Variant, ...]:
    """What an answer holds; it is closed. Raises SourceError."""
    data = answer.all(MOST_BYTES, timeout_s)
    return parse(data.decode("utf-8", "replace"), answer.url)
