"""The plate at full size: alpha along the edge, and the person's own colour there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.layer import PersonLayer
from appliance.pixels.cpu.matte import Matte
from appliance.pixels.cpu.plate import Plate, light_at
from appliance.pixels.cpu.plate_light import RoomLight
from appliance.pixels.cpu.plate_matte import SURE as _SURE
from appliance.pixels.cpu.plate_matte import fused

# Where alpha's extremes around a grid pixel lie within these, there is no edge. kernels/plate.cuh
# has the same, and the next.
_NOBODY, _ALL = np.float32(0.04), np.float32(0.97)
# What a soft pixel's colour is taken to err by: the picture's noise squared, in levels, alpha's
# squared, and how far the guess may be off, squared.
_NOISE, _ERRS, _GUESS = np.float32(9), np.float32(0.0036), np.float32(400)
_NEAR = np.ones((3, 3), np.uint8)


@kernel(
    "void(float32[:, ::1], float32[:, ::1], float32[:, :, ::1], uint8[:, ::1],float32[:, :, ::1])"
)
def _edges(low: F32, high: F32, given: F32, kind: U8, out: F32) -> None:
    for j in range(low.shape[0]):
        for i in range(low.shape[1]):
            edge = high[j, i] > _NOBODY and low[j, i] < _ALL
            kind[j, i] = np.uint8(edge)
            out[0, j, i] = np.float32(1 / 255) if edge else np.float32(0)
            out[1, j, i] = np.float32(1) if low[j, i] >= _ALL else np.float32(0)
            for c in range(2, 5):
                out[c, j, i] = given[c, j, i]


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, ::1], uint8[:, ::1], float32[:, :, ::1], float32,"
    "int64, int64, int64, int64, uint8[:, ::1], float32[:, :, ::1], float32, float32[:, ::1],"
    "float32[:, :, ::1], uint8[:, ::1])"
)
def _along(
    y: U8, uv: U8, plate_y: U8, plate_uv: U8, light: F32, gain: np.float32, x0: int, y0: int,
    width: int, height: int, kind: U8, coefficients: F32, levels: np.float32, noise: F32,
    person: F32, out: U8,
) -> None:  # fmt: skip
    rows, columns = kind.shape
    per_level = np.float32(1) / (np.float32(1) - np.float32(2) * levels)
    scale_x = np.float32(width) / np.float32(columns)
    scale_y = np.float32(height) / np.float32(rows)
    half, one, middle = np.float32(0.5), np.float32(1), np.float32(128)
    # At the four corners: a, b, the person's Y, Cb, Cr, the noise; then at the line's two ends.
    corner, left, step = (
        np.empty((4, 6), np.float32), np.empty(6, np.float32), np.empty(6, np.float32)
    )  # fmt: skip
    # The gaps between the grid's rows and columns, 0 and the last being half ones at the border.
    for below in range(rows + 1):
        k, n = max(below - 1, 0), min(below, rows - 1)
        top = max(int(np.ceil((np.float32(below) - half) * scale_y - half)), 0)
        bottom = min(int(np.ceil((np.float32(below) + half) * scale_y - half)), height)
        for gap in range(columns + 1):
            i, j = max(gap - 1, 0), min(gap, columns - 1)
            if not (kind[k, i] or kind[k, j] or kind[n, i] or kind[n, j]):
                continue
            start = max(int(np.ceil((np.float32(gap) - half) * scale_x - half)), 0)
            end = min(int(np.ceil((np.float32(gap) + half) * scale_x - half)), width)
            known = min(min(noise[k, i], noise[k, j]), min(noise[n, i], noise[n, j])) >= 0
            varies = max(
                max(person[3, k, i], person[3, k, j]), max(person[3, n, i], person[3, n, j])
            )
            doubt = max(
                max(person[4, k, i], person[4, k, j]), max(person[4, n, i], person[4, n, j])
            )
            for c in range(2):
                corner[0, c], corner[1, c] = coefficients[c, k, i], coefficients[c, k, j]
                corner[2, c], corner[3, c] = coefficients[c, n, i], coefficients[c, n, j]
            for c in range(3):
                corner[0, c + 2], corner[1, c + 2] = person[c, k, i], person[c, k, j]
                corner[2, c + 2], corner[3, c + 2] = person[c, n, i], person[c, n, j]
            corner[0, 5], corner[1, 5] = noise[k, i], noise[k, j]
            corner[2, 5], corner[3, 5] = noise[n, i], noise[n, j]
            v, u = (y0 + top) / y.shape[0], (x0 + start) / y.shape[1]
            shift_y = middle + light_at(light, 0, v, u)
            shift_u = middle + light_at(light, 1, v, u)
            shift_v = middle + light_at(light, 2, v, u)
            for line in range(top, bottom):
                at = y0 + line
                pair = at // 2
                t = (np.float32(line) + half) / scale_y + half - np.float32(below)
                for c in range(6):
                    left[c] = corner[0, c] + t * (corner[2, c] - corner[0, c])
                    step[c] = corner[1, c] + t * (corner[3, c] - corner[1, c]) - left[c]
                for pixel in range(start, end):
                    p = (np.float32(pixel) + half) / scale_x + half - np.float32(gap)
                    x = x0 + pixel
                    luma = np.float32(y[at, x])
                    alpha = (left[0] + p * step[0]) * luma + left[1] + p * step[1]
                    alpha = min(max((alpha - levels) * per_level, np.float32(0)), one)
                    if known and _NOBODY < alpha < _SURE:
                        of_u = x // 2 * 2
                        alpha = fused(
                            alpha, luma, np.float32(uv[pair, of_u]),
                            np.float32(uv[pair, of_u + 1]),
                            gain * (np.float32(plate_y[at, x]) - middle) + shift_y,
                            gain * (np.float32(plate_uv[pair, of_u]) - middle) + shift_u,
                            gain * (np.float32(plate_uv[pair, of_u + 1]) - middle) + shift_v,
                            left[2] + p * step[2], left[3] + p * step[3], left[4] + p * step[4],
                            varies, doubt, left[5] + p * step[5],
                        )  # fmt: skip
                    out[at, x] = np.uint8(np.int32(alpha * np.float32(255) + half))


def sharpen(
    matte: Matte, alpha: F32, frame: Frame, plate: Plate, light: RoomLight, noise: F32, person: F32,
    out: U8,
) -> Matte:  # fmt: skip
    """A matte whose alpha is known pixel by pixel along the edge: its guide is alpha itself.

    Args:
        matte: of the frame, its guide the frame's luma; left as it is.
        alpha: float32 (rows, columns), 0..1, of the matte's grid. noise: see ``plate_noise``.
        person: see ``person_colours``. out: uint8 (height, width) of the frame: becomes the guide;
            only what lies along the edge is written.
    """
    kind, coefficients = np.empty(alpha.shape, np.uint8), np.empty_like(matte.coefficients)
    low, high = cv2.erode(alpha, _NEAR), cv2.dilate(alpha, _NEAR)
    _edges(
        np.asarray(low, np.float32), np.asarray(high, np.float32), matte.coefficients, kind,
        coefficients,
    )  # fmt: skip
    rect = matte.rect
    _along(
        frame.y, frame.uv_rows, plate.picture.y, plate.picture.uv_rows, light.offset,
        np.float32(light.gain), rect.x, rect.y, rect.width, rect.height, kind,
        matte.coefficients, np.float32(matte.levels), noise, person, out,
    )  # fmt: skip
    return replace(matte, coefficients=coefficients, levels=0.0, guide=out)


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], int64,"
    "float32[:, :, ::1], float32, uint8[:, :], uint8[:, :], uint8[:, :], int64, int64, int64,"
    "int64, uint8)"
)
def _true_colour(
    y: U8, uv: U8, plate_y: U8, plate_uv: U8, times: U8, cell: int, light: F32, gain: np.float32,
    front_y: U8, front_uv: U8, alpha: U8, left: int, top: int, right: int, bottom: int,
    known: np.uint8,
) -> None:  # fmt: skip
    middle, half, per = np.float32(128), np.float32(0.5), np.float32(1 / 255)
    zero, most = np.float32(0), np.float32(255)
    for pair in range(top // 2, bottom // 2):
        v = 2 * pair / y.shape[0]
        line = 2 * pair
        lit, seen, plain = -1, 0, True
        shift_y = shift_u = shift_v = np.float32(0)
        for block in range(left // 2, right // 2):
            x = 2 * block
            if x >= seen:
                # Most of it is all person, or nobody: passed over by 32 columns at a time.
                seen = min(x + 32, right)
                low, high = np.uint8(255), np.uint8(0)
                for i in range(x, seen):
                    low = min(low, min(alpha[line, i], alpha[line + 1, i]))
                    high = max(high, max(alpha[line, i], alpha[line + 1, i]))
                plain = low == 255 or high == 0
            if plain:
                continue
            a00, a01 = alpha[line, x], alpha[line, x + 1]
            a10, a11 = alpha[line + 1, x], alpha[line + 1, x + 1]
            if (a00 & a01 & a10 & a11) == 255 or (a00 | a01 | a10 | a11) == 0:
                continue
            if times[line // cell, x // cell] < known:
                continue
            if x // 32 != lit:
                lit = x // 32
                u = (lit * 32 + 16) / y.shape[1]
                shift_y = middle + light_at(light, 0, v, u)
                shift_u = middle + light_at(light, 1, v, u)
                shift_v = middle + light_at(light, 2, v, u)
            total = np.float32(0)
            for dy in range(2):
                for dx in range(2):
                    a = np.float32(alpha[line + dy, x + dx]) * per
                    total += a
                    behind = gain * (np.float32(plate_y[line + dy, x + dx]) - middle) + shift_y
                    guess = np.float32(front_y[line + dy, x + dx])
                    off = np.float32(y[line + dy, x + dx]) - a * guess - (1 - a) * behind
                    far = guess - behind
                    noise = (_NOISE + _ERRS * far * far) / _GUESS
                    value = guess + off * a / (a * a + noise)
                    front_y[line + dy, x + dx] = np.uint8(
                        np.int32(min(max(value, zero), most) + half)
                    )
            a = total * np.float32(0.25)
            for c in range(2):
                shift = shift_v if c else shift_u
                behind = gain * (np.float32(plate_uv[pair, x + c]) - middle) + shift
                guess = np.float32(front_uv[pair, x + c])
                off = np.float32(uv[pair, x + c]) - a * guess - (1 - a) * behind
                far = guess - behind
                noise = (_NOISE + _ERRS * far * far) / _GUESS
                value = guess + off * a / (a * a + noise)
                front_uv[pair, x + c] = np.uint8(np.int32(min(max(value, zero), most) + half))


def true_colour(
    layer: PersonLayer, frame: Frame, plate: Plate, light: RoomLight, within: Rect, known: int
) -> None:
    """Put the colours of soft pixels right, in place, where the plate is known.

    With the layer's own colour F as a guess and B the plate, the one that explains the picture:
    F + a / (a^2 + w) * (I - a F - (1-a) B), w the noise of I and alpha; as in Forte, "Approximate
    Fast Foreground Colour Estimation", ICIP 2021, equation 2, but with a known B.

    Args:
        within: where the layer's alpha is the matte's own, without the ROI's ramps; even.
        known: cells of the plate seen so many times are used.
    """
    rect = layer.rect.intersect(within)
    if rect.area == 0:
        return
    _true_colour(
        frame.y, frame.uv_rows, plate.picture.y, plate.picture.uv_rows, plate.times, plate.cell,
        light.offset, np.float32(light.gain), layer.front.y, layer.front.uv_rows, layer.alpha,
        rect.x, rect.y, rect.right, rect.bottom, np.uint8(known),
    )  # fmt: skip
