"""What a network painted, as a difference to the picture: carried and applied at the frame's size.

The network sees the picture on its own small grid. What it changed there is enlarged and added, so
that the picture keeps its own detail, however small the grid.
"""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.networks.picture import PictureNetwork


def paint(network: PictureNetwork, frame: Frame, alpha: U8 | None = None) -> F32:
    """What a network changes: float32 (3, rows, columns), of Y, Cb, Cr, on its grid.

    ``alpha``: uint8 (height, width): only this part of the frame may be seen; the rest is given to
    the network as the mean colour of it.
    """
    size = network.size
    planes = np.empty((3, size[1], size[0]), np.float32)
    luma = cv2.resize(np.ascontiguousarray(frame.y), size, interpolation=cv2.INTER_AREA)
    chroma = cv2.resize(np.ascontiguousarray(frame.uv), size, interpolation=cv2.INTER_AREA)
    planes[0], planes[1], planes[2] = luma, chroma[..., 0], chroma[..., 1]
    if alpha is not None:
        weight = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        total = max(float(weight.sum()), 1e-6)
        mean = (planes * weight).sum(axis=(1, 2)) / total
        planes = weight * planes + (1 - weight) * mean[:, None, None]
    return np.asarray(network(np.ascontiguousarray(planes), frame.colour) - planes, np.float32)


def add_painting(frame: Frame, shift: F32, strength: float, out: Frame, rect: Rect) -> None:
    """Add what ``paint`` gave, times ``strength``, to a part of a frame.

    Args:
        frame: NV12, even sides. out: of its size; may be the frame itself.
        rect: even, inside the frame.
    """
    if rect.area == 0:
        return
    bound = np.rint(np.clip(shift * strength, -255, 255)).astype(np.int16)
    part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
    wide = cv2.resize(bound[0], (frame.width, frame.height), interpolation=cv2.INTER_LINEAR)
    out.y[part] = cv2.add(np.ascontiguousarray(frame.y[part]), wide[part], dtype=cv2.CV_8U)
    half = np.s_[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
    size = (frame.width // 2, frame.height // 2)
    tint = cv2.resize(np.dstack((bound[1], bound[2])), size, interpolation=cv2.INTER_LINEAR)
    out.uv[half] = cv2.add(np.ascontiguousarray(frame.uv[half]), tint[half], dtype=cv2.CV_8U)
