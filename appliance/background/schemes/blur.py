"""blur://: the real scene, out of focus; it does not hide the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config.schemes import BackgroundScheme

if TYPE_CHECKING:
    from appliance.background.base import Background
    from appliance.config.settings import BackgroundSettings
    from appliance.media.frame import Format


def make(settings: BackgroundSettings, format: Format) -> Background:
    """The blur, made anew of each frame; a warning goes to the log."""
    import structlog

    from appliance.background.blur import BlurBackground

    structlog.get_logger(__name__).warning(
        "background: blur:// shows the real room out of focus; it does not hide it"
    )
    return BlurBackground(format, settings.blur_radius)


SCHEME = BackgroundScheme(names=("blur",), place=40, written="blur://", hides_room=False, make=make)
