"""Surfaces that are not NV12, as cameras and displays use them, cropped and converted.

YUYV is Y0 Cb Y1 Cr for each pair of pixels (ITU-R BT.601 samples, 4:2:2); BGRx is four bytes a
pixel, the last of them unused. The GPU reads both in place; these are the oracles of its kernels.
"""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8, Colour, Frame, Rect
from appliance.media.rgb import matrix_of
from appliance.pixels.cpu.crop import yuv_to_rgb
from appliance.pixels.cpu.resize import resize_plane


def _inside(rect: Rect, width: int, height: int) -> None:
    if rect.area <= 0 or not Rect(0, 0, width, height).contains(rect):
        raise ValueError(f"{rect} is not inside a surface of {width}x{height} pixels")
    if (rect.x | rect.y | rect.width | rect.height) & 1:
        raise ValueError(f"{rect}: expected even numbers, as for NV12")


def crop_yuyv(pixels: U8, rect: Rect, out: F32) -> None:
    """``crop_planes`` on a YUYV surface.

    Args:
        pixels: uint8 (height, 2 * width), any pitch. rect: inside it, even on all sides.
        out: float32 (3, rows, columns), overwritten; Y, Cb, Cr, 0..255.

    Raises:
        ValueError: ``rect`` is empty, odd, or not inside the surface.
    """
    _inside(rect, pixels.shape[1] // 2, pixels.shape[0])
    resize_plane(pixels[:, 0::2], rect, out[:1])
    half = Rect(rect.x // 2, rect.y, rect.width // 2, rect.height)
    resize_plane(pixels[:, 1::4], half, out[1:2])
    resize_plane(pixels[:, 3::4], half, out[2:3])


def crop_bgrx(pixels: U8, rect: Rect, colour: Colour, out: F32) -> None:
    """``crop_planes`` on a BGRx surface; Y, Cb, Cr as ``colour`` defines them.

    Args:
        pixels: uint8 (height, width, 4), any pitch. rect: inside it, even on all sides.
        out: float32 (3, rows, columns), overwritten; Y, Cb, Cr, 0..255.

    Raises:
        ValueError: ``rect`` is empty, odd, or not inside the surface.
    """
    _inside(rect, pixels.shape[1], pixels.shape[0])
    bgr = np.empty_like(out)
    for channel in range(3):
        resize_plane(pixels[:, :, channel], rect, bgr[channel : channel + 1])
    matrix = bgr_to_yuv(colour)
    out[:] = np.tensordot(matrix[:, :3], bgr, 1) + matrix[:, 3, None, None]


def bgr_to_yuv(colour: Colour) -> F32:
    """The 3x4 matrix from (B, G, R, 1) in 0..255 to (Y, Cb, Cr) in 0..255."""
    matrix, offset = matrix_of(colour)
    return np.ascontiguousarray(np.column_stack((matrix[:, ::-1], offset)), np.float32)


def yuv_to_bgr(colour: Colour) -> F32:
    """The 3x4 matrix from (Y, Cb, Cr, 1) in 0..255 to (B, G, R) in 0..255."""
    return np.ascontiguousarray(yuv_to_rgb(colour)[::-1])


def nv12_to_bgrx(frame: Frame, out: U8) -> None:
    """A frame for a display; chroma is repeated over its 2x2 block, the fourth byte is 255.

    ``out``: uint8 (height, width, 4), overwritten. Raises ValueError when it has another size.
    """
    if out.shape != (frame.height, frame.width, 4):
        raise ValueError(
            f"cannot write {frame.width}x{frame.height} pixels into {out.shape}: expected "
            f"({frame.height}, {frame.width}, 4)"
        )
    uv = frame.uv.repeat(2, 0).repeat(2, 1)[: frame.height, : frame.width]
    yuv = np.dstack((frame.y, uv)).astype(np.float32)
    matrix = yuv_to_bgr(frame.colour)
    out[..., :3] = np.clip(yuv @ matrix[:, :3].T + matrix[:, 3] + np.float32(0.5), 0, 255)
    out[..., 3] = 255


def yuyv_to_nv12(pixels: U8, out: Frame) -> None:
    """The same picture as NV12; chroma is the mean of two lines, halves rounded up.

    ``pixels``: uint8 (height, 2 * width), even sides. Raises ValueError when the sizes differ.
    """
    if pixels.shape != (out.height, 2 * out.width) or (out.width | out.height) & 1:
        raise ValueError(
            f"cannot convert YUYV of {pixels.shape} into {out.width}x{out.height}: expected "
            f"({out.height}, {2 * out.width}) and even sides"
        )
    out.y[:] = pixels[:, 0::2]
    chroma = pixels[:, 1::2].reshape(out.height // 2, 2, -1).astype(np.uint16)
    out.uv[:] = ((chroma.sum(axis=1) + 1) // 2).astype(np.uint8).reshape(out.uv.shape)


def bgrx_to_nv12(pixels: U8, out: Frame) -> None:
    """The same picture as NV12 of ``out``'s colour; chroma is the mean of 2x2 pixels.

    ``pixels``: uint8 (height, width, 4), even sides. Raises ValueError when the sizes differ.
    """
    if pixels.shape != (out.height, out.width, 4) or (out.width | out.height) & 1:
        raise ValueError(
            f"cannot convert BGRx of {pixels.shape} into {out.width}x{out.height}: expected "
            f"({out.height}, {out.width}, 4) and even sides"
        )
    bgr = pixels[..., :3].astype(np.float32)
    matrix = bgr_to_yuv(out.colour)
    half = np.float32(0.5)
    out.y[:] = np.clip(bgr @ matrix[0, :3] + matrix[0, 3] + half, 0, 255)
    quarters = bgr.reshape(out.height // 2, 2, out.width // 2, 2, 3).mean(axis=(1, 3))
    out.uv[:] = np.clip(quarters @ matrix[1:, :3].T + matrix[1:, 3] + half, 0, 255)
