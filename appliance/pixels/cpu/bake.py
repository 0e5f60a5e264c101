"""What a ``.cube`` file says, or an affine map, worked out for every colour of NV12, in float64."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, Colour, Range
from appliance.media.rgb import matrix_of
from appliance.pixels.cpu.jit import inline, kernel
from appliance.pixels.cpu.look import U16, LookTable

F64 = NDArray[np.float64]


def _zeros() -> F64:
    return np.zeros(3)


def _ones() -> F64:
    return np.ones(3)


@dataclass(frozen=True, slots=True, eq=False)
class ColourCube:
    """Curves, then a cube, each optional, from R'G'B' to R'G'B', nominally 0..1.

    Attributes:
        curves: float64 (n, 3), n of 2 or more: red's, green's and blue's own, linear in between.
        curves_from, curves_to: float64 (3,): the input of the first and of the last row.
        cube: float32 (n, n, n, 3), indexed by blue, green, red; tetrahedral in between.
        cube_from, cube_to: float64 (3,): the input, or the curves' output, at its ends.

    What lies outside the ends is taken as if it lay on them.
    """

    curves: F64 | None = None
    curves_from: F64 = field(default_factory=_zeros)
    curves_to: F64 = field(default_factory=_ones)
    cube: F32 | None = None
    cube_from: F64 = field(default_factory=_zeros)
    cube_to: F64 = field(default_factory=_ones)


@inline
def _place(value: float, low: float, scale: float, nodes: int) -> tuple[int, float]:
    """The node below a value, and how far it is to the next, 0..1."""
    at = min(max((value - low) * scale, 0.0), nodes - 1.0)
    first = min(int(at), nodes - 2)
    return first, at - first


@inline
def _tetrahedral(
    cube: F32, corner: int, nodes: int, b: float, g: float, r: float, out: F64
) -> None:
    """Between the corners of one cell: Sakamoto and Itooka, US patent 4275413 (1981, expired).

    From the cell's darkest corner to its lightest along the three axes, the furthest way first.
    ``cube`` is flat, and ``corner`` the darkest one's place in it.
    """
    red, green, blue = 3, 3 * nodes, 3 * nodes * nodes
    if r > g:
        if g > b:
            most, middle, least, first, second = r, g, b, red, red + green
        elif r > b:
            most, middle, least, first, second = r, b, g, red, red + blue
        else:
            most, middle, least, first, second = b, r, g, blue, blue + red
    elif b > g:
        most, middle, least, first, second = b, g, r, blue, blue + green
    elif b > r:
        most, middle, least, first, second = g, b, r, green, green + blue
    else:
        most, middle, least, first, second = g, r, b, green, green + red
    for c in range(3):
        at = corner + c
        out[c] = (
            cube[at] * (1 - most)
            + cube[at + first] * (most - middle)
            + cube[at + second] * (middle - least)
            + cube[at + red + green + blue] * least
        )


@kernel(
    "boolean(float64[:, ::1], float64[:, ::1], float32[::1], int64, float64[:, ::1], "
    "float64[:, ::1], float64[:, ::1], float64[::1], float64, uint16[:, :, ::1], "
    "uint16[:, :, :, ::1])"
)
def _bake(
    curves: F64, curve_ends: F64, cube: F32, nodes: int, cube_ends: F64, to_rgb: F64,
    to_yuv: F64, offset: F64, strength: float, luma: U16, chroma: U16,
) -> bool:  # fmt: skip
    changes = False
    rgb, new = np.empty(3), np.empty(3)
    for cb in range(256):
        for cr in range(256):
            for y in range(256):
                shown = True
                for c in range(3):
                    value = (
                        to_rgb[c, 0] * (y - offset[0])
                        + to_rgb[c, 1] * (cb - offset[1])
                        + to_rgb[c, 2] * (cr - offset[2])
                    )
                    rgb[c] = value
                    shown = shown and -1e-9 <= value <= 1 + 1e-9
                    new[c] = min(max(value, 0.0), 1.0)
                if curves.shape[0] > 1:
                    for c in range(3):
                        n, part = _place(
                            new[c], curve_ends[0, c], curve_ends[1, c], curves.shape[0]
                        )
                        new[c] = curves[n, c] + part * (curves[n + 1, c] - curves[n, c])
                if nodes > 1:
                    i, r = _place(new[0], cube_ends[0, 0], cube_ends[1, 0], nodes)
                    j, g = _place(new[1], cube_ends[0, 1], cube_ends[1, 1], nodes)
                    k, b = _place(new[2], cube_ends[0, 2], cube_ends[1, 2], nodes)
                    corner = 3 * ((k * nodes + j) * nodes + i)
                    _tetrahedral(cube, corner, nodes, b, g, r, new)
                for c in range(3):
                    clipped = min(max(new[c], 0.0), 1.0)
                    new[c] = rgb[c] + strength * (clipped - rgb[c])
                luma_now = offset[0]
                cb_now, cr_now = offset[1], offset[2]
                for c in range(3):
                    luma_now += to_yuv[0, c] * new[c]
                    cb_now += to_yuv[1, c] * new[c]
                    cr_now += to_yuv[2, c] * new[c]
                steps = int(min(max(luma_now, 0.0), 255.0) * 256 + 0.5)
                blue = int(min(max(cb_now, 0.0), 255.0) * 256 + 0.5)
                red = int(min(max(cr_now, 0.0), 255.0) * 256 + 0.5)
                luma[cb, cr, y] = steps
                chroma[cb, cr, y, 0] = blue
                chroma[cb, cr, y, 1] = red
                if shown and (
                    abs(steps - 256 * y) > 8 or abs(blue - 256 * cb) > 8 or abs(red - 256 * cr) > 8
                ):
                    changes = True
    return changes


def _ends(low: F64, high: F64, table: F64 | F32 | None) -> F64:
    """Where the table begins, and nodes for a step of 1, for each channel."""
    steps = 1 if table is None else len(table) - 1
    return np.ascontiguousarray(np.stack((low, steps / (high - low))), np.float64)


def empty_table() -> tuple[U16, U16]:
    """Memory for a table's luma and chroma."""
    return np.empty((256, 256, 256), np.uint16), np.empty((256, 256, 256, 2), np.uint16)


