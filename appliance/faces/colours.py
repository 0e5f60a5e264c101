"""A patch's colour brought to its surroundings': a plane of differences, fitted in the ring."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8

_GRID = 24
_RING = (6, 150)
# Beyond this many levels from the ring's median it is not the light that differs but what is shown.
_MOST_APART = 20.0
_LEAST_WEIGHT = 12


class RingMatch:
    """Adds to a patch, plane by plane, what its ring lacks; arrays are kept between calls."""

    def __init__(self) -> None:
        at = ((np.arange(_GRID) + 0.5) / _GRID * 2 - 1).astype(np.float32)
        ones = np.ones((_GRID, _GRID), np.float32)
        self._basis = np.stack([ones, ones * at[None], ones * at[:, None]], 2).reshape(-1, 3)
        self._mask = np.empty((_GRID, _GRID), np.uint8)

    def __call__(self, patch: U8, base: U8, mask: U8) -> None:
        """Change ``patch`` in place: uint8 (rows, columns) or (rows, columns, 2), as ``base``.

        ``mask`` is uint8, of any size: where it falls is the ring. Where too little of the ring is
        there, nothing is changed.
        """
        small = cv2.resize(mask, (_GRID, _GRID), dst=self._mask, interpolation=cv2.INTER_AREA)
        ring = ((small > _RING[0]) & (small < _RING[1])).reshape(-1)
        if int(ring.sum()) < _LEAST_WEIGHT:
            return
        basis = self._basis[ring]
        over = _shrunk(base)[ring] - _shrunk(patch)[ring]
        middle = np.median(over, axis=0)
        np.clip(over, middle - _MOST_APART, middle + _MOST_APART, out=over)
        # Slopes are held back a little, so that a sparse ring gives a mean.
        square = basis.T @ basis
        square[[1, 2], [1, 2]] += 0.05 * square[0, 0]
        plane = np.linalg.solve(square, basis.T @ over).astype(np.float32)
        rows, columns = patch.shape[:2]
        x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :, None]
        y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None, None]
        out = patch.reshape(rows, columns, -1)
        mended = out + (plane[0] + x * plane[1] + y * plane[2])
        np.clip(np.rint(mended, out=mended), 0, 255, out=mended)
        out[:] = mended.astype(np.uint8)


def _shrunk(plane: U8) -> F32:
    """Float32 (24 * 24, channels)."""
    small = cv2.resize(plane, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).reshape(_GRID * _GRID, -1)
