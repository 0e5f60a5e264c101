"""From a decoded picture to frames: of the canvas's size, for as long as it stands."""

from __future__ import annotations

import time
from dataclasses import replace

from appliance.config.settings import SourceSettings
from appliance.config.settings.types import MIN_SIDE
from appliance.errors import InputError
from appliance.media.frame import U8, Colour, Format, Frame
from appliance.media.rgb import place, rgb_to_nv12
from appliance.sources.caps_fixes import default_matrix

LONGEST, SHORTEST = 1920, 1080
"""Pixels that a picture brings by itself; photographs have more than a canvas wants."""
_RATE = (30, 1)


def longest_of(settings: SourceSettings, want: Format | None) -> int:
    """To what longer side in pixels pictures need to be decoded."""
    if want is not None:
        return max(want.width, want.height)
    return LONGEST if settings.size == "auto" else max(settings.size)


def format_of(rgb: U8, settings: SourceSettings, what: str) -> Format:
    """What a picture's frames are like, unless a canvas has been settled on.

    Its own size within 1920x1080 or 1080x1920, or ``source.size``; ``source.fps``, or 30. Raises
    InputError for one that is too small.
    """
    height, width = rgb.shape[:2]
    by = min(1.0, LONGEST / max(width, height), SHORTEST / min(width, height))
    size = max(2, round(width * by / 2) * 2), max(2, round(height * by / 2) * 2)
    if settings.size != "auto":
        size = settings.size
    elif min(size) < MIN_SIDE:
        raise InputError(
            f"{what}: the picture is {width}x{height} pixels; both sides must be at least "
            f"{MIN_SIDE}, within {LONGEST}x{SHORTEST}: set source.size, or take another"
        )
    fps = _RATE if settings.fps == "auto" else settings.fps
    return Format(*size, fps, Colour(default_matrix(size[1])))


def shown(rgb: U8, format: Format) -> Frame:
    """The whole picture on the canvas, black where it does not reach."""
    return rgb_to_nv12(place(rgb, format, "fit"), format.colour)


def at(frame: Frame, index: int, format: Format, *, cut: bool) -> Frame:
    """The frame as number ``index`` of a stream."""
    numerator, denominator = format.fps
    step = 1_000_000_000 * denominator / numerator
    pts = round(index * step)
    return replace(
        frame, pts=pts, duration=round((index + 1) * step) - pts, captured=time.monotonic_ns(),
        serial=index, discontinuity=cut,
    )  # fmt: skip
