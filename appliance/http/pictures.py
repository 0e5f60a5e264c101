"""Frames and mattes as JPEG and PNG. Not for use in the frame path."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from appliance.daemon.tap import TappedFrame
from appliance.media.frame import U8, Frame
from appliance.media.image import FORMATS, MOST_WORKING, reduced, too_costly, working_bytes
from appliance.pixels.cpu.picture import to_bgr
from appliance.pixels.cpu.plate import KNOWN
from appliance.stages.learnt_room import LearntRoom

Show = Literal["composite", "matte", "both"]
Encoding = Literal["jpeg", "png"]
_QUALITY = 80
# Places of the room that are not known are filled at this size; how far Telea looks around.
_FILLED_AT, _NEAR, _HALF, _SOFT = 240, 5, 0.5, 3.0


def picture_of(look: TappedFrame, show: Show, width: int | None = None) -> U8:
    """A tapped frame as a picture, BGR uint8 (height, columns, 3).

    ``width`` is that of each part, in pixels, rounded down to a multiple of 16 and never more than
    the frame's; None means the frame's own. ``both`` has the composite on the left, the matte on
    the right. A placeholder's matte is black: nobody is cut out.
    """
    frame = look.frame
    if width is not None and width < frame.width:
        columns = max(16, width // 16 * 16)
        rows = max(2, round(frame.height * columns / frame.width / 2) * 2)
        frame = _smaller(frame, columns, rows)
    parts = []
    if show != "matte":
        parts.append(to_bgr(frame))
    if show != "composite":
        parts.append(_matte(look.matte, frame.width, frame.height))
    return parts[0] if len(parts) == 1 else np.hstack(parts)


def _smaller(frame: Frame, width: int, height: int) -> Frame:
    y = cv2.resize(frame.y, (width, height), interpolation=cv2.INTER_AREA)
    uv = cv2.resize(
        np.ascontiguousarray(frame.uv), (width // 2, height // 2), interpolation=cv2.INTER_AREA
    )
    return replace(frame, y=np.asarray(y, np.uint8), uv=np.asarray(uv, np.uint8), owner=None)


def _matte(matte: U8 | None, width: int, height: int) -> U8:
    if matte is None:
        return np.zeros((height, width, 3), np.uint8)
    if matte.shape != (height, width):
        small = cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA)
        matte = np.asarray(small, np.uint8)
    return np.repeat(matte[:, :, None], 3, axis=2)


def picture_of_room(room: LearntRoom) -> U8:
    """The learnt room, BGR uint8 (height, width, 3).

    What is not known is made up from what is known around it (Telea, "An image inpainting
    technique based on the fast marching method", 2004), at a small size: a blur, not a guess.
    """
    frame = room.picture
    whole = to_bgr(frame)
    unknown = (room.times < KNOWN).astype(np.uint8)
    if not unknown.any():
        return whole
    if unknown.all():
        return np.zeros_like(whole)
    # To the right and below, the last cells may be cut short.
    cells = np.repeat(np.repeat(unknown, room.cell, 0), room.cell, 1)
    # A pixel more than that: chroma is scaled up, and those beside carry some of its colour.
    hidden = cv2.dilate(cells[: frame.height, : frame.width], np.ones((5, 5), np.uint8))
    scale = min(1.0, _FILLED_AT / max(frame.width, frame.height))
    size = (max(2, round(frame.width * scale)), max(2, round(frame.height * scale)))
    seen = np.asarray(hidden == 0, np.float32)
    share = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
    weighed = cv2.resize(whole * seen[..., None], size, interpolation=cv2.INTER_AREA)
    small = np.clip(np.rint(weighed / np.maximum(share, 1e-3)[..., None]), 0, 255)
    holes = np.asarray(share < _HALF, np.uint8)
    filled = cv2.inpaint(small.astype(np.uint8), holes, _NEAR, cv2.INPAINT_TELEA)
    # Telea leaves seams where its fronts meet.
    filled = np.where(holes[..., None] > 0, cv2.GaussianBlur(filled, (0, 0), _SOFT), filled)
    large = cv2.resize(filled, (frame.width, frame.height), interpolation=cv2.INTER_CUBIC)
    return np.where(hidden[..., None] > 0, large, whole).astype(np.uint8)


def encode(picture: U8, encoding: Encoding) -> bytes:
    """Encode the picture (BGR) as the bytes of a file."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if encoding == "jpeg" else []
    done, data = cv2.imencode(f".{encoding}", picture, options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a picture of {picture.shape} as {encoding}")
    return data.tobytes()


def thumbnail(path: str, width: int, height: int, most_pixels: int) -> bytes:
    """The centre of the picture in a file, as a JPEG of that size.

    Raises OSError, ValueError or SyntaxError if it is not a picture or exceeds ``most_pixels``.
    """
    try:
        opened = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
    with opened as picture:
        if picture.width * picture.height > most_pixels:
            raise ValueError(f"{picture.width}x{picture.height} pixels are too many")
        needs = working_bytes(picture)
        if needs > MOST_WORKING:
            raise ValueError(too_costly(picture, needs))
        small = Image.fromarray(reduced(picture, 2 * max(width, height), path))
    scale = max(width / small.width, height / small.height)
    half = (width / scale / 2, height / scale / 2)
    middle = (small.width / 2, small.height / 2)
    box = (
        middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1],
    )  # fmt: skip
    fitted = small.resize((width, height), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    out = io.BytesIO()
    fitted.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
