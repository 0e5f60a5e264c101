"""A picture with alpha, 8 bits, laid on black."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import U8
from appliance.pixels.cpu.jit import kernel


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], int32, uint8[:, :], uint8[:, :, :])"
)
def over_black(y: U8, cb: U8, cr: U8, alpha: U8, black: np.int32, out_y: U8, out_uv: U8) -> None:
    """Blend with black, rounded to the nearest: what is wholly transparent is black.

    Args:
        y, alpha: (height, width), even sides; alpha is not multiplied into them. cb, cr: half.
        black: luma of black, 0 or 16.
        out_y, out_uv: (height, width) and (height / 2, width / 2, 2), overwritten; a chroma sample
            has the mean alpha of its four pixels.
    """
    for row in range(y.shape[0]):
        for column in range(y.shape[1]):
            value = max(np.int32(y[row, column]) - black, np.int32(0)) * alpha[row, column]
            out_y[row, column] = np.uint8(black + (value + 127) // 255)
    for row in range(cb.shape[0]):
        for column in range(cb.shape[1]):
            total = np.int32(0)
            for dy in range(2):
                for dx in range(2):
                    total += np.int32(alpha[2 * row + dy, 2 * column + dx])
            blue = (np.int32(cb[row, column]) - 128) * total
            red = (np.int32(cr[row, column]) - 128) * total
            out_uv[row, column, 0] = np.uint8(128 + (blue + 510) // 1020)
            out_uv[row, column, 1] = np.uint8(128 + (red + 510) // 1020)
