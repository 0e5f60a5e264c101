"""From the settings to the background that they name."""

from __future__ import annotations

import structlog

from appliance.background.base import Background
from appliance.background.blur import BlurBackground
from appliance.background.still import StillBackground, colour_frame, gradient_frame, place
from appliance.config.settings import BackgroundSettings
from appliance.config.uris import BACKGROUND_SCHEMES, path_of, scheme_of
from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.media.rgb import rgb_to_nv12
from appliance.sources.check_file import check_file

log = structlog.get_logger(__name__)


def make_background(settings: BackgroundSettings, format: Format) -> Background:
    """The background for ``settings.uri``, decoded and scaled for a canvas of ``format``.

    Raises InputError for a file that cannot be used.
    """
    uri, scheme = settings.uri, scheme_of(settings.uri)
    if scheme == "colour":
        return StillBackground(colour_frame(uri[uri.index("#") :], format))
    if scheme == "gradient":
        return StillBackground(gradient_frame(format))
    if scheme == "blur":
        log.warning("background: blur:// shows the real room out of focus; it does not hide it")
        return BlurBackground(format, settings.blur_radius)
    path = path_of(uri)
    if path is None:
        known = ", ".join(f"{name}://" for name in BACKGROUND_SCHEMES)
        raise InputError(f"background {uri!r}: not known; expected a path or one of {known}")
    if scheme == "":
        path = path.expanduser()
    check_file(path, "background")
    # Decoders are imported when there is something to decode.
    from appliance.background.image import read_picture

    picture = read_picture(path, max(format.width, format.height))
    if picture is not None:
        return StillBackground(rgb_to_nv12(place(picture, format, settings.fit), format.colour))
    from appliance.background.video import VideoBackground

    return VideoBackground(path, format, settings.fit)
