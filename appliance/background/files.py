"""A background from a file, whose content says whether it is a picture or a video."""

from __future__ import annotations

from pathlib import Path

from appliance.background.base import Background
from appliance.background.still import StillBackground
from appliance.media.frame import Format
from appliance.media.rgb import place, rgb_to_nv12
from appliance.sources.check_file import check_file


def picture_or_video(path: Path, format: Format, fit: str) -> Background:
    """The picture, decoded and scaled, or the video, playing. Raises InputError."""
    check_file(path, "background")
    # Decoders are only imported when there is something to decode.
    from appliance.background.animation import AnimationSource, is_animated
    from appliance.media.image import read_picture

    if is_animated(path):
        from appliance.background.video import VideoBackground

        return VideoBackground(path, format, fit, AnimationSource(path, fit))
    picture = read_picture(path, max(format.width, format.height))
    if picture is not None:
        return StillBackground(rgb_to_nv12(place(picture, format, fit), format.colour))
    from appliance.background.video import VideoBackground

    return VideoBackground(path, format, fit)
