"""The composite with the person in new light, in one pass: where nobody else wants a layer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.composite import lay_background
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.light import Relight, Wrap
from appliance.pixels.cpu.light_rows import CHUNK, alternate, map_rows, near, wrap_row
from appliance.pixels.cpu.matte import I32, Matte, Stretch, reached
from appliance.pixels.cpu.rows import (
    alpha_row,
    between,
    byte_row,
    front_row,
    over_row,
    quarter_row,
    reached_by_pair,
    weigh_row,
)

_NONE = np.empty((0, 0), np.uint8)
_SAME = np.eye(3, 4, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """What ``Relight`` takes: the colours' map, and what comes round the edge."""

    matrix: F32 | None
    wrap: Wrap | None


def grid_alpha(alpha: F32, rect: Rect, whole: Rect, grid: tuple[int, int]) -> U8:
    """The matte of a part of a picture, on a small grid over all of it.

    Args:
        alpha: float32 (rows, columns), 0..1, over ``rect``. grid: rows and columns of the result.
    """
    rows, columns = grid
    x, right = (round(side * columns / whole.width) for side in (rect.x, rect.right))
    y, bottom = (round(side * rows / whole.height) for side in (rect.y, rect.bottom))
    made = np.zeros(grid, np.uint8)
    if x < right and y < bottom:
        size = (right - x, bottom - y)
        small = alpha if alpha.shape[::-1] == size else cv2.resize(alpha, size)
        made[y:bottom, x:right] = np.clip(small, 0, 1) * np.float32(255) + np.float32(0.5)
    return made


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :],"
    "uint8[:, :], int64, int64, float32[:, :, ::1], float32[:, ::1], int32[:, ::1],"
    "float32[::1], float32[::1], float32, uint8[:, :], float32[:, ::1], boolean, uint8[:, ::1],"
    "uint8[:, ::1], uint8[:, ::1])"
)
def _composite_lit(
    fg_y: U8, fg_uv: U8, bg_y: U8, bg_uv: U8, out_y: U8, out_uv: U8, guide: U8, x0: int,
    y0: int, wide: F32, chroma: F32, spans: I32, fx: F32, fy: F32, levels: np.float32, matte: U8,
    m: F32, mapped: bool, share: U8, light: U8, light_c: U8,
) -> None:  # fmt: skip
    gain = np.float32(1) / (np.float32(1) - np.float32(2) * levels)
    floor = levels * gain
    height, rows, width = fy.shape[0], wide.shape[1], fx.shape[0]
    cells, whole = share.shape[0], out_y.shape[0]
    alpha = np.empty((2, width), np.float32)
    weight = np.empty((2, width), np.float32)
    alpha_c = np.empty(width, np.float32)
    weight_c = np.empty(width, np.float32)
    front = np.empty((3, width), np.uint8)
    by = np.empty((7, width), np.float32)
    alternate(m, by)
    scratch = np.empty((4, width), np.float32)
    unit = np.float32(1 / 255)
    for line in range(0, height, 2):
        pair = (y0 + line) // 2
        left, right = reached_by_pair(line, height, spans, width)
        if left >= right:
            continue
        a, b, n = x0 + left, x0 + right, right - left
        for i in range(2):
            y = 2 * pair + i
            k, o, t = between(line + i + 0.5, height, rows)
            alpha_row(
                guide[y, a:b], wide[0, k, left:right], wide[0, o, left:right],
                wide[1, k, left:right], wide[1, o, left:right], t, gain, floor, alpha[i, :n],
            )  # fmt: skip
            weigh_row(alpha[i, :n], fx[left:right], fy[line + i], weight[i, :n])
            front_row(
                fg_y[y, a:b], alpha[i, :n], wide[2, k, left:right], wide[2, o, left:right], t,
                front[i, :n],
            )  # fmt: skip
            if matte.shape[0] > 0:
                byte_row(weight[i, :n], matte[y, a:b])
        quarter_row(alpha[0, :n], alpha[1, :n], alpha_c[:n])
        quarter_row(weight[0, :n], weight[1, :n], weight_c[:n])
        k, o, t = between(line + 1.0, height, rows)
        front_row(
            fg_uv[pair, a:b], alpha_c[:n], chroma[k, left:right], chroma[o, left:right], t,
            front[2, :n],
        )  # fmt: skip
        if mapped:
            map_rows(
                front[0, :n], front[1, :n], front[2, :n], m[0, 0], m[0, 3] + np.float32(0.5), by,
                scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n],
            )  # fmt: skip
        if cells > 0:
            k, o, t = between(2 * pair + 1.0, whole, cells)
            begin = -1
            for p in range(0, n + CHUNK, CHUNK):
                q = min(p + CHUNK, n)
                if p < n and (near(share[k, a + p : a + q]) or near(share[o, a + p : a + q])):
                    begin = p if begin < 0 else begin
                    continue
                if begin < 0:
                    continue
                s, e, begin = begin, min(p, n), -1
                for i in range(2):
                    r, u, v = between(2 * pair + i + 0.5, whole, cells)
                    for x in range(e - s):
                        scratch[0, x] = weight[i, s + x] * unit
                    wrap_row(
                        front[i, s:e], scratch[0, : e - s], share[r, a + s : a + e],
                        share[u, a + s : a + e], light[r, a + s : a + e],
                        light[u, a + s : a + e], v, scratch[1, : e - s],
                    )  # fmt: skip
                for x in range(e - s):
                    scratch[0, x] = weight_c[s + x] * unit
                wrap_row(
                    front[2, s:e], scratch[0, : e - s], share[k, a + s : a + e],
                    share[o, a + s : a + e], light_c[k, a + s : a + e],
                    light_c[o, a + s : a + e], t, scratch[1, : e - s],
                )  # fmt: skip
        over_row(front[0, :n], bg_y[2 * pair, a:b], weight[0, :n], out_y[2 * pair, a:b])
        over_row(front[1, :n], bg_y[2 * pair + 1, a:b], weight[1, :n], out_y[2 * pair + 1, a:b])
        over_row(front[2, :n], bg_uv[pair, a:b], weight_c[:n], out_uv[pair, a:b])


class LitCompositor:
    """``Compositor`` with ``Relight`` in its one pass, with their scratch memory."""

    def __init__(self) -> None:
        self._stretch = Stretch()
        self._relight = Relight()

    def __call__(
        self, frame: Frame, background: Frame, matte: Matte, out: Frame, light: Light, *,
        feather_fraction: float = 1 / 9, matte_out: U8 | None = None,
    ) -> None:  # fmt: skip
        """See ``Compositor``; ``light``: what is done to the person's own colour before.

        Raises:
            ValueError: sizes differ or are odd.
        """
        lay_background(frame, background, out, matte_out)
        fx, fy = self._stretch.ramps(matte.rect, out.rect, feather_fraction)
        wide, chroma = self._stretch.wide(matte)
        share = luma = light_c = _NONE
        if light.wrap is not None:
            share, luma, light_c = self._relight.wide(light.wrap, out.width)
        _composite_lit(
            frame.y, frame.uv_rows, background.y, background.uv_rows, out.y, out.uv_rows,
            frame.y if matte.guide is None else matte.guide, matte.rect.x, matte.rect.y, wide,
            chroma, reached(matte), fx, fy, np.float32(matte.levels),
            _NONE if matte_out is None else matte_out,
            _SAME if light.matrix is None else light.matrix, light.matrix is not None, share, luma,
            light_c,
        )  # fmt: skip
