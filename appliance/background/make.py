"""From the settings to the background that they name."""

from __future__ import annotations

from appliance.background.base import Background
from appliance.config.schemes import BACKGROUNDS
from appliance.config.settings import BackgroundSettings
from appliance.config.uris import background_scheme
from appliance.errors import InputError
from appliance.media.frame import Format


def make_background(settings: BackgroundSettings, format: Format) -> Background:
    """The background for ``settings.uri``, decoded and scaled for a canvas of ``format``.

    Raises InputError for a file that cannot be used.
    """
    uri = settings.uri
    scheme = background_scheme(uri)
    # auto, which other addresses know, is no background and no file either.
    if scheme is None or uri == "auto":
        raise InputError(
            f"background {uri!r}: not known; expected a path or one of {BACKGROUNDS.known()}"
        )
    made: Background = scheme.make(settings, format)
    return made
