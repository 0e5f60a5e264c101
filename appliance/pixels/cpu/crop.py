"""Crop: a part of an NV12 frame, antialiased to the network's grid, as planes and as a tensor."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Colour, Frame, Range, Rect
from appliance.pixels.cpu.jit import kernel


@kernel("void(uint8[:, :], int64, int64, int64, int64, int64, float32[:, :, :], int64, int64)")
def _area(
    plane: U8, x0: int, y0: int, width: int, height: int, channels: int, out: F32, start: int,
    end: int,
) -> None:  # fmt: skip
    """Mean of the source box under each destination pixel; ``out`` is (channels, rows, columns).

    ``plane`` holds ``channels`` interleaved bytes a pixel. Only for shrinking or equal size, and
    only the rows from ``start`` to ``end``.
    """
    rows, columns = out.shape[1], out.shape[2]
    step_y, step_x = height / rows, width / columns
    span = width * channels
    line = np.empty(span, np.float32)
    norm = np.float32(1.0 / (step_y * step_x))
    for j in range(start, end):
        top, bottom = j * step_y, (j + 1) * step_y
        first, last = int(top), min(int(np.ceil(bottom - 1e-9)), height)
        line[:] = np.float32(0)
        for r in range(first, last):
            weight = np.float32(min(bottom, r + 1.0) - max(top, float(r)))
            row = plane[y0 + r, x0 * channels : x0 * channels + span]
            for i in range(span):
                line[i] += weight * np.float32(row[i])
        for c in range(channels):
            for k in range(columns):
                left, right = k * step_x, (k + 1) * step_x
                a, b = int(left), min(int(np.ceil(right - 1e-9)), width)
                total = np.float32(0)
                for i in range(a + 1, b - 1):
                    total += line[i * channels + c]
                if b - a == 1:
                    total = line[a * channels + c] * np.float32(right - left)
                else:
                    total += line[a * channels + c] * np.float32(a + 1 - left)
                    total += line[(b - 1) * channels + c] * np.float32(right - (b - 1))
                out[c, j, k] = total * norm


def _resample(
    plane: U8, channels: int, rect: Rect, out: F32, part: tuple[int, int] | None = None
) -> None:
    """Area mean where the part shrinks, bilinear (half-pixel centres) where it grows."""
    rows, columns = out.shape[1:]
    if rect.height >= rows and rect.width >= columns:
        _area(plane, rect.x, rect.y, rect.width, rect.height, channels, out, *(part or (0, rows)))
        return
    cut = plane[rect.y : rect.bottom, rect.x * channels : rect.right * channels]
    cut = np.ascontiguousarray(cut).reshape(rect.height, rect.width, channels)
    sized = cv2.resize(cut.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)
    out[:] = np.moveaxis(sized.reshape(rows, columns, channels), 2, 0)


def shrunk(plane: U8, shape: tuple[int, ...]) -> F32:
    """One plane, uint8, antialiased to (rows, columns): float32, 0..255."""
    out = np.empty((1, *shape), np.float32)
    _resample(plane, 1, Rect(0, 0, plane.shape[1], plane.shape[0]), out)
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
    _resample(frame.y, 1, rect, out[:1], part)
    half = Rect(rect.x // 2, rect.y // 2, rect.width // 2, rect.height // 2)
    _resample(frame.uv_rows, 2, half, out[1:], part)


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


@kernel("void(float32[:, :, :], float32[:, :], float32[:], float32[:], float32[:, :, :])")
def _convert(planes: F32, matrix: F32, mean: F32, scale: F32, out: F32) -> None:
    rows, columns = planes.shape[1], planes.shape[2]
    for c in range(3):
        a, b, d, e = matrix[c, 0], matrix[c, 1], matrix[c, 2], matrix[c, 3]
        for j in range(rows):
            for i in range(columns):
                value = a * planes[0, j, i] + b * planes[1, j, i] + d * planes[2, j, i] + e
                value = min(max(value, np.float32(0)), np.float32(255))
                out[c, j, i] = (value - mean[c]) * scale[c]


def planes_to_tensor(
    planes: F32, colour: Colour, mean: F32, scale: F32, out: F32, *, bgr: bool = False
) -> None:
    """Y, Cb, Cr planes to normalised RGB (or BGR) planes: ``(pixel - mean) * scale``.

    Args:
        planes: float32 (3, rows, columns), 0..255.
        mean, scale: float32 (3,), in the order of the output's channels.
        out: float32 (3, rows, columns), any strides (a view of an NHWC tensor will do).
    """
    matrix = yuv_to_rgb(colour)
    if bgr:
        matrix = np.ascontiguousarray(matrix[::-1])
    _convert(planes, matrix, mean, scale, out)
