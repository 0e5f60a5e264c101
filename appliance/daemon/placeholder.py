"""The slate: shown when there is no matte to trust.

It is for the audience, and says nothing of the camera, its address or its files: why there is no
picture is for the operator, in the log, on the page and in the status.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from appliance.config.settings import Companion
from appliance.media.frame import U8, Format, Frame, Range, blank
from appliance.pixels.cpu import draw_plain
from appliance.stages.key_fill.kinds import plain_of

_FONT = cv2.FONT_HERSHEY_DUPLEX


def _line(luma: U8, text: str, baseline: int, size: float, level: int) -> None:
    """Draw one centred line of text with capitals ``size`` pixels high."""
    scale = cv2.getFontScaleFromHeight(_FONT, max(4, round(size)), 1)
    thickness = max(1, round(size / 14))
    (width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    room = luma.shape[1] * 0.92
    if width > room:
        scale, width = scale * room / width, int(room)
    origin = ((luma.shape[1] - width) // 2, baseline)
    cv2.putText(luma, text, origin, _FONT, scale, level, thickness, cv2.LINE_AA)


_STARTING = "One moment, please."
_BROKEN = "The picture will be back in a moment."


@lru_cache(maxsize=2)
def slate(format: Format, *, starting: bool) -> Frame:
    """A calm dark picture with a sentence for whoever watches.

    ``starting``: there has been no picture yet. The frame is shared: not to be written to.
    """
    limited = format.colour.range is Range.LIMITED
    dark, grey, light = (32, 120, 210) if limited else (20, 120, 225)
    width, height = format.width, format.height
    y = np.full((height, width), dark, np.uint8)
    _line(y, "MATTEBOX", round(height * 0.42), height * 0.055, light)
    cv2.line(
        y,
        (round(width * 0.5 - height * 0.1), round(height * 0.465)),
        (round(width * 0.5 + height * 0.1), round(height * 0.465)),
        grey,
        max(1, height // 360),
    )
    _line(y, _STARTING if starting else _BROKEN, round(height * 0.54), height * 0.028, grey)
    uv = np.full((height // 2, width // 2, 2), 128, np.uint8)
    return Frame(y, uv, format.colour)


@lru_cache(maxsize=8)
def nobody(format: Format, companion: Companion) -> Frame:
    """What goes out beside the placeholder: a key and a fill of nobody, a green without anybody.

    So a switcher shows what is its own, and no slate is keyed over it. The frame is shared: not to
    be written to.
    """
    frame = blank(format.width, format.height, format.colour)
    draw_plain(plain_of(companion, format.colour), frame)
    return frame
