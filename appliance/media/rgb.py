"""RGB pictures to NV12 frames and back, for what is converted once (not for every frame)."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Colour, Frame, Range


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
    """A frame of the same picture.

    Args:
        rgb: (height, width, 3), 0..255; float32 keeps fractions until the one rounding at the
            end. Odd sides are cut by a line.
        colour: the frame's matrix and range.
    """
    height, width = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    matrix, offset = matrix_of(colour)
    affine = np.column_stack((matrix, offset)).astype(np.float32)
    y = np.empty((height, width), np.uint8)
    uv = np.empty((height // 2, width // 2, 2), np.uint8)
    # In strips, as a picture of 8192x8192 as floats would take a gigabyte.
    for top in range(0, height, 256):
        strip = rgb[top : min(top + 256, height), :width].astype(np.float32)
        yuv = cv2.transform(strip, affine)
        # What is stored is the nearest integer; 2x2 chroma is the mean of its four pixels.
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
