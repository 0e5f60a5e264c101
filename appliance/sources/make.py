"""From the settings to the source that they name."""

from __future__ import annotations

import structlog

from appliance.config.schemes import SOURCES
from appliance.config.settings import Settings, SourceSettings
from appliance.config.uris import scheme_of, source_scheme
from appliance.errors import InputError
from appliance.sources.base import Source, Speaks
from appliance.system import v4l2
from appliance.system.redact import redact

log = structlog.get_logger(__name__)


def make_source(settings: SourceSettings) -> Source:
    """The source for ``settings.uri``, not yet opened.

    ``auto`` is the first camera that can capture, else ``demo://``; the log says which.

    Raises InputError for a URI that can never work, MissingDependency for what is not installed.
    """
    uri = address_of(settings)
    scheme = source_scheme(uri)
    if scheme is None:
        raise InputError(
            f"source {redact(uri)!r}: the scheme {scheme_of(uri)}:// is not known; expected "
            f"{SOURCES.known()}, auto, or a path to a video file"
        )
    made: Source = scheme.make(settings, uri)
    return made


def make_source_of(settings: Settings) -> Source:
    """The source in use, with what else of the settings it goes by. Raises as ``make_source``."""
    source = make_source(settings.source_in_use)
    if isinstance(source, Speaks):
        source.use_voice(settings.voice)
        source.use_face(settings.face)
    return source


def address_of(settings: SourceSettings, *, quiet: bool = False) -> str:
    """The source's address, ``auto`` resolved; ``quiet``: without a word in the log."""
    return first_camera_or_demo(quiet=quiet) if settings.uri == "auto" else settings.uri


def first_camera_or_demo(*, quiet: bool = False) -> str:
    """The URI that ``auto`` stands for on this machine, which is also logged, unless ``quiet``."""
    say = log.debug if quiet else log.info
    for path in v4l2.nodes():
        try:
            device = v4l2.query(path)
        except OSError as error:
            log.warning("source: a video device is passed by", device=str(path), reason=str(error))
            continue
        # A loopback device that accepts pictures is somebody's output, maybe our own.
        if device.capture and device.modes and not (device.loopback and device.output):
            say("source: auto is the first camera", camera=device.card, uri=f"v4l2://{path}")
            return f"v4l2://{path}"
    say("source: auto is demo://, as no camera here can capture")
    return "demo://"
