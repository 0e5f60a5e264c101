"""Crop: a part of an NV12 frame, antialiased to the network's grid, as planes and as a tensor."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from appliance.media.frame import F32, U8, Colour, Frame, Range, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.lanes import dense_row
from appliance.pixels.cpu.resize import resize_plane


def shrunk(plane: U8, shape: tuple[int, ...]) -> F32:
    """One plane, uint8, antialiased to (rows, columns): float32, 0..255."""
    out = np.empty((1, *shape), np.float32)
    resize_plane(plane, Rect(0, 0, plane.shape[1], plane.shape[0]), out)
    return np.asarray(out[0], np.float32)


def crop_planes(frame: Frame, rect: Rect, out: F32, part: tuple[int, int] | None = None) -> None:
    """Resize ``rect`` of ``frame`` to planes Y, Cb, Cr on one grid.

    Args:
        frame: NV12, any pitch.
        rect: inside the frame, even on all sides.
        out: float32 (3, rows, columns), overwritten; values 0..255 as they stand in the frame.
        part: at least the rows from the first to before the second; None: all of them.

    Raises:
        ValueError: ``rect`` is empty, odd, or not inside the frame.
    """
    if rect.area <= 0 or not frame.rect.contains(rect):
        raise ValueError(f"{rect} is not inside a frame of {frame.width}x{frame.height} pixels")
    if (rect.x | rect.y | rect.width | rect.height) & 1:
        raise ValueError(f"{rect}: NV12 can only be cut on even pixels")
    resize_plane(frame.y, rect, out[:1], part)
    half = Rect(rect.x // 2, rect.y // 2, rect.width // 2, rect.height // 2)
    resize_plane(frame.uv_rows, half, out[1:], part)


def yuv_to_rgb(colour: Colour) -> F32:
    """The 3x4 matrix from (Y, Cb, Cr, 1) in 0..255 to (R, G, B) in 0..255.

    ITU-R BT.601-7 and BT.709-6 section 3, quantised as in their 8-bit tables; full range as in
    JFIF 1.02.
    """
    kr, kb = colour.matrix.kr_kb
    kg = 1 - kr - kb
    limited = colour.range is Range.LIMITED
    sy, sc, oy = (255 / 219, 255 / 224, 16.0) if limited else (1.0, 1.0, 0.0)
    rows = np.array(
        [
            [sy, 0.0, sc * 2 * (1 - kr)],
            [sy, -sc * 2 * kb * (1 - kb) / kg, -sc * 2 * kr * (1 - kr) / kg],
            [sy, sc * 2 * (1 - kb), 0.0],
        ]
    )
    offset = -rows @ np.array([oy, 128.0, 128.0])
    return np.hstack([rows, offset[:, None]]).astype(np.float32)


@kernel("void(float32[:, :, ::1], float32[:, ::1], float32[::1], float32[::1], float32[:, :, :])")
def _convert(planes: F32, matrix: F32, mean: F32, scale: F32, out: F32) -> None:
    line = np.empty(out.shape[2], np.float32)
    dense = out.strides[2] == out.itemsize
    for j in range(planes.shape[1]):
        luma, blue, red = planes[0, j], planes[1, j], planes[2, j]
        for c in range(3):
            a, b, d, e = matrix[c, 0], matrix[c, 1], matrix[c, 2], matrix[c, 3]
            less, times = mean[c], scale[c]
            row = dense_row(out, c, j) if dense else line
            for i in range(row.shape[0]):
                value = a * luma[i] + b * blue[i] + d * red[i] + e
                value = min(max(value, np.float32(0)), np.float32(255))
                row[i] = (value - less) * times
            if not dense:
                # Not out[c, j] = line: that brings numba's run time with it.
                for i in range(row.shape[0]):
                    out[c, j, i] = line[i]


@lru_cache(16)
def _matrix(colour: Colour, bgr: bool) -> F32:
    """``yuv_to_rgb``, its rows the other way round for BGR; never written to."""
    matrix = yuv_to_rgb(colour)
    return np.ascontiguousarray(matrix[::-1]) if bgr else matrix


def planes_to_tensor(
    planes: F32, colour: Colour, mean: F32, scale: F32, out: F32, *, bgr: bool = False
) -> None:
    """Y, Cb, Cr planes to normalised RGB (or BGR) planes: ``(pixel - mean) * scale``.

    Args:
        planes: float32 (3, rows, columns), 0..255.
        mean, scale: float32 (3,), in the order of the output's channels.
        out: float32 (3, rows, columns), any strides (a view of an NHWC tensor will do).
    """
    _convert(np.ascontiguousarray(planes), _matrix(colour, bgr), mean, scale, out)
