"""The part of a face that a mouth's patch covers, and how one part is laid over another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect

F64 = NDArray[np.float64]

# In face coordinates (see ``mesh``): from below the nose to below the chin, inside the cheeks.
MIDDLE, RADII = (0.0, 0.86), (0.54, 0.50)
"""Of the ellipse outside of which nothing changes."""
_FULL = 0.62
_TEXTURE = 96


def mask_texture() -> U8:
    """The mask over the region's square, uint8 (96, 96): full within, falling to 0 at the ellipse.

    The fall is a smoothstep, so that neither of its ends shows as an edge.
    """
    at = (np.arange(_TEXTURE) + 0.5) / _TEXTURE * 2 - 1
    far = np.hypot(at[:, None], at[None])
    t = np.clip((1 - far) / (1 - _FULL), 0, 1)
    return np.asarray(np.rint(255 * t * t * (3 - 2 * t)), np.uint8)


def texture_turn() -> tuple[complex, float, float]:
    """From face coordinates to the texture's pixels: offset, and pixels a unit in x and y."""
    sx, sy = _TEXTURE / (2 * RADII[0]), _TEXTURE / (2 * RADII[1])
    return complex(MIDDLE[0] - RADII[0], MIDDLE[1] - RADII[1]), sx, sy


def bounds(a: complex, b: complex) -> Rect:
    """The upright rectangle around the region of a face that lies at (a, b): even sides."""
    cos, sin = a.real, a.imag
    middle = a * complex(*MIDDLE) + b
    # The extent of a turned ellipse.
    across = math.hypot(cos * RADII[0], sin * RADII[1])
    down = math.hypot(sin * RADII[0], cos * RADII[1])
    x, y = math.floor(middle.real - across) & ~1, math.floor(middle.imag - down) & ~1
    right, bottom = math.ceil(middle.real + across), math.ceil(middle.imag + down)
    return Rect(x, y, (right - x + 1) & ~1, (bottom - y + 1) & ~1)


def ring(y: U8, place: tuple[complex, complex]) -> F32:
    """What lies around a mouth, float32 (16,): luma in 16 directions, where the mask falls.

    Beyond the picture its nearest pixel counts.
    """
    at = place[0] * _RING + place[1]
    rows = np.clip(at.imag.astype(np.int64), 0, y.shape[0] - 1)
    columns = np.clip(at.real.astype(np.int64), 0, y.shape[1] - 1)
    return np.asarray(y[rows, columns].mean(0), np.float32)


def _ring_points() -> NDArray[np.complex128]:
    """Face coordinates, (3, 16): three of each direction."""
    angle = np.arange(16) * (2 * np.pi / 16)
    far = np.array([0.72, 0.8, 0.88])[:, None]
    x, y = MIDDLE[0] + far * RADII[0] * np.cos(angle), MIDDLE[1] + far * RADII[1] * np.sin(angle)
    return np.asarray(x + 1j * y, np.complex128)


_RING = _ring_points()


@dataclass(slots=True)
class Warp:
    """Lays one similarity over another: fills planes in a rectangle; its arrays are kept."""

    _matrix: F64

    def __init__(self) -> None:
        self._matrix = np.empty((2, 3))

    def planes(
        self, y: U8, uv: U8, source: tuple[complex, complex], target: tuple[complex, complex],
        rect: Rect, out_y: U8, out_uv: U8,
    ) -> None:  # fmt: skip
        """Fill ``out_y``, ``out_uv`` (of ``rect``, even, on the target's picture) from a patch.

        ``source`` and ``target`` are the places of one face in the patch and in the picture.
        Coordinates are continuous: a pixel's middle is at its index and a half.
        """
        a = source[0] / target[0]
        # Of the rectangle's corner in the patch.
        corner = a * (complex(rect.x, rect.y) - target[1]) + source[1]
        self._fill(a, corner, 1.0)
        _warp(y, self._matrix, out_y)
        self._fill(a, corner / 2, 1.0)
        _warp(uv, self._matrix, out_uv)

    def mask(self, texture: U8, target: tuple[complex, complex], rect: Rect, out: U8) -> None:
        """Fill ``out`` (of ``rect``) with the mask of a face that lies at ``target``."""
        offset, sx, sy = texture_turn()
        a = 1 / target[0]
        corner = a * (complex(rect.x, rect.y) - target[1]) - offset
        self._fill(a, corner, 1.0, sx, sy)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (out.shape[1], out.shape[0])
        cv2.warpAffine(texture, self._matrix, size, out, flags, cv2.BORDER_CONSTANT, (0,))

    def _fill(
        self, a: complex, corner: complex, step: float, sx: float = 1.0, sy: float = 1.0
    ) -> None:  # fmt: skip
        """From pixels' indices in the rectangle to indices in the source."""
        half = a * complex(0.5, 0.5) * step + corner
        m = self._matrix
        m[0] = sx * a.real, -sx * a.imag, sx * half.real - 0.5
        m[1] = sy * a.imag, sy * a.real, sy * half.imag - 0.5


def _warp(plane: U8, matrix: F64, out: U8) -> None:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (out.shape[1], out.shape[0])
    cv2.warpAffine(plane, matrix, size, out, flags, cv2.BORDER_REPLICATE)
