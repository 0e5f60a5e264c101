"""A frame as an ordinary picture, for PNGs: not for the frame path."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import U8, Frame
from appliance.pixels.cpu.crop import planes_to_tensor


def to_bgr(frame: Frame) -> U8:
    """uint8 (height, width, 3), blue first as OpenCV writes it; chroma scaled up bilinearly."""
    height, width = frame.y.shape
    chroma = cv2.resize(np.ascontiguousarray(frame.uv), (width, height))
    planes = np.empty((3, height, width), np.float32)
    planes[0], planes[1], planes[2] = frame.y, chroma[..., 0], chroma[..., 1]
    out = np.empty((3, height, width), np.float32)
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    planes_to_tensor(planes, frame.colour, zero, one, out, bgr=True)
    return np.ascontiguousarray(np.moveaxis(np.rint(out).astype(np.uint8), 0, 2))
