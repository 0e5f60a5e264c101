"""A soft shadow of the person on what is behind: on the wall near by, and under the feet."""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import U8, Frame, Range
from appliance.pixels.cpu.jit import inline, kernel

# On the small grid, as parts of its longer side. The light comes from above and from all around.
DROP, WALL = 0.012, 0.022
FOOT, FOOT_ACROSS, FOOT_DOWN = 0.0125, 0.03, 0.007
# The darkest of each, at full strength: parts of the light taken away.
WALL_DARK, FOOT_DARK = 0.45, 0.85
# How far up from the lowest point feet are looked for.
FEET = 0.06


def cells_of(part: float, grid: tuple[int, int]) -> int:
    """A part of the longer side of a grid (rows, columns), in cells, at least 1."""
    return max(1, round(part * max(grid)))


def feet(alpha: U8) -> U8:
    """Where the person ends downwards, near the lowest point: uint8 (rows, columns).

    Args:
        alpha: uint8 (rows, columns), the layer's on the small grid. Where it reaches the last row
            the person is cut by the picture's border, and stands on nothing.
    """
    rows = alpha.shape[0]
    down, reach = cells_of(FOOT, alpha.shape), cells_of(FEET, alpha.shape)
    there = np.flatnonzero((alpha >= 128).any(axis=1))
    lowest = int(there[-1]) if there.size else -1
    below = np.empty_like(alpha)
    below[: max(0, rows - down)] = alpha[down:]
    below[max(0, rows - down) :] = alpha[-1]
    row = np.arange(rows)
    weight = np.clip((row - (lowest - reach)) / reach, 0, 1) * (lowest >= 0)
    made = alpha * (255.0 - below) / 255 * weight[:, None]
    return np.asarray(made + 0.5, np.uint8)


def contact_shadow(alpha: U8, strength: float) -> U8:
    """What is left of the light behind a person, uint8 (rows, columns): 255 all of it.

    Args:
        alpha: uint8 (rows, columns), the layer's on the small grid. strength: 0..1.
    """
    grid, longer, edge = alpha.shape, max(alpha.shape), cv2.BORDER_REPLICATE
    wall = cv2.GaussianBlur(alpha, (0, 0), max(0.3, WALL * longer), borderType=edge)
    across, down = max(0.3, FOOT_ACROSS * longer), max(0.3, FOOT_DOWN * longer)
    foot = cv2.GaussianBlur(feet(alpha), (0, 0), across, sigmaY=down, borderType=edge)
    dark = WALL_DARK * _lowered(np.asarray(wall, np.uint8), cells_of(DROP, grid)).astype(np.float32)
    dark += FOOT_DARK * _lowered(np.asarray(foot, np.uint8), cells_of(FOOT_DOWN, grid))
    left = 255 - strength * np.minimum(dark, 255)
    return np.asarray(left + 0.5, np.uint8)


def _lowered(plane: U8, by: int) -> U8:
    """Everything lower by some rows; the first row is repeated."""
    by = min(by, plane.shape[0] - 1)
    return np.concatenate([plane[:1].repeat(by, axis=0), plane[: plane.shape[0] - by]])


@inline
def _all_light(row: U8) -> bool:
    total = np.int32(0)
    for i in range(row.shape[0]):
        total += np.int32(row[i])
    return bool(total == 255 * row.shape[0])


@inline
def _dim(plane: U8, shade: U8, step: int, zero: np.float32, out: U8) -> None:
    """Zero + (value - zero) * shade / 255; ``step`` 2: pairs of Cb and Cr share one shade."""
    for i in range(plane.shape[0]):
        light = np.float32(shade[i // step * step]) * np.float32(1 / 255)
        out[i] = np.uint8(np.int32(zero + (np.float32(plane[i]) - zero) * light + np.float32(0.5)))


@kernel("void(uint8[:, :], uint8[:, :], uint8[:, :], float32, uint8[:, :], uint8[:, :])")
def _darken(y: U8, uv: U8, shade: U8, black: np.float32, out_y: U8, out_uv: U8) -> None:
    for line in range(y.shape[0]):
        if _all_light(shade[line]):
            continue
        _dim(y[line], shade[line], 1, black, out_y[line])
        if line & 1 == 0:
            _dim(uv[line // 2], shade[line], 2, np.float32(128), out_uv[line // 2])


def darken(picture: Frame, shade: U8, out: Frame) -> None:
    """A picture with a part of its light taken away: each of Y, Cb, Cr nearer to black.

    Args:
        picture, out: NV12 of one size, even sides.
        shade: uint8 (height, width), 255: as it is, 0: black. Chroma takes its upper left sample.

    Raises:
        ValueError: sizes differ.
    """
    if picture.rect != out.rect or shade.shape != picture.y.shape:
        raise ValueError(
            f"cannot darken {picture.width}x{picture.height} by a shade of {shade.shape[1]}x"
            f"{shade.shape[0]} into {out.width}x{out.height}: expected one size"
        )
    np.copyto(out.y, picture.y)
    np.copyto(out.uv, picture.uv)
    black = 16.0 if picture.colour.range is Range.LIMITED else 0.0
    _darken(
        picture.y, picture.uv_rows, shade, np.float32(black), out.y,
        out.uv_rows,
    )  # fmt: skip
