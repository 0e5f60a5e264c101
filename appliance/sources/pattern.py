"""test://PATTERN: GStreamer's test pictures, for trying things without a camera."""

from __future__ import annotations

from appliance.config.settings import SourceSettings
from appliance.errors import InputError
from appliance.media.enumerations import nicks
from appliance.media.gst import Gst
from appliance.sources.elements import chain, make
from appliance.sources.gstreamer import GstSource

DEFAULT = "smpte"


def patterns() -> tuple[str, ...]:
    """The patterns that this GStreamer's videotestsrc can draw."""
    return nicks(make("videotestsrc").find_property("pattern").value_type)


class PatternSource(GstSource):
    """A test pattern, 1280x720 at 30 frames a second unless the settings say otherwise."""

    def __init__(self, settings: SourceSettings, pattern: str) -> None:
        self._pattern = pattern or DEFAULT
        super().__init__(settings, f"test://{self._pattern}")
        self.live = settings.pace != "fast"
        if self._pattern not in patterns():
            raise InputError(
                f"source {self.name}: there is no such pattern; expected one of "
                f"{', '.join(patterns())}"
            )

    def head(self, pipeline: Gst.Pipeline) -> None:
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
        chain(pipeline, [source, size, self.decoder])
