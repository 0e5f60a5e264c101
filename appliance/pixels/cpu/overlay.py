"""Captions: a premultiplied NV12 picture with alpha, laid over a composite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32, U8, Frame


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A caption at an even place in the frame.

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


def blend_overlay(frame: Frame, overlay: Overlay) -> None:
    """Lay ``overlay`` over ``frame`` in place: out = premultiplied + (1 - alpha) * under.

    Porter and Duff, "Compositing Digital Images", SIGGRAPH 1984, the operator "over".

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
    alpha = overlay.alpha.astype(np.float32) / np.float32(255)
    _over(frame.y[overlay.y : bottom, overlay.x : right], overlay.luma, alpha)
    quarters = alpha.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3), dtype=np.float32)
    part = frame.uv[overlay.y // 2 : bottom // 2, overlay.x // 2 : right // 2]
    _over(part, overlay.chroma, quarters[..., None])


def _over(under: U8, premultiplied: U8, alpha: F32) -> None:
    mixed = premultiplied.astype(np.float32) + (1 - alpha) * under
    under[:] = np.clip(mixed + np.float32(0.5), 0, 255).astype(np.uint8)
