"""The plate at full size: alpha along the edge, and the person's own colour there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from appliance.media.frame import F32, U8, Frame, Rect
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.layer import PersonLayer
from appliance.pixels.cpu.matte import Matte
from appliance.pixels.cpu.plate import Plate, light_at
from appliance.pixels.cpu.plate_light import RoomLight
from appliance.pixels.cpu.plate_matte import fused
from appliance.pixels.cpu.rows import between

# Where alpha's extremes around a grid pixel lie within these, there is no edge. kernels/plate.cuh
# has the same, and the next.
_NOBODY, _ALL = np.float32(0.04), np.float32(0.97)
# Against the noise of the picture where alpha is small: of (noise / the person's variation)^2.
_WIENER = np.float32(0.015)


@kernel("void(float32[:, ::1], float32[:, :, ::1], uint8[:, ::1], float32[:, :, ::1])")
def _edges(alpha: F32, given: F32, kind: U8, out: F32) -> None:
    rows, columns = alpha.shape
    for j in range(rows):
        for i in range(columns):
            low, high = alpha[j, i], alpha[j, i]
            for n in range(max(j - 1, 0), min(j + 2, rows)):
                for k in range(max(i - 1, 0), min(i + 2, columns)):
                    low, high = min(low, alpha[n, k]), max(high, alpha[n, k])
            out[0, j, i] = np.float32(0)
            if high <= _NOBODY:
                kind[j, i], out[1, j, i] = 0, np.float32(0)
            elif low >= _ALL:
                kind[j, i], out[1, j, i] = 0, np.float32(1)
            else:
                kind[j, i], out[1, j, i] = 1, np.float32(0)
                out[0, j, i] = np.float32(1 / 255)
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
    scale, per = np.float32(width) / np.float32(columns), np.float32(columns) / np.float32(width)
    half, one, middle = np.float32(0.5), np.float32(1), np.float32(128)
    here, far = np.empty(4, np.float32), np.empty(4, np.float32)
    for line in range(height):
        at = y0 + line
        k, n, t = between(line + 0.5, height, rows)
        for gap in range(columns + 1):
            i, j = max(gap - 1, 0), min(gap, columns - 1)
            if not (kind[k, i] or kind[k, j] or kind[n, i] or kind[n, j]):
                continue
            start = max(int(np.ceil((np.float32(gap) - half) * scale - half)), 0)
            end = min(int(np.ceil((np.float32(gap) + half) * scale - half)), width)
            known = min(min(noise[k, i], noise[k, j]), min(noise[n, i], noise[n, j])) >= 0
            varies = max(
                max(person[3, k, i], person[3, k, j]), max(person[3, n, i], person[3, n, j])
            )
            doubt = max(
                max(person[4, k, i], person[4, k, j]), max(person[4, n, i], person[4, n, j])
            )
            a0 = coefficients[0, k, i] + t * (coefficients[0, n, i] - coefficients[0, k, i])
            a1 = coefficients[0, k, j] + t * (coefficients[0, n, j] - coefficients[0, k, j])
            b0 = coefficients[1, k, i] + t * (coefficients[1, n, i] - coefficients[1, k, i])
            b1 = coefficients[1, k, j] + t * (coefficients[1, n, j] - coefficients[1, k, j])
            shift_y = shift_u = shift_v = np.float32(0)
            if known:
                v, u = at / y.shape[0], (x0 + (start + end) * 0.5) / y.shape[1]
                shift_y = middle + light_at(light, 0, v, u)
                shift_u = middle + light_at(light, 1, v, u)
                shift_v = middle + light_at(light, 2, v, u)
                for c in range(3):
                    here[c] = person[c, k, i] + t * (person[c, n, i] - person[c, k, i])
                    far[c] = person[c, k, j] + t * (person[c, n, j] - person[c, k, j])
                here[3] = noise[k, i] + t * (noise[n, i] - noise[k, i])
                far[3] = noise[k, j] + t * (noise[n, j] - noise[k, j])
            for pixel in range(start, end):
                p = (np.float32(pixel) + half) * per + half - np.float32(gap)
                x = x0 + pixel
                luma = np.float32(y[at, x])
                alpha = (a0 + p * (a1 - a0)) * luma + b0 + p * (b1 - b0)
                alpha = min(max((alpha - levels) * per_level, np.float32(0)), one)
                if known:
                    pair, of_u = at // 2, x // 2 * 2
                    alpha = fused(
                        alpha, luma, np.float32(uv[pair, of_u]), np.float32(uv[pair, of_u + 1]),
                        gain * (np.float32(plate_y[at, x]) - middle) + shift_y,
                        gain * (np.float32(plate_uv[pair, of_u]) - middle) + shift_u,
                        gain * (np.float32(plate_uv[pair, of_u + 1]) - middle) + shift_v,
                        here[0] + p * (far[0] - here[0]), here[1] + p * (far[1] - here[1]),
                        here[2] + p * (far[2] - here[2]), varies, doubt,
                        here[3] + p * (far[3] - here[3]),
                    )  # fmt: skip
                out[at, x] = np.uint8(np.int32(alpha * np.float32(255) + half))


def _rows(uv: U8) -> U8:
    return uv.reshape(uv.shape[0], -1)


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
    _edges(alpha, matte.coefficients, kind, coefficients)
    rect = matte.rect
    _along(
        frame.y, _rows(frame.uv), plate.picture.y, _rows(plate.picture.uv), light.offset,
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
        for block in range(left // 2, right // 2):
            x, line = 2 * block, 2 * pair
            a00, a01 = alpha[line, x], alpha[line, x + 1]
            a10, a11 = alpha[line + 1, x], alpha[line + 1, x + 1]
            if (a00 & a01 & a10 & a11) == 255 or (a00 | a01 | a10 | a11) == 0:
                continue
            if times[line // cell, x // cell] < known:
                continue
            u = x / y.shape[1]
            shift = middle + light_at(light, 0, v, u)
            total = np.float32(0)
            for dy in range(2):
                for dx in range(2):
                    a = np.float32(alpha[line + dy, x + dx]) * per
                    total += a
                    behind = gain * (np.float32(plate_y[line + dy, x + dx]) - middle) + shift
                    guess = np.float32(front_y[line + dy, x + dx])
                    off = np.float32(y[line + dy, x + dx]) - a * guess - (1 - a) * behind
                    value = guess + off * a / (a * a + _WIENER)
                    front_y[line + dy, x + dx] = np.uint8(
                        np.int32(min(max(value, zero), most) + half)
                    )
            a = total * np.float32(0.25)
            for c in range(2):
                shift = middle + light_at(light, 1 + c, v, u)
                behind = gain * (np.float32(plate_uv[pair, x + c]) - middle) + shift
                guess = np.float32(front_uv[pair, x + c])
                off = np.float32(uv[pair, x + c]) - a * guess - (1 - a) * behind
                value = guess + off * a / (a * a + _WIENER)
                front_uv[pair, x + c] = np.uint8(np.int32(min(max(value, zero), most) + half))


def true_colour(
    layer: PersonLayer, frame: Frame, plate: Plate, light: RoomLight, within: Rect, known: int
) -> None:
    """Put the colours of soft pixels right, in place, where the plate is known.

    With the layer's own colour F as a guess and B the plate, the one that explains the picture:
    F + a / (a^2 + w) * (I - a F - (1-a) B), w against the noise; as in Forte, "Approximate Fast
    Foreground Colour Estimation", ICIP 2021, equation 2, but with a known B and not halved.

    Args:
        within: where the layer's alpha is the matte's own, without the ROI's ramps; even.
        known: cells of the plate seen so many times are used.
    """
    rect = layer.rect.intersect(within)
    if rect.area == 0:
        return
    _true_colour(
        frame.y, _rows(frame.uv), plate.picture.y, _rows(plate.picture.uv), plate.times, plate.cell,
        light.offset, np.float32(light.gain), layer.front.y, _rows(layer.front.uv), layer.alpha,
        rect.x, rect.y, rect.right, rect.bottom, np.uint8(known),
    )  # fmt: skip
