"""A chroma key: alpha before a wall of known colour, and the wall's light taken off the person.

Between the wall's colour B and the person's F, a pixel's place on the line from one to the other is
its alpha. B is known (``wall``), F is the person's colour near by, so alpha is linear in Y, Cb and
Cr, with coefficients that change slowly over the picture: they are made on the network's grid, and
applied to the pixels at full size, as those of the guided filter are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame, Range, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.matte import I32, Matte, reached
from appliance.pixels.cpu.rows import between

B8 = NDArray[np.bool_]

_NEAR = 9  # box of the search for the person's colour, in pixels of the grid
_FAR = 31
# Squared errors, of 255: of any sample; of luma, for shadows; of chroma, as a part of the wall's,
# for what a codec does to it.
_NOISE, _SHADOW, _SMEAR = 2.5**2, 25.0**2, 0.25
_SURE = 9.0  # squared contrast, in units of the error, from which the key is trusted
# Of the wall's chroma: from the first on a pixel may be the person's colour, from the second it is.
# Hair, which is mostly mixed with the wall, counts for little.
_PERHAPS, _SURELY = 0.15, 0.6


@dataclass(frozen=True, slots=True)
class Key:
    """A key on the grid over a part of the picture.

    Attributes:
        slopes: float32 (4, rows, columns): alpha = s0*Y + s1*Cb + s2*Cr + s3, to be clipped.
        alpha: float32 (rows, columns), 0..1: the same, of the grid's own planes.
        trust: float32 (rows, columns), 0..1: how far the key is to be believed.
        shift: float32 (3, rows, columns): F - B.
        wall: float32 (rows, columns, 4): see ``Wall.cells``.
        own: float32 (2, rows, columns): Cb and Cr of the person in a wide surrounding.
    """

    slopes: F32
    alpha: F32
    trust: F32
    shift: F32
    wall: F32
    own: F32


def key_planes(planes: F32, wall: F32, chroma: float, person: F32, tolerance: float) -> Key:
    """Key Y, Cb, Cr, float32 (3, rows, columns), before a wall.

    Args:
        wall: float32 (rows, columns, 4): see ``Wall.cells``. chroma: see ``Wall``.
        person: float32 (rows, columns), 0..1: where the person's own colour may be taken from.
        tolerance: alpha up to this becomes 0; half of it is taken off at the other end.

    ``alpha = (I - B) W (F - B) / (F - B) W (F - B)``, W the inverse of each channel's squared
    error: noise, the spread of F, shadows in luma, smear in chroma.
    """
    away = np.hypot(planes[1] - wall[..., 1], planes[2] - wall[..., 2]) / np.float32(chroma)
    unlike = np.clip((away - _PERHAPS) * np.float32(1 / (_SURELY - _PERHAPS)), 0, 1)
    sure = np.asarray(unlike * np.square(np.square(person)), np.float32)
    front, spread, own = _near(planes, sure, wall)
    error = np.empty_like(planes)
    error[0] = _NOISE + _SHADOW + spread[0]
    error[1:] = _NOISE + (_SMEAR * chroma) ** 2 + spread[1:]
    shift = front - wall[..., :3].transpose(2, 0, 1)
    weighed = shift / error
    contrast = (weighed * shift).sum(axis=0)
    slopes = np.empty((4, *away.shape), np.float32)
    gain = np.float32(1 / (1 - 1.5 * tolerance))
    slopes[:3] = weighed * (gain / np.maximum(contrast, np.float32(1e-3)))
    slopes[3] = -(slopes[:3] * wall[..., :3].transpose(2, 0, 1)).sum(axis=0)
    slopes[3] -= np.float32(tolerance) * gain
    alpha = np.clip((slopes[:3] * planes).sum(axis=0) + slopes[3], 0, 1)
    trust = np.clip(contrast / np.float32(_SURE), 0, 1)
    return Key(
        slopes, np.asarray(alpha, np.float32), np.asarray(trust, np.float32), shift, wall, own
    )


def _near(planes: F32, sure: F32, wall: F32) -> tuple[F32, F32, F32]:
    """The person's colour near each pixel and its variance, and the chroma of a wider surrounding.

    Where nobody is near, grey.
    """
    own = np.empty((2, *sure.shape), np.float32)
    front, spread = np.empty_like(planes), np.empty_like(planes)
    weights = [cv2.blur(sure, (size, size)) for size in (_NEAR, _FAR)]
    share = np.clip(weights[0] * np.float32(20), 0, 1)
    for c in range(3):
        grey = wall[..., 0] if c == 0 else np.float32(128)
        weighed = planes[c] * sure
        near, far = (cv2.blur(weighed, (size, size)) for size in (_NEAR, _FAR))
        wide = (far + np.float32(1e-3) * grey) / (weights[1] + np.float32(1e-3))
        if c > 0:
            own[c - 1] = wide
        close = near / np.maximum(weights[0], np.float32(1e-3))
        front[c] = wide + share * (close - wide)
        square = cv2.blur(weighed * planes[c], (_NEAR, _NEAR)) / np.maximum(weights[0], 1e-3)
        spread[c] = share * np.maximum(square - close * close, 0)
    return front, spread, own


def fuse_key(raw: F32, key: Key, reach: int, core: int) -> F32:
    """The network's alpha and the key's, on the grid: float32 (rows, columns).

    Near the person, before the wall, the key decides; deep within, and away from the wall, the
    network; away from the person nothing is shown. NaN stays NaN.

    Args:
        raw: the network's alpha. reach: pixels of the grid from the person that the key may reach.
        core: pixels from the person's edge inwards, from where on the network fills the key's
            holes.
    """
    person = np.clip(raw, 0, 1)
    round_ = cv2.MORPH_ELLIPSE
    near = cv2.dilate(person, cv2.getStructuringElement(round_, (2 * reach + 1, 2 * reach + 1)))
    near = np.clip((near - np.float32(0.3)) * np.float32(2.5), 0, 1)
    deep = cv2.erode(person, cv2.getStructuringElement(round_, (2 * core + 1, 2 * core + 1)))
    deep = np.clip(deep * np.float32(2) - 1, 0, 1)
    before = key.wall[..., 3] * key.trust
    keyed = np.maximum(np.minimum(key.alpha, near), deep)
    fused = person + before * (keyed - person)
    return np.asarray(np.where(np.isfinite(raw), fused, raw), np.float32)


def solid(alpha: F32) -> F32:
    """Alpha, float32 (rows, columns), 0..1, with small holes closed deep within."""
    box = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    closed = cv2.erode(cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, box), box)
    return np.asarray(np.maximum(alpha, closed), np.float32)


def key_matte(matte: Matte, alpha: F32, key: Key, guide: U8, frame: Frame) -> Matte:
    """The matte with the key in its edge: alpha at full size in ``guide``.

    Args:
        matte: as refined. alpha: float32 (rows, columns): as fused and cleaned.
        guide: uint8 (height, width) of the frame; overwritten within the matte's rectangle.
    """
    edge = _mixed(alpha)
    trust = edge * key.trust * key.wall[..., 3]
    slopes = key.slopes * trust
    rest = (1 - trust) / np.float32(1 - 2 * matte.levels)
    slopes[0] += rest * matte.coefficients[0]
    slopes[3] += rest * (matte.coefficients[1] - np.float32(matte.levels))
    coefficients = matte.coefficients.copy()
    coefficients[2:] += trust * (key.shift - coefficients[2:])
    spans = reached(Matte(matte.rect, _reach(slopes, alpha), False))
    key_guide(frame, matte.rect, slopes, spans, guide)
    coefficients[0], coefficients[1] = np.float32(1 / 255), 0
    coefficients[0][~_grown(alpha)] = 0
    return Matte(matte.rect, coefficients, True, 0.0, guide)


def _grown(alpha: F32) -> np.ndarray:
    there = np.asarray(alpha > 1 / 255, np.uint8)
    return np.asarray(cv2.dilate(there, np.ones((5, 5), np.uint8)), bool)


def _reach(slopes: F32, alpha: F32) -> F32:
    made = np.zeros((2, *alpha.shape), np.float32)
    made[1] = _grown(alpha)
    return made


def _mixed(alpha: F32) -> F32:
    """1 near where alpha is neither 0 nor 1, on the grid, fading to 0."""
    soft = np.asarray((alpha > 0.02) & (alpha < 0.98), np.float32)
    # A hard edge between two pixels of the grid is one, too.
    box = np.ones((3, 3), np.uint8)
    steps = cv2.dilate(alpha, box) - cv2.erode(alpha, box)
    edge = cv2.dilate(np.maximum(soft, np.asarray(steps > 0.3, np.float32)), box)
    return np.asarray(cv2.blur(cv2.dilate(edge, box), (3, 3)), np.float32)


@kernel(
    "void(uint8[:, :], uint8[:, :], int64, int64, int64, int64, float32[:, :, ::1],"
    "boolean[:, ::1], int32[:, ::1], uint8[:, :])"
)
def _guide(
    luma: U8, chroma: U8, x0: int, y0: int, width: int, height: int, wide: F32, keyed: B8,
    spans: I32, out: U8,
) -> None:  # fmt: skip
    """``wide``: slopes stretched to the ROI's width, float32 (4, rows, width).

    ``keyed``: where on the grid chroma has any say; elsewhere it is not even looked at.
    """
    rows, columns, pairs = wide.shape[1], keyed.shape[1], chroma.shape[0]
    last = chroma.shape[1] // 2 - 1
    quarter, half, zero, one = (
        np.float32(0.25), np.float32(0.5), np.float32(0), np.float32(1),
    )  # fmt: skip
    scale = np.float32(width) / np.float32(columns)
    alpha = np.empty(width, np.float32)
    for line in range(height):
        y = y0 + line
        k, n, t = between(line + 0.5, height, rows)
        left = min(spans[k, 0], spans[n, 0])
        right = max(spans[k, 1], spans[n, 1])
        row = out[y, x0 : x0 + width]
        row[:] = np.uint8(0)
        if left >= right:
            continue
        source = luma[y, x0 : x0 + width]
        for x in range(left, right):
            s0 = wide[0, k, x] + t * (wide[0, n, x] - wide[0, k, x])
            s3 = wide[3, k, x] + t * (wide[3, n, x] - wide[3, k, x])
            alpha[x] = s0 * np.float32(source[x]) + s3
        # Chroma lies between the luma samples: a quarter of the way to its neighbours.
        near = y // 2
        far = min(max(near + (1 if y & 1 else -1), 0), pairs - 1)
        for gap in range(columns + 1):
            i, j = max(gap - 1, 0), min(gap, columns - 1)
            if not (keyed[k, i] or keyed[k, j] or keyed[n, i] or keyed[n, j]):
                continue
            start = max(int(np.ceil((np.float32(gap) - half) * scale - half)), left)
            end = min(int(np.ceil((np.float32(gap) + half) * scale - half)), right)
            for x in range(start, end):
                here = (x0 + x) // 2
                beside = min(max(here + (1 if (x0 + x) & 1 else -1), 0), last)
                for c in range(2):
                    a = np.float32(chroma[near, 2 * here + c])
                    a += quarter * (np.float32(chroma[far, 2 * here + c]) - a)
                    b = np.float32(chroma[near, 2 * beside + c])
                    b += quarter * (np.float32(chroma[far, 2 * beside + c]) - b)
                    slope = wide[1 + c, k, x] + t * (wide[1 + c, n, x] - wide[1 + c, k, x])
                    alpha[x] += slope * (a + quarter * (b - a))
        for x in range(left, right):
            shown = min(max(alpha[x], zero), one)
            row[x] = np.uint8(np.int32(shown * np.float32(255) + half))


def key_guide(frame: Frame, rect: Rect, slopes: F32, spans: I32, out: U8) -> None:
    """Alpha, 0..255, of each pixel of ``rect``, into ``out``, uint8 (height, width) of the frame.

    Args:
        slopes: see ``Key``. spans: see ``matte.reached``; alpha is 0 outside of them.
    """
    _, rows, columns = slopes.shape
    wide = cv2.resize(
        np.ascontiguousarray(slopes).reshape(4 * rows, columns), (rect.width, 4 * rows)
    )
    keyed = (slopes[1] != 0) | (slopes[2] != 0)
    _guide(
        frame.y, frame.uv_rows, rect.x, rect.y, rect.width, rect.height,
        np.asarray(wide, np.float32).reshape(4, rows, rect.width), keyed, spans, out,
    )  # fmt: skip


@kernel(
    "void(uint8[:, :], uint8[:, :], int64, int64, int64, int64, float32[:, :, ::1],"
    "int32[:, ::1], float32, float32, uint8[:, :])"
)
def _despill(
    chroma: U8, alpha: U8, x0: int, y0: int, width: int, height: int, wide: F32, spans: I32,
    along: np.float32, across: np.float32, out: U8,
) -> None:  # fmt: skip
    """``wide``: F-B of Cb, Cr, what of the spill goes, and what is none: (4, rows, width / 2)."""
    rows = wide.shape[1]
    grey, zero, most = np.float32(128), np.float32(0), np.float32(255)
    for line in range(0, height, 2):
        k, n, t = between(line + 1.0, height, rows)
        left = min(spans[k, 0], spans[n, 0]) // 2
        right = max(spans[k, 1], spans[n, 1]) // 2
        y = (y0 + line) // 2
        for x in range(left, right):
            i = x0 + 2 * x
            whole = np.int32(alpha[2 * y, i]) + np.int32(alpha[2 * y, i + 1])
            whole += np.int32(alpha[2 * y + 1, i]) + np.int32(alpha[2 * y + 1, i + 1])
            if whole == 0:
                continue
            rest = np.float32(1) - np.float32(whole) * np.float32(1 / 1020)
            share = wide[2, k, x] + t * (wide[2, n, x] - wide[2, k, x])
            if whole == 1020 and share <= 0:
                continue
            cb = np.float32(chroma[y, i]) - grey
            cr = np.float32(chroma[y, i + 1]) - grey
            cb += rest * (wide[0, k, x] + t * (wide[0, n, x] - wide[0, k, x]))
            cr += rest * (wide[1, k, x] + t * (wide[1, n, x] - wide[1, k, x]))
            limit = wide[3, k, x] + t * (wide[3, n, x] - wide[3, k, x])
            excess = (cb * along + cr * across - limit) * share
            if excess > 0:
                cb -= excess * along
                cr -= excess * across
            out[y, i] = np.uint8(np.int32(min(max(cb + grey, zero), most) + np.float32(0.5)))
            out[y, i + 1] = np.uint8(np.int32(min(max(cr + grey, zero), most) + np.float32(0.5)))


@kernel("void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], int64)")
def _darken(y: U8, uv: U8, left: U8, out_y: U8, out_uv: U8, black: int) -> None:
    for line in range(y.shape[0]):
        for x in range(y.shape[1]):
            lit = (np.int32(y[line, x]) - black) * np.int32(left[line, x]) + 127
            out_y[line, x] = np.uint8(lit // 255 + black)
    for line in range(uv.shape[0]):
        for x in range(uv.shape[1]):
            value = (np.int32(uv[line, x]) - 128) * np.int32(left[2 * line, x]) + 127
            out_uv[line, x] = np.uint8(value // 255 + 128)


def shade_behind(behind: Frame, left: F32, out: Frame) -> None:
    """``behind`` in the shadows of the wall, into ``out``, both NV12 of one even size.

    ``left``: float32 (rows, columns) over the picture: how much light is left, 0..1.
    """
    small = np.asarray(np.clip(left, 0, 1) * np.float32(255) + np.float32(0.5), np.uint8)
    whole = cv2.resize(small, (behind.width, behind.height), interpolation=cv2.INTER_LINEAR)
    black = 16 if behind.colour.range is Range.LIMITED else 0
    _darken(
        behind.y, behind.uv_rows, np.asarray(whole, np.uint8), out.y,
        out.uv_rows, black,
    )  # fmt: skip


def despill(frame: Frame, matte: Matte, alpha: F32, key: Key, strength: float, out: U8) -> Matte:
    """The person's own chroma, where any of them shows: the wall's taken out, and its light.

    Args:
        matte: with alpha in its guide. alpha: float32 (rows, columns), on the grid.
        strength: 0..1: how much goes of what is nearer to the wall's colour than the person is.
        out: uint8 (rows, columns, 2) of the frame's chroma, overwritten.

    Returns the matte that goes with it: its F-B of chroma is in ``out`` already.
    """
    assert matte.guide is not None
    np.copyto(out, frame.uv)
    _, rows, columns = matte.coefficients.shape
    rect = matte.rect
    away = cv2.blur(1 - alpha, (13, 13))
    share = np.float32(strength) * np.clip(np.float32(3) * away, 0, 1)
    mean = key.wall[..., 1:3].mean(axis=(0, 1)) - 128
    size = float(np.hypot(*mean))
    limit = ((key.own[0] - 128) * mean[0] + (key.own[1] - 128) * mean[1]) / np.float32(size)
    planes = np.stack([*matte.coefficients[3:], share, np.maximum(limit, 0)])
    wide = cv2.resize(planes.reshape(4 * rows, columns), (rect.width // 2, 4 * rows))
    spans = reached(matte)
    _despill(
        frame.uv_rows, matte.guide, rect.x, rect.y, rect.width,
        rect.height, np.asarray(wide, np.float32).reshape(4, rows, rect.width // 2), spans,
        np.float32(mean[0] / size), np.float32(mean[1] / size),
        out.reshape(out.shape[0], -1),
    )  # fmt: skip
    coefficients = matte.coefficients.copy()
    coefficients[3:] = 0
    return Matte(rect, coefficients, matte.shifted, matte.levels, matte.guide)
