"""test://PATTERN: GStreamer's test pictures, for trying outputs and backgrounds without a camera."""

from __future__ import annotations

from appliance.errors import InputError
from appliance.gst import Gst
from appliance.settings import Source as SourceSettings
from appliance.sources.elements import make
from appliance.sources.gstreamer import GstSource
from appliance.sources.uri import Uri

DEFAULT = "smpte"


def patterns() -> tuple[str, ...]:
    """The patterns that this GStreamer's videotestsrc can draw."""
    kind = make("videotestsrc").find_property("pattern")
    return tuple(value.value_nick for value in kind.enum_class.__enum_values__.values())


class PatternSource(GstSource):
    """A test pattern, 1280x720 at 30 frames a second unless the settings say otherwise."""

    def __init__(self, settings: SourceSettings, uri: Uri) -> None:
        super().__init__(settings, f"test://{uri.rest}")
        self._pattern = uri.rest.strip("/") or DEFAULT
        self.live = settings.pace == "realtime"
        if self._pattern not in patterns():
            raise InputError(
                f"source {uri}: there is no pattern {self._pattern!r}; expected one of {', '.join(patterns())}"
            )

    def head(self, pipeline: Gst.Pipeline) -> Gst.Element:
        """See ``GstSource.head``."""
        width, height = (1280, 720) if self.settings.size == "auto" else self.settings.size
        numerator, denominator = (30, 1) if self.settings.fps == "auto" else self.settings.fps
        source = make("videotestsrc", is_live=self.live, pattern=self._pattern)
        size = make(
            "capsfilter",
            caps=Gst.Caps.from_string(
                f"video/x-raw,format=NV12,width={width},height={height},"
                f"framerate={numerator}/{denominator}"
            ),
        )
        pipeline.add(source)
        pipeline.add(size)
        source.link(size)
        return size
