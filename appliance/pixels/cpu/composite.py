"""Composite: the refined, feathered person over the background, in NV12, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.feather import feather
from appliance.pixels.cpu.jit import inline, kernel

I32 = NDArray[np.int32]

_NO_MATTE = np.empty((0, 0), np.uint8)


@dataclass(frozen=True, slots=True)
class Matte:
    """A matte as the composite takes it: coefficients on the network's grid over an ROI.

    Attributes:
        rect: the part of the frame that the grid covers, even on all sides.
        coefficients: float32 (5, rows, columns): a, b (alpha = a*Y + b, clipped to 0..1), then
            F-B of Y, Cb and Cr (all 0 where colours are not corrected).
        shifted: whether F-B is anything but 0.
        levels: alpha up to this becomes 0, from one minus this it becomes 1, linear in between.
        guide: uint8 (height, width) of the frame: Y for alpha, where that is not the frame's own.
    """

    rect: Rect
    coefficients: F32
    shifted: bool
    levels: float = 0.0
    guide: U8 | None = None


@inline
def between(line: float, lines: int, rows: int) -> tuple[int, int, np.float32]:
    """The two grid rows around a line (pixel centres at .5), and the weight of the second."""
    p = np.float32(line) * np.float32(rows) / np.float32(lines) - np.float32(0.5)
    p = min(max(p, np.float32(0)), np.float32(rows - 1))
    first = min(int(p), max(rows - 2, 0))
    return first, min(first + 1, rows - 1), np.float32(p - np.float32(first))


# Each row takes several short passes over few arrays: compilers vectorise a loop only if it needs
# few checks that its arrays do not overlap. The rows stay in the first-level cache.
@inline
def _alpha_row(
    luma: U8,
    a0: F32,
    a1: F32,
    b0: F32,
    b1: F32,
    t: np.float32,
    gain: np.float32,
    floor: np.float32,
    out: F32,
) -> None:
    for i in range(luma.shape[0]):
        alpha = (a0[i] + t * (a1[i] - a0[i])) * np.float32(luma[i]) + (b0[i] + t * (b1[i] - b0[i]))
        out[i] = min(max(alpha * gain - floor, np.float32(0)), np.float32(1))


@inline
def _weigh_row(alpha: F32, fx: F32, fy: float, out: F32) -> None:
    for i in range(alpha.shape[0]):
        out[i] = alpha[i] * (fx[i] * fy)


@inline
def _blend_row(
    fg: U8, bg: U8, alpha: F32, weight: F32, d0: F32, d1: F32, t: np.float32, out: U8
) -> None:
    for i in range(fg.shape[0]):
        behind = np.float32(bg[i])
        shift = (np.float32(1) - alpha[i]) * (d0[i] + t * (d1[i] - d0[i]))
        front = min(max(np.float32(fg[i]) + shift, np.float32(0)), np.float32(255))
        out[i] = np.uint8(np.int32(behind + weight[i] * (front - behind) + np.float32(0.5)))


@inline
def _quarter_row(upper: F32, lower: F32, out: F32) -> None:
    """The mean of each 2x2 block of two rows, written twice: once for Cb and once for Cr."""
    for i in range(out.shape[0] // 2):
        mean = (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]) * (
            np.float32(0.25)
        )
        out[2 * i] = mean
        out[2 * i + 1] = mean


@inline
def _byte_row(weight: F32, out: U8) -> None:
    for i in range(weight.shape[0]):
        out[i] = np.uint8(np.int32(weight[i] * np.float32(255) + np.float32(0.5)))


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
        # The columns where the grid's rows around these two lines hold more than background.
        first, _, _ = between(line + 0.5, height, rows)
        _, last, _ = between(line + 1.5, height, rows)
        left, right = fx.shape[0], 0
        for r in range(first, last + 1):
            left, right = min(left, spans[r, 0]), max(right, spans[r, 1])
        if left >= right:
            continue
        a, b = x0 + left, x0 + right
        for i in range(2):
            y = 2 * pair + i
            k, n, t = between(line + i + 0.5, height, rows)
            _alpha_row(
                guide[y, a:b], wide[0, k, left:right], wide[0, n, left:right],
                wide[1, k, left:right], wide[1, n, left:right], t, gain, floor,
                alpha[i, left:right],
            )  # fmt: skip
            _weigh_row(alpha[i, left:right], fx[left:right], fy[line + i], weight[i, left:right])
            _blend_row(
                fg_y[y, a:b], bg_y[y, a:b], alpha[i, left:right], weight[i, left:right],
                wide[2, k, left:right], wide[2, n, left:right], t, out_y[y, a:b],
            )  # fmt: skip
            if matte.shape[0] > 0:
                _byte_row(weight[i, left:right], matte[y, a:b])
        _quarter_row(alpha[0, left:right], alpha[1, left:right], alpha_c[left:right])
        _quarter_row(weight[0, left:right], weight[1, left:right], weight_c[left:right])
        # The chroma row lies between the two luma rows.
        k, n, t = between(line + 1.0, height, rows)
        _blend_row(
            fg_uv[pair, a:b], bg_uv[pair, a:b], alpha_c[left:right], weight_c[left:right],
            chroma[k, left:right], chroma[n, left:right], t, out_uv[pair, a:b],
        )  # fmt: skip


def _spans(matte: Matte) -> I32:
    """For each grid row, the columns of the ROI (even, exclusive end) that alpha can reach.

    alpha is a*Y + b with Y in 0..255, interpolated between grid points: where neither end of that
    range is above ``levels`` at any of them, the composite is exactly the background.
    """
    a, b = matte.coefficients[0], matte.coefficients[1]
    reached = np.maximum(b, b + 255 * a) > matte.levels + 1e-6
    rows, columns = reached.shape
    scale = matte.rect.width / columns
    first = reached.argmax(axis=1)
    last = columns - 1 - reached[:, ::-1].argmax(axis=1)
    # A grid point reaches as far as its neighbours' centres, and at the border to the edge.
    left = np.where(first == 0, 0, np.floor((first - 0.5) * scale / 2) * 2)
    right = np.where(last == columns - 1, matte.rect.width, np.ceil((last + 1.5) * scale / 2) * 2)
    spans = np.empty((rows, 2), np.int32)
    some = reached.any(axis=1)
    spans[:, 0] = np.where(some, np.maximum(left, 0), matte.rect.width)
    spans[:, 1] = np.where(some, np.minimum(right, matte.rect.width), 0)
    return spans


def _rows(uv: U8) -> U8:
    return uv.reshape(uv.shape[0], -1)


class Compositor:
    """The composite with its scratch memory: planes of coefficients as wide as the ROI."""

    def __init__(self) -> None:
        self._wide = np.empty(0, np.float32)
        self._chroma = np.empty(0, np.float32)
        self._ramps: tuple[object, F32, F32] | None = None

    def _feather(self, rect: Rect, whole: Rect, fraction: float) -> tuple[F32, F32]:
        key = (rect, whole, fraction)
        if self._ramps is None or self._ramps[0] != key:
            fx = feather(
                rect.width, rect.width * fraction, start=rect.x > 0, end=rect.right < whole.width
            )
            fy = feather(
                rect.height,
                rect.height * fraction,
                start=rect.y > 0,
                end=rect.bottom < whole.height,
            )
            self._ramps = (key, fx, fy)
        return self._ramps[1], self._ramps[2]

    def _widen(self, matte: Matte) -> tuple[F32, F32]:
        """Stretch the coefficients to the ROI's width; the kernel stretches them in height."""
        _, rows, columns = matte.coefficients.shape
        width = matte.rect.width
        if self._wide.size < 3 * rows * width:
            self._wide = np.zeros(3 * rows * width, np.float32)
            self._chroma = np.zeros(rows * width, np.float32)
        wide = self._wide[: 3 * rows * width].reshape(3, rows, width)
        chroma = self._chroma[: rows * width].reshape(rows, width)
        planes = 3 if matte.shifted else 2
        cv2.resize(
            matte.coefficients[:planes].reshape(planes * rows, columns),
            (width, planes * rows),
            dst=wide[:planes].reshape(planes * rows, width),
        )
        if matte.shifted:
            pairs = cv2.merge([matte.coefficients[3], matte.coefficients[4]])
            cv2.resize(pairs, (width // 2, rows), dst=chroma.reshape(rows, width // 2, 2))
        else:
            wide[2] = 0
            chroma[:] = 0
        return wide, chroma

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
        if matte is None:
            return
        fx, fy = self._feather(matte.rect, out.rect, feather_fraction)
        wide, chroma = self._widen(matte)
        _composite(
            frame.y, _rows(frame.uv), background.y, _rows(background.uv), out.y, _rows(out.uv),
            frame.y if matte.guide is None else matte.guide, matte.rect.x, matte.rect.y,
            wide, chroma, _spans(matte), fx, fy, np.float32(matte.levels),
            _NO_MATTE if matte_out is None else matte_out,
        )  # fmt: skip
