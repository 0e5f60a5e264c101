"""HLS: a playlist of segments, which are fetched ahead and played at their own pace.

    appsrc ! decodebin …                                    pictures, and sound that is with them
    appsrc ! tsdemux or qtdemux ! …  (``AudioBranch``)       sound in a playlist of its own

Not by GStreamer's hlsdemux: that opens whatever a playlist names, ``file://`` included, without
bounds of ours (docs/decisions.md).
"""

from __future__ import annotations

import threading
from fractions import Fraction

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import MatteboxError, SourceError
from appliance.media.frame import Format
from appliance.media.gst import Gst, first_structure
from appliance.sources.elements import chain, make
from appliance.sources.web.fed import Fetching, appsrc, push
from appliance.sources.web.fetch import Answer, Web
from appliance.sources.web.first_time import apart, first_time, without_edits
from appliance.sources.web.playlist import MediaPlaylist, Variant
from appliance.sources.web.rounds import PacedFedSource
from appliance.sources.web.segments import HlsPlace, SegmentFeed, read_playlist
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

_HEIGHT = 1080
# What is downloaded and waits to be taken apart: one segment, however large.
_QUEUE_BYTES = 1


class HlsSource(PacedFedSource):
    """One rendition, whose segments are joined. Where their kind changes, it is opened anew."""

    def __init__(self, settings: SourceSettings, name: str, web: Web, answer: Answer) -> None:
        super().__init__(settings, name, web, answer)
        self._place, self._sound_place = HlsPlace(), HlsPlace()
        self._sound = Fetching()
        # When the first picture is, by the stream; known once the event is set.
        self._first_picture: Fraction | None = None
        self._known = threading.Event()

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self._place, self._sound_place = HlsPlace(), HlsPlace()
        return super().open(want)

    def close(self) -> None:
        """See ``Source.close``."""
        self._sound.stop()
        super().close()

    def over(self) -> bool:
        """See ``PacedFedSource.over``."""
        return self._place.at_end

    def feeder(self) -> Gst.Element:
        """See ``FedSource.feeder``."""
        place = self._place
        if place.at_end:
            place = self._place = HlsPlace(place.url)
            self._sound_place = HlsPlace(self._sound_place.url)
        else:
            # The sound of what comes now, also where some of it was fetched ahead.
            following = place.waiting[0].number if place.waiting else place.following
            self._sound_place.begin_at(following)
        source = appsrc(format="bytes", block=True, max_bytes=_QUEUE_BYTES)
        answer = self.first_answer() if not place.url else None
        self._known, self._sound = threading.Event(), Fetching()

        def take(data: bytes) -> bool:
            if not self._known.is_set():
                self._first_picture = first_time(data, "video")
                self._known.set()
                if self._sound_place.url:
                    data = without_edits(data)
            return push(source, data)

        def feed(fetching: Fetching) -> None:
            if answer is not None:
                self._find(place, read_playlist(answer, self.settings.timeout_s), answer.url)
            if self._sound_place.url and self.with_sound:
                self._feed_sound(self._sound, self._known)
            limit = self.settings.timeout_s
            SegmentFeed(self.web, self.name, limit, place, fetching, take).feed()
            if not fetching.stopped.is_set():
                source.emit("end-of-stream")

        self.in_thread(feed)
        return source

    def _find(
        self, place: HlsPlace, found: MediaPlaylist | tuple[Variant, ...], url: str
    ) -> None:  # fmt: skip
        """Choose a quality, and note the address of its playlist."""
        place.url = url
        if isinstance(found, MediaPlaylist):
            place.playlist = found
            return
        chosen = self._chosen(found)
        place.url, self._sound_place.url = chosen.url, chosen.sound or ""
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

    # Sound in a playlist of its own. Whatever is wrong with it, the pictures go on.

    def _feed_sound(self, fetching: Fetching, known: threading.Event) -> None:
        sinks: list[Gst.Element] = []

        def take(data: bytes) -> bool:
            if not sinks:
                while not known.wait(0.1):
                    if fetching.stopped.is_set():
                        return False
                sinks.append(self._sound_sink(data))
                data = without_edits(data)
            return push(sinks[0], data)

        def feed() -> None:
            limit = self.settings.timeout_s
            place = self._sound_place
            try:
                SegmentFeed(self.web, f"{self.name} (sound)", limit, place, fetching, take).feed()
            except MatteboxError as error:
                if not fetching.stopped.is_set():
                    log.warning(
                        "the sound cannot be had; the picture goes on without", source=self.name,
                        why=redact(str(error)),
                    )  # fmt: skip
            if sinks and not fetching.stopped.is_set():
                sinks[0].emit("end-of-stream")
            fetching.stop()

        threading.Thread(target=feed, name="source-web-sound", daemon=True).start()

    def _sound_sink(self, data: bytes) -> Gst.Element:
        """The appsrc of the sound, with what takes its container apart. Raises SourceError."""
        pipeline, branch = self._pipeline, self._branch
        if pipeline is None or branch is None:
            raise SourceError("stopped")
        when = first_time(data, "sound")
        if when is not None and self._first_picture is not None:
            branch.shift = round(apart(when, self._first_picture) * 1_000_000_000)
        container = "tsdemux" if data[:1] == b"\x47" else "qtdemux" if data[4:8] in _MP4 else ""
        source = appsrc(format="bytes", block=True, max_bytes=_QUEUE_BYTES)
        if not container:
            # AAC or MP3 as it is, after a tag that tells the time.
            pipeline.add(source)
            branch.attach(source.get_static_pad("src"))
            source.sync_state_with_parent()
            return source
        apart_again = make(container)

        def on_pad(_demuxer: Gst.Element, pad: Gst.Pad) -> None:
            caps = pad.get_current_caps() or pad.query_caps(None)
            if caps.get_size() and first_structure(caps).get_name().startswith("audio/"):
                branch.attach(pad)

        apart_again.connect("pad-added", on_pad)
        chain(pipeline, [source, apart_again])
        return source


_MP4 = (b"ftyp", b"styp", b"moof", b"sidx")
