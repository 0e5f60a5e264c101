"""Composite: the refined, feathered person over the background, in NV12, in one pass."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32, U8, Frame
from appliance.pixels.cpu.given import lay_given
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.lanes import prefetch
from appliance.pixels.cpu.matte import I32, U32, Matte, Stretch
from appliance.pixels.cpu.rows import (
    alpha_row,
    between,
    blend_row,
    byte_row,
    copy_row,
    quarter_row,
    weigh_row,
)
from appliance.pixels.cpu.spans import (
    ABOVE,
    BELOW,
    Grid,
    find_kinds,
    find_runs,
    join_rows,
    lay_grid,
)
from appliance.pixels.cpu.widen import widen_row

# Bytes of a cache's line; and how many pairs of rows ahead of their use they are fetched: memory
# that is shared with a decoder and an encoder answers late.
_LINE, _AHEAD = 64, 8
_NO_MATTE = np.empty((0, 0), np.uint8)


@inline
def _copy_pair(
    from_y: U8, from_uv: U8, out_y: U8, out_uv: U8, pair: int, left: int, right: int
) -> None:
    """Two rows of luma and the one of chroma between them."""
    for y in range(2 * pair, 2 * pair + 2):
        copy_row(from_y[y, left:right], out_y[y, left:right])
    copy_row(from_uv[pair, left:right], out_uv[pair, left:right])


@inline
def _fetch_pair(plane_y: U8, plane_uv: U8, pair: int, left: int, right: int) -> None:
    """Have them come into the cache; there need not be any."""
    for near in range(left, right, _LINE):
        prefetch(plane_y, 2 * pair, near)
        prefetch(plane_y, 2 * pair + 1, near)
        prefetch(plane_uv, pair, near)


@inline
def _fill_pair(matte: U8, pair: int, left: int, right: int, value: int) -> None:
    if matte.shape[0] > 0:
        for y in range(2 * pair, 2 * pair + 2):
            matte[y, left:right] = np.uint8(value)


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :],"
    "uint8[:, :], int64, int64, float32[:, :, ::1], uint8[:, ::1], int32[::1], uint32[::1],"
    "float32[::1], uint32[::1], float32[::1], float32[::1], float32[::1], float32, boolean,"
    "float32[:, :, ::1], float32[:, ::1], uint8[:, :])"
)
def _composite(
    fg_y: U8, fg_uv: U8, bg_y: U8, bg_uv: U8, out_y: U8, out_uv: U8, guide: U8, x0: int,
    y0: int, coefficients: F32, kinds: U8, columns: I32, first: U32, share: F32, first_c: U32,
    share_c: F32, fx: F32, fy: F32, levels: np.float32, shifted: bool, wide: F32, scratch: F32,
    matte: U8,
) -> None:  # fmt: skip
    gain = np.float32(1) / (np.float32(1) - np.float32(2) * levels)
    floor = levels * gain
    height, width, rows = fy.shape[0], fx.shape[0], coefficients.shape[1]
    whole, ring = out_y.shape[1], wide.shape[0]
    reach = ring - 2
    # Rows of luma, and that of chroma.
    alpha, weight = scratch[0:3], scratch[3:6]
    flat_left, flat_right = 0, width
    while flat_left < width and fx[flat_left] < 1:
        flat_left += 1
    while flat_right > flat_left and fx[flat_right - 1] < 1:
        flat_right -= 1
    joined = np.empty(kinds.shape[1], np.uint8)
    steps = np.zeros((kinds.shape[1] + 7) // 8 * 8, np.uint8)
    words = steps.view(np.uint64)
    runs = np.empty((kinds.shape[1], 3), np.int32)
    ahead = np.empty((kinds.shape[1], 3), np.int32)
    count = 0
    for pair in range(y0 // 2):
        _copy_pair(bg_y, bg_uv, out_y, out_uv, pair, 0, whole)
        _fill_pair(matte, pair, 0, whole, 0)
    for pair in range((y0 + height) // 2, out_uv.shape[0]):
        _copy_pair(bg_y, bg_uv, out_y, out_uv, pair, 0, whole)
        _fill_pair(matte, pair, 0, whole, 0)
    made = 0
    before = (-1, -1)
    for line in range(0, height, 2):
        pair = (y0 + line) // 2
        top, n, t0 = between(line + 0.5, height, rows)
        low, m, t1 = between(line + 1.5, height, rows)
        if (top, low) != before:
            before = (top, low)
            while made <= m:
                join_rows(kinds, max(made - reach, 0), min(made + reach, kinds.shape[0]), joined)
                many = find_runs(joined, columns, steps, words, ahead)
                widen_row(
                    coefficients[:, made], ahead, many, first, share, first_c, share_c, shifted,
                    wide[made % ring],
                )  # fmt: skip
                made += 1
            join_rows(kinds, top, low + 1, joined)
            count = find_runs(joined, columns, steps, words, runs)
        if x0 > 0:
            _copy_pair(bg_y, bg_uv, out_y, out_uv, pair, 0, x0)
            _fill_pair(matte, pair, 0, x0, 0)
        if x0 + width < whole:
            _copy_pair(bg_y, bg_uv, out_y, out_uv, pair, x0 + width, whole)
            _fill_pair(matte, pair, x0 + width, whole, 0)
        # Where the feather is 1, alpha is the weight.
        even = fy[line] == 1 and fy[line + 1] == 1
        for run in range(count):
            kind, left, right = runs[run]
            a, b = x0 + left, x0 + right
            # The runs are too short for the processor to foresee what is read next.
            _fetch_pair(out_y, out_uv, pair + _AHEAD, a, b)
            if kind != BELOW:
                _fetch_pair(fg_y, fg_uv, pair + _AHEAD, a, b)
            if kind != ABOVE:
                _fetch_pair(bg_y, bg_uv, pair + _AHEAD, a, b)
            if kind == BELOW:
                _copy_pair(bg_y, bg_uv, out_y, out_uv, pair, a, b)
                _fill_pair(matte, pair, a, b, 0)
                continue
            if kind == ABOVE:
                _copy_pair(fg_y, fg_uv, out_y, out_uv, pair, a, b)
                _fill_pair(matte, pair, a, b, 255)
                continue
            flat = even and left >= flat_left and right <= flat_right
            shares = alpha if flat else weight
            for i in range(2):
                y = 2 * pair + i
                k, o, t = (top, n, t0) if i == 0 else (low, m, t1)
                upper, lower = wide[k % ring], wide[o % ring]
                alpha_row(
                    guide[y, a:b], upper[0, left:right], lower[0, left:right],
                    upper[1, left:right], lower[1, left:right], t, gain, floor,
                    alpha[i, left:right],
                )  # fmt: skip
                if not flat:
                    weigh_row(
                        alpha[i, left:right], fx[left:right], fy[line + i], weight[i, left:right]
                    )
                blend_row(
                    fg_y[y, a:b], bg_y[y, a:b], alpha[i, left:right], shares[i, left:right],
                    upper[2, left:right], lower[2, left:right], t, out_y[y, a:b],
                )  # fmt: skip
                if matte.shape[0] > 0:
                    byte_row(shares[i, left:right], matte[y, a:b])
            quarter_row(shares[0, left:right], shares[1, left:right], shares[2, left:right])
            if not flat:
                quarter_row(alpha[0, left:right], alpha[1, left:right], alpha[2, left:right])
            # The chroma row lies between the two luma rows.
            k, o, t = between(line + 1.0, height, rows)
            blend_row(
                fg_uv[pair, a:b], bg_uv[pair, a:b], alpha[2, left:right], shares[2, left:right],
                wide[k % ring, 3, left:right], wide[o % ring, 3, left:right], t,
                out_uv[pair, a:b],
            )  # fmt: skip


def _check_sizes(frame: Frame, background: Frame, out: Frame) -> None:
    """Raises ValueError if sizes differ or are odd."""
    if not (frame.rect == background.rect == out.rect) or (out.width | out.height) & 1:
        raise ValueError(
            f"cannot composite {frame.width}x{frame.height} over {background.width}x"
            f"{background.height} into {out.width}x{out.height}: expected one even size"
        )


def lay_background(frame: Frame, background: Frame, out: Frame, matte_out: U8 | None) -> None:
    """Begin a composite: the background alone, and nobody in ``matte_out``.

    Raises:
        ValueError: sizes differ or are odd.
    """
    _check_sizes(frame, background, out)
    if matte_out is not None:
        matte_out[:] = 0
    # One bulk copy is far cheaper than deciding pixel by pixel what stays background.
    np.copyto(out.y, background.y)
    np.copyto(out.uv, background.uv)


class Compositor:
    """The composite with its scratch memory."""

    def __init__(self) -> None:
        self._stretch = Stretch()
        self._grid: tuple[F32, tuple[int, int], Grid] | None = None
        self._wide = np.empty((0, 0, 0), np.float32)
        self._shifted = False
        self._scratch = np.empty((0, 0), np.float32)

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
        if matte is None or matte.cells is not None:
            lay_background(frame, background, out, matte_out)
        else:
            _check_sizes(frame, background, out)
        if matte is None:
            return
        if matte.cells is not None and matte.guide is not None:
            lay_given(frame, background, matte.guide, matte.cells, out)
            if matte_out is not None:
                np.copyto(matte_out, matte.guide)
            return
        fx, fy = self._stretch.ramps(matte.rect, out.rect, feather_fraction)
        grid = self._grid_of(matte, fx, fy)
        _composite(
            frame.y, frame.uv_rows, background.y, background.uv_rows, out.y, out.uv_rows,
            frame.y if matte.guide is None else matte.guide, matte.rect.x, matte.rect.y,
            matte.coefficients, find_kinds(matte.coefficients, matte.levels, grid), grid.columns,
            grid.first, grid.share, grid.first_c, grid.share_c, fx, fy, np.float32(matte.levels),
            matte.shifted, self._wide, self._scratch,
            _NO_MATTE if matte_out is None else matte_out,
        )  # fmt: skip

    def _grid_of(self, matte: Matte, fx: F32, fy: F32) -> Grid:
        """How the matte's grid lies over its ROI, and scratch memory of that size."""
        rows, columns = matte.coefficients.shape[1:]
        known = self._grid
        if known is None or known[0] is not fx or known[1] != (rows, columns):
            width, height = matte.rect.width, matte.rect.height
            # As many rows of the grid as two rows of pixels can need, and a spare one.
            ring = rows // height + 4
            self._wide = np.zeros((ring, 4, width), np.float32)
            self._scratch = np.empty((6, width), np.float32)
            self._grid = (fx, (rows, columns), lay_grid((rows, columns), fx, fy))
        if self._shifted and not matte.shifted:
            self._wide[:, 2:] = 0
        self._shifted = matte.shifted
        assert self._grid is not None
        return self._grid[2]
