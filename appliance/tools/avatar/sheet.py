"""A sheet of an avatar: each clip as a row of small pictures over grey, then its seams."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.avatars.avatar import Avatar, ClipEntry
from appliance.avatars.clip import Clip, ClipFrame, seconds
from appliance.media.frame import U8, Format, Frame
from appliance.pixels.cpu.picture import to_bgr
from appliance.tools.avatar.graph import draw_graph, draw_seams

_SHOWN = 8
_WIDTH, _GAP, _LINE = 220, 6, 26
_GREY, _PAPER, _INK = 128, 246, 30


def draw_sheet(avatar: Avatar) -> U8:
    """The sheet: BGR uint8 (height, width, 3)."""
    width = _GAP + _SHOWN * (_WIDTH + _GAP)
    title = f"{avatar.name}   {avatar.format}"
    parts = [_text(title, width, 0.8, _LINE + 12)]
    for entry in avatar.manifest.clips:
        parts += [_text(_caption(avatar, entry), width), _row(avatar.clips[entry.name])]
    for title, drawn in (
        ("clips and seams", draw_graph(avatar)),
        ("seams frame by frame, the least good first", draw_seams(avatar)),
    ):
        parts += [_text(title, width), _fitted(drawn, width)]
    return np.vstack(parts)


def over(frame: ClipFrame, format: Format, plain: int = _GREY) -> U8:
    """A picture of a clip over one grey: BGR uint8, of the size of the canvas."""
    picture = np.full((format.height, format.width, 3), plain, np.uint8)
    rect = frame.rect
    # Straight colours, so RGB may be mixed by alpha.
    front = to_bgr(Frame(np.ascontiguousarray(frame.y), frame.uv, format.colour))
    share = frame.alpha[..., None].astype(np.float32) / 255
    place = picture[rect.y : rect.bottom, rect.x : rect.right]
    place[:] = np.rint(front * share + place * (1 - share)).astype(np.uint8)
    return picture


def _row(clip: Clip) -> U8:
    """As many pictures as fit, spread over the clip, the first and the last of it among them."""
    format = clip.header.format
    height = round(_WIDTH * format.height / format.width)
    count = min(_SHOWN, clip.frames)
    row = np.full((height + _GAP, _GAP + _SHOWN * (_WIDTH + _GAP), 3), _PAPER, np.uint8)
    for place, index in enumerate(np.linspace(0, clip.frames - 1, count).round().astype(int)):
        small = cv2.resize(
            over(clip.frame(int(index)), format), (_WIDTH, height), interpolation=cv2.INTER_AREA
        )
        left = _GAP + place * (_WIDTH + _GAP)
        cv2.putText(small, str(index), (5, height - 6), *_font(0.4, 255))
        row[:height, left : left + _WIDTH] = small
    return row


def _caption(avatar: Avatar, entry: ClipEntry) -> str:
    header = avatar.clips[entry.name].header
    rect, fps = header.rect, avatar.format.fps
    sound = "with sound" if header.sounding else "silent"
    return (
        f"{entry.name}   {entry.role}   {seconds(entry.frames, fps):.2f} s, {entry.frames} frames "
        f"at {avatar.format.rate:.4g}   {rect.width}x{rect.height} at {rect.x},{rect.y}   {sound}"
    )


def _text(text: str, width: int, size: float = 0.5, height: int = _LINE) -> U8:
    picture = np.full((height, width, 3), _PAPER, np.uint8)
    # OpenCV's letters are ASCII only; names are, by their pattern.
    cv2.putText(picture, text, (_GAP + 2, height - 8), *_font(size, _INK))
    return picture


def _font(size: float, ink: int) -> tuple[int, float, tuple[int, int, int], int, int]:
    return cv2.FONT_HERSHEY_SIMPLEX, size, (ink, ink, ink), 1, cv2.LINE_AA


def _fitted(picture: U8, width: int) -> U8:
    """At most as wide as the sheet, on paper."""
    height, own = picture.shape[:2]
    if own > width:
        height = round(height * width / own)
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        picture = small.astype(np.uint8)
    page = np.full((height + _GAP, width, 3), _PAPER, np.uint8)
    page[:height, : picture.shape[1]] = picture
    return page
