"""From the settings to the source that they name."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from appliance.config.settings import SourceSettings
from appliance.config.uris import SOURCE_SCHEMES, path_of, scheme_of
from appliance.errors import InputError
from appliance.sources.base import Source
from appliance.system import jetson_utils, v4l2
from appliance.system.redact import redact

log = structlog.get_logger(__name__)


def make_source(settings: SourceSettings) -> Source:
    """The source for ``settings.uri``, not yet opened.

    ``auto`` is the first camera that can capture, else ``demo://``; the log says which.

    Raises InputError for a URI that can never work, MissingDependency for what is not installed.
    """
    uri = first_camera_or_demo() if settings.uri == "auto" else settings.uri
    scheme, path = scheme_of(uri), path_of(uri)
    rest = uri.partition("://")[2].strip("/")
    # Each kind is imported when it is asked for: what one of them needs may be missing.
    if scheme in ("", "file") and path is not None:
        from appliance.sources.file import FileSource

        return FileSource(settings, path.expanduser() if scheme == "" else path)
    if scheme == "test":
        from appliance.sources.pattern import PatternSource

        return PatternSource(settings, rest)
    if scheme == "demo":
        from appliance.sources.demo import DemoSource

        return DemoSource(settings)
    if scheme in ("rtsp", "rtsps"):
        from appliance.sources.rtsp import RtspSource

        return RtspSource(settings, uri)
    if scheme == "v4l2" and path is not None:
        from appliance.sources.camera import SIZE, CameraSource

        return _camera(settings, uri, SIZE, lambda: CameraSource(settings, path))
    if scheme == "csi":
        from appliance.sources.csi import SIZE, CsiSource

        sensor = int(rest or 0)
        return _camera(settings, f"csi://{sensor}", SIZE, lambda: CsiSource(settings, sensor))
    known = ", ".join(f"{name}://" for name in SOURCE_SCHEMES)
    raise InputError(
        f"source {redact(uri)!r}: the scheme {scheme}:// is not known; expected {known}, auto, or "
        "a path to a video file"
    )


def _camera(
    settings: SourceSettings, uri: str, usual: tuple[int, int], by_gstreamer: Callable[[], Source]
) -> Source:
    """By what ``settings.capture`` says: with auto, jetson-utils where it is installed."""
    capture = settings.capture
    if capture == "gstreamer" or (capture == "auto" and not jetson_utils.installed()):
        return by_gstreamer()
    from appliance.sources.jetson import JetsonSource

    if capture == "jetson-utils":
        return JetsonSource(settings, uri, usual)
    from appliance.sources.fallback import FallbackSource

    log.info("source: by jetson-utils", uri=uri, note=jetson_utils.UNTRIED)
    return FallbackSource(lambda: JetsonSource(settings, uri, usual), by_gstreamer)


def first_camera_or_demo() -> str:
    """The URI that ``auto`` stands for on this machine, which is also logged."""
    for path in v4l2.nodes():
        try:
            device = v4l2.query(path)
        except OSError as error:
            log.warning("source: a video device is passed by", device=str(path), reason=str(error))
            continue
        # A loopback device that takes pictures is somebody's output, maybe our own.
        if device.capture and device.modes and not (device.loopback and device.output):
            log.info("source: auto is the first camera", camera=device.card, uri=f"v4l2://{path}")
            return f"v4l2://{path}"
    log.info("source: auto is demo://, as no camera here can capture")
    return "demo://"