def bake_look(look: ColourCube, colour: Colour, strength: float = 1.0) -> LookTable:
    """Work a look out for every Y'CbCr of a colour; takes a second, without the GIL.

    ``strength``, 0..1: how much of the look and how much of the picture as it was.
    """
    matrix, offset = matrix_of(colour)
    forth = 255 * matrix.astype(np.float64)
    cube = np.zeros((1, 1, 1, 3), np.float32) if look.cube is None else look.cube
    luma, chroma = empty_table()
    changes = _bake(
        np.zeros((1, 3)) if look.curves is None else np.ascontiguousarray(look.curves, np.float64),
        _ends(look.curves_from, look.curves_to, look.curves),
        np.ascontiguousarray(cube, np.float32).reshape(-1), len(cube),
        _ends(look.cube_from, look.cube_to, look.cube),
        np.asarray(np.linalg.inv(forth), np.float64), forth, offset.astype(np.float64),
        float(strength), luma, chroma,
    )  # fmt: skip
    return LookTable(luma, chroma, bool(changes))


@kernel(
    "void(float64[:, ::1], float64[::1], float64[:, ::1], uint16[:, :, ::1], uint16[:, :, :, ::1])"
)
def _bake_affine(matrix: F64, offset: F64, ends: F64, luma: U16, chroma: U16) -> None:
    for cb in range(256):
        for cr in range(256):
            for y in range(256):
                for c in range(3):
                    value = offset[c] + matrix[c, 0] * y + matrix[c, 1] * cb + matrix[c, 2] * cr
                    value = min(max(value, ends[0, c]), ends[1, c])
                    steps = int(value * 256 + 0.5)
                    if c == 0:
                        luma[cb, cr, y] = steps
                    else:
                        chroma[cb, cr, y, c - 1] = steps


def bake_affine(matrix: F64, offset: F64, colour: Colour) -> LookTable:
    """The look (Y, Cb, Cr) -> matrix (3, 3) times that, plus offset (3,), kept in the range."""
    low, high = ((16, 16, 16), (235, 240, 240)) if colour.range is Range.LIMITED else (0, 255)
    ends = np.empty((2, 3))
    ends[0], ends[1] = low, high
    luma, chroma = empty_table()
    _bake_affine(
        np.ascontiguousarray(matrix, np.float64), np.ascontiguousarray(offset, np.float64), ends,
        luma, chroma,
    )  # fmt: skip
    return LookTable(luma, chroma, True)
