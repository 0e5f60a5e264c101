"""What takes a camera's pictures: GStreamer, or jetson-utils where it can."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from appliance.config.settings import SourceSettings
from appliance.sources.base import Source
from appliance.system import jetson_utils

log = structlog.get_logger(__name__)


def choose(
    settings: SourceSettings, uri: str, usual: tuple[int, int], by_gstreamer: Callable[[], Source]
) -> Source:
    """The camera by what ``settings.capture`` says: with auto, jetson-utils where it is installed.

    ``usual`` is the size where nobody says one. Raises MissingDependency when it is insisted on.
    """
    capture = settings.capture
    if capture == "gstreamer" or (capture == "auto" and not jetson_utils.installed()):
        return by_gstreamer()
    from appliance.sources.jetson import JetsonSource

    if capture == "jetson-utils":
        return JetsonSource(settings, uri, usual)
    from appliance.sources.fallback import FallbackSource

    log.info("source: by jetson-utils", uri=uri, note=jetson_utils.UNTRIED)
    return FallbackSource(lambda: JetsonSource(settings, uri, usual), by_gstreamer)
