"""NV12 to RGBA, in any matrix and range: what a window of jetson-utils is fed with."""

from __future__ import annotations

from typing import Any

import numpy as np

from appliance.media.frame import F32, U8, Colour
from appliance.media.rgb import matrix_of
from appliance.pixels.cpu.jit import inline, kernel


def yuv_to_rgb(colour: Colour) -> F32:
    """The 3x4 matrix from (Y, Cb, Cr, 1) in 0..255 to (R, G, B) in 0..255, rounding included."""
    forth, offset = matrix_of(colour)
    back = np.linalg.inv(forth.astype(np.float64))
    return np.column_stack((back, 0.5 - back @ offset)).astype(np.float32)


@inline
def _byte(value: Any) -> Any:
    return np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@kernel("void(u1[:, :], u1[:, :, :], f4[:, ::1], u1[:, :, ::1])")
def nv12_to_rgba(y: U8, uv: U8, matrix: F32, out: U8) -> None:
    """``out`` uint8 (height, width, 4), even sides; ``matrix`` is ``yuv_to_rgb``'s.

    Chroma is repeated over its 2x2 block; the fourth byte is 255.
    """
    for row in range(y.shape[0]):
        for pair in range(uv.shape[1]):
            cb, cr = np.float32(uv[row // 2, pair, 0]), np.float32(uv[row // 2, pair, 1])
            red = matrix[0, 1] * cb + matrix[0, 2] * cr + matrix[0, 3]
            green = matrix[1, 1] * cb + matrix[1, 2] * cr + matrix[1, 3]
            blue = matrix[2, 1] * cb + matrix[2, 2] * cr + matrix[2, 3]
            for column in range(2 * pair, 2 * pair + 2):
                luma = np.float32(y[row, column])
                out[row, column, 0] = _byte(matrix[0, 0] * luma + red)
                out[row, column, 1] = _byte(matrix[1, 0] * luma + green)
                out[row, column, 2] = _byte(matrix[2, 0] * luma + blue)
                out[row, column, 3] = 255
