"""A background from a file: whether it is a picture or a video, its content says."""

from __future__ import annotations

from pathlib import Path

from appliance.background.base import Background
from appliance.background.still import StillBackground, place
from appliance.media.frame import Format
from appliance.media.rgb import rgb_to_nv12
from appliance.sources.check_file import check_file


def picture_or_video(path: Path, format: Format, fit: str) -> Background:
    """The picture, decoded and scaled, or the video, playing. Raises InputError."""
    check_file(path, "background")
    # Decoders are imported when there is something to decode.
    from appliance.background.image import read_picture

    picture = read_picture(path, max(format.width, format.height))
    if picture is not None:
        return StillBackground(rgb_to_nv12(place(picture, format, fit), format.colour))
    from appliance.background.video import VideoBackground

    return VideoBackground(path, format, fit)
