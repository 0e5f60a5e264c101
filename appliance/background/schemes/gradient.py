"""gradient://: the built-in backdrop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config.schemes import BackgroundScheme

if TYPE_CHECKING:
    from appliance.background.base import Background
    from appliance.config.settings import BackgroundSettings
    from appliance.media.frame import Format


def make(settings: BackgroundSettings, format: Format) -> Background:
    """The backdrop for a canvas."""
    from appliance.background.still import StillBackground, gradient_frame

    return StillBackground(gradient_frame(format))


SCHEME = BackgroundScheme(names=("gradient",), place=30, written="gradient://", make=make)
