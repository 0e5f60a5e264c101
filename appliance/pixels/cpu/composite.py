"""Composite: the refined, feathered person over the background, in NV12, in one pass."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.given import lay_given
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.matte import I32, Matte, Stretch, reached
from appliance.pixels.cpu.rows import (
    alpha_row,
    between,
    blend_row,
    byte_row,
    quarter_row,
    reached_by_pair,
    weigh_row,
)

_NO_MATTE = np.empty((0, 0), np.uint8)


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :],"
    "uint8[:, :], int64, int64, float32[:, :, ::1], float32[:, ::1], int32[:, ::1],"
    "float32[::1], float32[::1], float32, uint8[:, :])"
)
def _composite(
    fg_y: U8, fg_uv: U8, bg_y: U8, bg_uv: U8, out_y: U8, out_uv: U8, guide: U8, x0: int,
    y0: int, wide: F32, chroma: F32, spans: I32, fx: F32, fy: F32, levels: np.float32, matte: U8,
) -> None:  # fmt: skip
    gain = np.float32(1) / (np.float32(1) - np.float32(2) * levels)
    floor = levels * gain
    height, rows = fy.shape[0], wide.shape[1]
    alpha = np.empty((2, fx.shape[0]), np.float32)
    weight = np.empty((2, fx.shape[0]), np.float32)
    alpha_c = np.empty(fx.shape[0], np.float32)
    weight_c = np.empty(fx.shape[0], np.float32)
    for line in range(0, height, 2):
        pair = (y0 + line) // 2
        left, right = reached_by_pair(line, height, spans, fx.shape[0])
        if left >= right:
            continue
        a, b = x0 + left, x0 + right
        for i in range(2):
            y = 2 * pair + i
            k, n, t = between(line + i + 0.5, height, rows)
            alpha_row(
                guide[y, a:b], wide[0, k, left:right], wide[0, n, left:right],
                wide[1, k, left:right], wide[1, n, left:right], t, gain, floor,
                alpha[i, left:right],
            )  # fmt: skip
            weigh_row(alpha[i, left:right], fx[left:right], fy[line + i], weight[i, left:right])
            blend_row(
                fg_y[y, a:b], bg_y[y, a:b], alpha[i, left:right], weight[i, left:right],
                wide[2, k, left:right], wide[2, n, left:right], t, out_y[y, a:b],
            )  # fmt: skip
            if matte.shape[0] > 0:
                byte_row(weight[i, left:right], matte[y, a:b])
        quarter_row(alpha[0, left:right], alpha[1, left:right], alpha_c[left:right])
        quarter_row(weight[0, left:right], weight[1, left:right], weight_c[left:right])
        # The chroma row lies between the two luma rows.
        k, n, t = between(line + 1.0, height, rows)
        blend_row(
            fg_uv[pair, a:b], bg_uv[pair, a:b], alpha_c[left:right], weight_c[left:right],
            chroma[k, left:right], chroma[n, left:right], t, out_uv[pair, a:b],
        )  # fmt: skip


def lay_background(frame: Frame, background: Frame, out: Frame, matte_out: U8 | None) -> None:
    """Begin a composite: the background alone, and nobody in ``matte_out``.

    Raises:
        ValueError: sizes differ or are odd.
    """
    if not (frame.rect == background.rect == out.rect) or (out.width | out.height) & 1:
        raise ValueError(
            f"cannot composite {frame.width}x{frame.height} over {background.width}x"
            f"{background.height} into {out.width}x{out.height}: expected one even size"
        )
    if matte_out is not None:
        matte_out[:] = 0
    # One bulk copy is far cheaper than deciding pixel by pixel what stays background.
    np.copyto(out.y, background.y)
    np.copyto(out.uv, background.uv)


class Compositor:
    """The composite with its scratch memory."""

    def __init__(self) -> None:
        self._stretch = Stretch()

    def __call__(
        self,
        frame: Frame,
        background: Frame,
        matte: Matte | None,
        out: Frame,
        *,
        feather_fraction: float = 1 / 9,
        matte_out: U8 | None = None,
    ) -> None:
        """Write a*F + (1-a)*B inside the matte's rectangle, B outside.

        Args:
            frame, background, out: NV12 of one size and colour, even sides, any pitch.
            matte: None shows the background alone.
            feather_fraction: ramp at those sides of the rectangle that are not at the frame's
                border, as a fraction of the side, 0..0.5.
            matte_out: uint8 (height, width), if given: alpha times feather, 0..255.

        Raises:
            ValueError: sizes differ or are odd.
        """
        lay_background(frame, background, out, matte_out)
        if matte is None:
            return
        if matte.cells is not None and matte.guide is not None:
            lay_given(frame, background, matte.guide, matte.cells, out)
            if matte_out is not None:
                np.copyto(matte_out, matte.guide)
            return
        fx, fy = self._stretch.ramps(matte.rect, out.rect, feather_fraction)
        wide, chroma = self._stretch.wide(matte)
        _composite(
            frame.y, frame.uv_rows, background.y, background.uv_rows, out.y, out.uv_rows,
            frame.y if matte.guide is None else matte.guide, matte.rect.x, matte.rect.y,
            wide, chroma, reached(matte), fx, fy, np.float32(matte.levels),
            _NO_MATTE if matte_out is None else matte_out,
        )  # fmt: skip
