"""From the settings to the source that they name."""

from __future__ import annotations

import structlog

from appliance.settings import Source as SourceSettings
from appliance.sources.base import Source
from appliance.sources.uri import Uri, parse

log = structlog.get_logger(__name__)


def make_source(settings: SourceSettings) -> Source:
    """The source for ``settings.uri``, not yet opened.

    ``auto`` is the first camera that can capture, else ``demo://``; the log says which.

    Raises InputError for a URI that can never work, MissingDependency for what is not installed.
    """
    uri = parse(settings.uri)
    if uri.scheme == "auto":
        uri = _choose()
    # Each kind is imported when it is asked for: what one of them needs may be missing.
    if uri.scheme == "file":
        from appliance.sources.file import FileSource

        return FileSource(settings, uri)
    if uri.scheme == "test":
        from appliance.sources.pattern import PatternSource

        return PatternSource(settings, uri)
    if uri.scheme in ("rtsp", "rtsps"):
        from appliance.sources.rtsp import RtspSource

        return RtspSource(settings, uri)
    if uri.scheme == "v4l2":
        from appliance.sources.v4l2 import V4l2Source

        return V4l2Source(settings, uri)
    if uri.scheme == "csi":
        from appliance.sources.csi import CsiSource

        return CsiSource(settings, uri)
    from appliance.sources.demo import DemoSource

    return DemoSource(settings, uri)


def _choose() -> Uri:
    """The first camera, else the demo."""
    from appliance.sources.cameras import cameras

    for camera in cameras():
        if camera.captures:
            log.info("source: auto is the first camera", camera=camera.name, uri=camera.uri)
            return parse(camera.uri)
        log.info("source: auto passes a device by", device=camera.path, reason=camera.problem)
    log.info("source: auto is demo://, as there is no camera that can capture")
    return parse("demo://")
