"""The slate: what is shown when there is no matte to trust, with the reason in words."""

from __future__ import annotations

import textwrap

import cv2
import numpy as np

from appliance.media.frame import U8, Format, Frame, Range

_FONT = cv2.FONT_HERSHEY_DUPLEX


def _line(luma: U8, text: str, baseline: int, size: float, level: int) -> None:
    """One centred line of text with capitals ``size`` pixels high."""
    scale = cv2.getFontScaleFromHeight(_FONT, max(4, round(size)), 1)
    thickness = max(1, round(size / 14))
    (width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    room = luma.shape[1] * 0.92
    if width > room:
        scale, width = scale * room / width, int(room)
    origin = ((luma.shape[1] - width) // 2, baseline)
    cv2.putText(luma, text, origin, _FONT, scale, level, thickness, cv2.LINE_AA)


def slate(format: Format, reason: str) -> Frame:
    """A calm dark picture that says why there is no video.

    Args:
        reason: shown in at most three lines; what OpenCV's fonts cannot draw becomes "?".
    """
    limited = format.colour.range is Range.LIMITED
    dark, grey, light = (32, 120, 210) if limited else (20, 120, 225)
    width, height = format.width, format.height
    y = np.full((height, width), dark, np.uint8)
    plain = reason.encode("ascii", "replace").decode()
    lines = textwrap.wrap(plain, 58)[:3] or ["one moment"]
    _line(y, "MATTEBOX", round(height * 0.42), height * 0.055, light)
    cv2.line(
        y,
        (round(width * 0.5 - height * 0.1), round(height * 0.465)),
        (round(width * 0.5 + height * 0.1), round(height * 0.465)),
        grey,
        max(1, height // 360),
    )
    for index, line in enumerate(lines):
        _line(y, line, round(height * (0.54 + 0.055 * index)), height * 0.028, grey)
    uv = np.full((height // 2, width // 2, 2), 128, np.uint8)
    return Frame(y, uv, format.colour)
