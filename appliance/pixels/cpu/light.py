"""The person's layer in the light of what is behind: a colour map, and light around the edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.layer import PersonLayer
from appliance.pixels.cpu.light_rows import (
    CHUNK,
    alternate,
    empty,
    map_rows,
    near,
    shares_row,
    wrap_row,
)
from appliance.pixels.cpu.rows import between, quarter_row

CELLS = 240
"""Columns or rows, whichever are more, of the small grid over the whole picture."""


def light_grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the small grid over a picture of this size, in pixels."""
    scale = min(1.0, CELLS / max(width, height))
    return max(1, round(height * scale)), max(1, round(width * scale))


@dataclass(frozen=True, slots=True)
class Wrap:
    """Light that comes round the person's edge from behind, on a small grid over the picture.

    Attributes:
        share: uint8 (rows, columns): how much of the light behind takes the place of the person's
            own colour, 255 for all; the layer's alpha weighs it once more.
        luma, chroma: uint8 (rows, columns) and (rows, columns, 2): the light behind.
    """

    share: U8
    luma: U8
    chroma: U8


def shrink(plane: U8, rows: int, columns: int) -> U8:
    """A plane (height, width) or (height, width, 2) made small by area means.

    Halved as long as cells are whole, which OpenCV does many times faster than the rest.
    """
    while plane.shape[0] % (2 * rows) == 0 and plane.shape[1] % (2 * columns) == 0:
        plane = _sized(plane, plane.shape[0] // 2, plane.shape[1] // 2)
    return plane if plane.shape[:2] == (rows, columns) else _sized(plane, rows, columns)


def _sized(plane: U8, rows: int, columns: int) -> U8:
    grows = plane.shape[0] < rows or plane.shape[1] < columns
    how = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, (columns, rows), interpolation=how), np.uint8)


def small_picture(picture: Frame) -> tuple[U8, U8]:
    """The whole picture on the small grid: luma (rows, columns), chroma (rows, columns, 2)."""
    rows, columns = light_grid(picture.width, picture.height)
    halves = [shrink(np.asarray(one, np.uint8), rows, columns) for one in cv2.split(picture.uv)]
    return shrink(picture.y, rows, columns), np.asarray(cv2.merge(halves), np.uint8)


def soft(plane: U8, sigma: float) -> U8:
    """A small plane out of focus, its border repeated; ``sigma`` in its pixels."""
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(0.3, sigma), borderType=edge), np.uint8)


