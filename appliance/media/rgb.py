"""RGB pictures onto a canvas, to NV12 frames and back: for pictures made once, not every frame."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Colour, Format, Frame, Range


def matrix_of(colour: Colour) -> tuple[F32, F32]:
    """The affine map of RGB in 0..255 to Y, Cb, Cr in 0..255: a (3, 3) matrix and a (3,) offset."""
    kr, kb = colour.matrix.kr_kb
    kg = 1 - kr - kb
    luma = np.array([kr, kg, kb])
    rows = np.stack(
        (
            luma,
            (np.array([0, 0, 1]) - luma) / (2 * (1 - kb)),
            (np.array([1, 0, 0]) - luma) / (2 * (1 - kr)),
        )
    )
    if colour.range is Range.LIMITED:
        scale, offset = np.array([219, 224, 224]) / 255, np.array([16, 128, 128])
    else:
        scale, offset = np.array([1, 1, 1]), np.array([0, 128, 128])
    return (rows * scale[:, None]).astype(np.float32), offset.astype(np.float32)


def rgb_to_nv12(rgb: U8 | F32, colour: Colour) -> Frame:
    """The same picture as an NV12 frame.

    Args:
        rgb: (height, width, 3), 0..255; float32 keeps fractions until the one rounding at the
            end. An odd side loses its last row or column.
        colour: the frame's matrix and range.
    """
    height, width = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    matrix, offset = matrix_of(colour)
    affine = np.column_stack((matrix, offset)).astype(np.float32)
    y = np.empty((height, width), np.uint8)
    uv = np.empty((height // 2, width // 2, 2), np.uint8)
    # In strips, since an 8192x8192 picture in floats would take a gigabyte.
    for top in range(0, height, 256):
        strip = rgb[top : min(top + 256, height), :width].astype(np.float32)
        yuv = cv2.transform(strip, affine)
        # Values are rounded to the nearest integer; chroma is the mean of its 2x2 pixels.
        y[top : top + 256] = np.clip(np.rint(yuv[:, :, 0]), 0, 255)
        half = (strip.shape[1] // 2, strip.shape[0] // 2)
        mean = cv2.resize(yuv[:, :, 1:], half, interpolation=cv2.INTER_AREA)
        uv[top // 2 : top // 2 + 128] = np.clip(np.rint(mean), 0, 255)
    return Frame(y, uv, colour)


def nv12_to_rgb(frame: Frame) -> U8:
    """The frame as RGB, uint8 (height, width, 3); chroma is repeated over its 2x2 block."""
    matrix, offset = matrix_of(frame.colour)
    back = np.linalg.inv(matrix.astype(np.float64))
    uv = frame.uv.repeat(2, 0).repeat(2, 1)[: frame.height, : frame.width]
    yuv = np.dstack((frame.y, uv)).astype(np.float32)
    affine = np.column_stack((back, -back @ offset)).astype(np.float32)
    return np.clip(np.rint(cv2.transform(yuv, affine)), 0, 255).astype(np.uint8)


def place(rgb: U8, format: Format, fit: str) -> U8:
    """A picture on the canvas, RGB (height, width, 3).

    ``fit`` is "fill" (cover, cropped evenly) or "fit" (show all, with black bars).
    """
    height, width = rgb.shape[:2]
    if fit == "fill":
        scale = max(format.width / width, format.height / height)
        columns = min(width, max(1, round(format.width / scale)))
        rows = min(height, max(1, round(format.height / scale)))
        x, y = (width - columns) // 2, (height - rows) // 2
        return _resize(rgb[y : y + rows, x : x + columns], format.width, format.height)
    scale = min(format.width / width, format.height / height)
    # Even size, even offset: so no chroma sample mixes picture and bar.
    columns = min(format.width, max(2, round(width * scale / 2) * 2))
    rows = min(format.height, max(2, round(height * scale / 2) * 2))
    x, y = (format.width - columns) // 4 * 2, (format.height - rows) // 4 * 2
    canvas = np.zeros((format.height, format.width, 3), np.uint8)
    canvas[y : y + rows, x : x + columns] = _resize(rgb, columns, rows)
    return canvas


def _resize(rgb: U8, width: int, height: int) -> U8:
    shrinks = rgb.shape[1] > width or rgb.shape[0] > height
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=how), np.uint8)
