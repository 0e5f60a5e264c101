"""Captions: a premultiplied NV12 picture with alpha, laid over a composite."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import U8, Colour, Frame
from appliance.media.rgb import matrix_of
from appliance.pixels.cpu.jit import kernel


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A caption at even coordinates in the frame.

    Attributes:
        x, y: its top left corner in the frame, even; it lies wholly inside the frame.
        luma: uint8 (height, width), even sides: Y times alpha.
        chroma: uint8 (height/2, width/2, 2): Cb and Cr, each times the mean alpha of its block.
        alpha: uint8 (height, width), 0..255.
    """

    x: int
    y: int
    luma: U8
    chroma: U8
    alpha: U8


def overlay_of(bgra: U8, x: int, y: int, colour: Colour) -> Overlay:
    """A picture in RGB with alpha as an overlay at (x, y). Done once, not for each frame.

    Args:
        bgra: uint8 (height, width, 4), even sides: blue, green and red, each times alpha; alpha.
        colour: of the frames that it is laid over.

    Raises:
        ValueError: odd sides.
    """
    height, width = bgra.shape[:2]
    if (height | width) & 1:
        raise ValueError(f"an overlay of {width}x{height}: expected even sides")
    matrix, offset = matrix_of(colour)
    # What is added to the colours is multiplied by alpha as they are: (offset / 255) * alpha.
    affine = np.column_stack((matrix[:, ::-1], offset / 255)).astype(np.float32)
    yuv = cv2.transform(bgra.astype(np.float32), affine)
    half = (width // 2, height // 2)
    mean = cv2.resize(yuv[:, :, 1:], half, interpolation=cv2.INTER_AREA)
    luma, chroma = (
        np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (yuv[..., 0], mean)
    )
    return Overlay(x, y, luma, chroma, np.ascontiguousarray(bgra[:, :, 3]))


def blend_overlay(frame: Frame, overlay: Overlay) -> None:
    """Lay ``overlay`` over ``frame`` in place: out = premultiplied + (1 - alpha) * under.

    Where alpha is 0 the frame stays as it is, to the bit. Porter and Duff, "Compositing Digital
    Images", SIGGRAPH 1984, the operator "over".

    Raises:
        ValueError: the overlay is odd in place or size, or not inside the frame.
    """
    height, width = overlay.alpha.shape
    if (overlay.x | overlay.y | width | height) & 1:
        raise ValueError(
            f"an overlay of {width}x{height} at ({overlay.x}, {overlay.y}): expected even numbers"
        )
    right, bottom = overlay.x + width, overlay.y + height
    if overlay.x < 0 or overlay.y < 0 or right > frame.width or bottom > frame.height:
        raise ValueError(
            f"an overlay of {width}x{height} at ({overlay.x}, {overlay.y}) is not inside a frame "
            f"of {frame.width}x{frame.height}"
        )
    _over(
        frame.y[overlay.y : bottom, overlay.x : right],
        frame.uv_rows[overlay.y // 2 : bottom // 2, overlay.x : right],
        overlay.luma, overlay.chroma.reshape(height // 2, width), overlay.alpha,
    )  # fmt: skip


@kernel("void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :])")
def _over(y: U8, uv: U8, luma: U8, chroma: U8, alpha: U8) -> None:
    rows, columns = alpha.shape
    for j in range(rows):
        for i in range(columns):
            # In whole numbers: 255 times the result, and half a step to round.
            left = np.int32(255) - np.int32(alpha[j, i])
            some = np.int32(255) * np.int32(luma[j, i]) + left * np.int32(y[j, i]) + 127
            y[j, i] = np.uint8(some // 255 if some < 65280 else 255)
    for j in range(rows // 2):
        for i in range(0, columns, 2):
            covered = (
                np.int32(alpha[2 * j, i]) + np.int32(alpha[2 * j, i + 1])
                + np.int32(alpha[2 * j + 1, i]) + np.int32(alpha[2 * j + 1, i + 1])
            )  # fmt: skip
            left = np.int32(1020) - covered
            for k in range(i, i + 2):
                some = np.int32(1020) * np.int32(chroma[j, k]) + left * np.int32(uv[j, k]) + 510
                uv[j, k] = np.uint8(some // 1020 if some < 261120 else 255)