def wrap_share(alpha: U8, sigma: float, strength: float) -> U8:
    """``Wrap.share``: strength * (1 - alpha out of focus), of the layer's alpha on the small grid.

    Args:
        alpha: uint8 (rows, columns). sigma: in its pixels. strength: 0..1.
    """
    table = np.round((255 - np.arange(256)) * strength).astype(np.uint8)
    # Far from anybody nothing has to be done; alpha is 0 there.
    table[0] = 0
    for size in _boxes(sigma):
        alpha = np.asarray(cv2.blur(alpha, (size, size), borderType=cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.LUT(alpha, table), np.uint8)


def _boxes(sigma: float) -> tuple[int, int, int]:
    """The odd sides of three box blurs that come near to a Gaussian, many times faster.

    Kovesi, "Fast Almost-Gaussian Filtering", 2010, equations 3 and 5.
    """
    small = int(math.sqrt(12 * sigma**2 / 3 + 1))
    small -= 1 - small % 2
    count = round((12 * sigma**2 - 3 * small**2 - 12 * small - 9) / (-4 * small - 4))
    one, two, three = (small if k < count else small + 2 for k in range(3))
    return one, two, three


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], int64, int64, int64, int64, float32[:, ::1],"
    "boolean, uint8[:, ::1], uint8[:, ::1], uint8[:, ::1])"
)
def _relight(
    y: U8, uv: U8, alpha: U8, left: int, top: int, right: int, bottom: int, m: F32, mapped: bool,
    share: U8, luma: U8, chroma: U8,
) -> None:  # fmt: skip
    height, rows, width = y.shape[0], share.shape[0], right - left
    by = np.empty((7, width), np.float32)
    alternate(m, by)
    scratch = np.empty((4, width), np.float32)
    gain, add = m[0, 0], m[0, 3] + np.float32(0.5)
    chunks = -(-width // CHUNK)
    shows = np.empty(chunks + 1, np.uint8)
    for line in range(top, bottom, 2):
        pair = line // 2
        first, last = chunks, 0
        for chunk in range(chunks):
            a = left + chunk * CHUNK
            b = min(a + CHUNK, right)
            shows[chunk] = not empty(alpha[line, a:b], alpha[line + 1, a:b])
            if shows[chunk]:
                first, last = min(first, chunk), chunk + 1
        if first >= last:
            continue
        if mapped:
            a, b = left + first * CHUNK, min(left + last * CHUNK, right)
            n = b - a
            map_rows(
                y[line, a:b], y[line + 1, a:b], uv[pair, a:b], gain, add, by, scratch[0, :n],
                scratch[1, :n], scratch[2, :n], scratch[3, :n],
            )  # fmt: skip
        if rows == 0:
            continue
        k, n_k, t = between(line + 1.0, height, rows)
        shows[last] = 0
        begin = -1
        for chunk in range(first, last + 1):
            a, b = left + chunk * CHUNK, min(left + (chunk + 1) * CHUNK, right)
            if shows[chunk] and (near(share[k, a:b]) or near(share[n_k, a:b])):
                begin = chunk if begin < 0 else begin
                continue
            if begin < 0:
                continue
            a, b = left + begin * CHUNK, min(left + chunk * CHUNK, right)
            n, begin = b - a, -1
            for i in range(2):
                r, s, u = between(line + i + 0.5, height, rows)
                shares_row(alpha[line + i, a:b], scratch[i, :n])
                wrap_row(
                    y[line + i, a:b], scratch[i, :n], share[r, a:b], share[s, a:b], luma[r, a:b],
                    luma[s, a:b], u, scratch[3, :n],
                )  # fmt: skip
            quarter_row(scratch[0, :n], scratch[1, :n], scratch[2, :n])
            wrap_row(
                uv[pair, a:b], scratch[2, :n], share[k, a:b], share[n_k, a:b], chroma[k, a:b],
                chroma[n_k, a:b], t, scratch[3, :n],
            )  # fmt: skip


_NONE = np.empty((0, 0), np.uint8)
_SAME = np.eye(3, 4, dtype=np.float32)


class Relight:
    """Changes the person's colour in place; keeps the memory for what is stretched."""

    def __init__(self) -> None:
        self._behind: tuple[U8, U8, U8, U8] | None = None

    def __call__(self, layer: PersonLayer, matrix: F32 | None, wrap: Wrap | None) -> None:
        """Map the person's colours, then let the light behind come round the edge.

            F = M (Y, Cb, Cr, 1);  F += share * alpha * (B - F)

        Args:
            layer: its front is worked on in place, where its alpha is above 0, and beside that.
            matrix: float32 (3, 4); luma goes with the chroma of its 2x2 block, chroma with the
                block's mean luma. None: colours stay.
            wrap: None: nothing comes round the edge.
        """
        rect, front = layer.rect, layer.front
        if rect.area == 0 or (matrix is None and wrap is None):
            return
        share = luma = chroma = _NONE
        if wrap is not None:
            share, luma, chroma = self.wide(wrap, front.width)
        _relight(
            front.y, front.uv_rows, layer.alpha, rect.x, rect.y,
            rect.right, rect.bottom, _SAME if matrix is None else matrix, matrix is not None,
            share, luma, chroma,
        )  # fmt: skip

    def wide(self, wrap: Wrap, width: int) -> tuple[U8, U8, U8]:
        """Share, luma and chroma stretched to the picture's width; kernels stretch them in height.

        The light behind is kept as long as it is the same.
        """
        kept = self._behind
        if kept is None or kept[0] is not wrap.luma or kept[1] is not wrap.chroma:
            luma = _wide(wrap.luma, width)
            chroma = _wide(wrap.chroma, width // 2).reshape(luma.shape[0], -1)
            self._behind = kept = (wrap.luma, wrap.chroma, luma, np.ascontiguousarray(chroma))
        return _wide(wrap.share, width), kept[2], kept[3]


def _wide(plane: U8, width: int) -> U8:
    size = (width, plane.shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.uint8)
