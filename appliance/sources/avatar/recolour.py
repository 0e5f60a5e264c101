"""An avatar made in one colour, shown on a canvas in another: SD footage on an HD canvas, say."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import U8, Colour
from appliance.media.rgb import matrix_of
from appliance.pixels import cpu


class Recolour:
    """Brings NV12 planes from one matrix and range to another, in place.

    Both steps, to RGB and back, are one affine map (see ``yuv_to_rgb``). Grey stays grey in it, so
    chroma needs no luma, and luma needs chroma at half the resolution only. Levels that RGB could
    not hold are kept, as far as eight bits do.
    """

    def __init__(self, given: Colour, wanted: Colour) -> None:
        to_rgb = cpu.yuv_to_rgb(given)
        from_rgb, offset = matrix_of(wanted)
        whole = from_rgb @ to_rgb
        whole[:, 3] += offset
        self._luma = float(whole[0, 0])
        self._shift = np.ascontiguousarray(whole[:1, 1:])
        self._chroma = np.ascontiguousarray(whole[1:, 1:])

    def __call__(self, y: U8, uv: U8) -> None:
        """``y``: uint8 (rows, columns), both even. ``uv``: uint8 (rows/2, columns/2, 2)."""
        size = (y.shape[1], y.shape[0])
        shift = cv2.transform(uv.astype(np.float32), self._shift)
        shift = cv2.resize(shift, size, interpolation=cv2.INTER_LINEAR)
        luma = y.astype(np.float32)
        y[:] = cv2.addWeighted(luma, self._luma, shift, 1.0, 0.0, dtype=cv2.CV_8U)
        uv[:] = cv2.transform(uv, self._chroma)
