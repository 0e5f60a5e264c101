"""A path or file://: a picture or a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import BackgroundScheme

if TYPE_CHECKING:
    from appliance.background.base import Background
    from appliance.config.settings import BackgroundSettings
    from appliance.media.frame import Format


def make(settings: BackgroundSettings, format: Format) -> Background:
    """The picture, decoded, or the video, playing."""
    from appliance.background.files import picture_or_video

    path = shapes.file_path(settings.uri).expanduser()
    return picture_or_video(path, format, settings.fit)


SCHEME = BackgroundScheme(
    names=("file",),
    place=10,
    written="a path, file:///…",
    check=shapes.file,
    bare=True,
    path=shapes.file_path,
    has_file=True,
    make=make,
)
