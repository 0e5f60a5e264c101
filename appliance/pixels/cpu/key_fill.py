"""The person for a switcher to composite: alpha as a picture, and the colour that belongs to it.

A key is alpha as luma: 0 is black and 1 white in the stream's own range, so that limited range has
220 steps of it. What is mixed with a key is weighed by those very steps, not by alpha's 256: then a
switcher's fill + (1 - key) * background is the composite, within rounding (Porter and Duff,
"Compositing Digital Images", SIGGRAPH 1984, the operator "over", premultiplied).
"""

from __future__ import annotations

import cv2
import numpy as np

from appliance.media.frame import F32, U8, Colour, Frame, Range
from appliance.pixels.cpu.jit import kernel
from appliance.pixels.cpu.layer import PersonLayer
from appliance.pixels.cpu.rows import over_row, quarter_row

NEUTRAL = 128
"""Chroma of what has no colour."""


def key_range(colour: Colour) -> tuple[int, int]:
    """Luma of a key's black, and how many steps above it white is."""
    return (16, 219) if colour.range is Range.LIMITED else (0, 255)


def black_of(colour: Colour) -> tuple[int, int, int]:
    """Y, Cb, Cr of black."""
    return key_range(colour)[0], NEUTRAL, NEUTRAL


def _levels(colour: Colour) -> U8:
    """Luma of a key, by alpha: uint8 (256,)."""
    black, steps = key_range(colour)
    return np.asarray(black + (np.arange(256) * steps + 127) // 255, np.uint8)


def _weights(colour: Colour) -> F32:
    """Alpha as a key carries it, 0..1, by alpha in bytes: float32 (256,)."""
    black, steps = key_range(colour)
    return (_levels(colour).astype(np.float32) - np.float32(black)) / np.float32(steps)


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], float32[::1], int64, int64, int64, uint8[:, :],"
    "uint8[:, :], int64, int64, int64, int64)"
)
def _over_plain(
    fg_y: U8, fg_uv: U8, alpha: U8, weights: F32, plain_y: int, plain_cb: int, plain_cr: int,
    out_y: U8, out_uv: U8, left: int, top: int, right: int, bottom: int,
) -> None:  # fmt: skip
    width = right - left
    weight, weight_c = np.empty((2, width), np.float32), np.empty(width, np.float32)
    plain, plain_c = np.full(width, plain_y, np.uint8), np.empty(width, np.uint8)
    plain_c[::2], plain_c[1::2] = plain_cb, plain_cr
    for y in range(top, bottom, 2):
        for i in range(2):
            row = alpha[y + i, left:right]
            for x in range(width):
                weight[i, x] = weights[row[x]]
            over_row(fg_y[y + i, left:right], plain, weight[i], out_y[y + i, left:right])
        quarter_row(weight[0], weight[1], weight_c)
        pair = y // 2
        over_row(fg_uv[pair, left:right], plain_c, weight_c, out_uv[pair, left:right])


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[::1], uint8, uint8[:, :], uint8[:, :],"
    "int64, int64, int64, int64)"
)
def _straight(
    fg_y: U8, fg_uv: U8, alpha: U8, levels: U8, black: int, out_y: U8, out_uv: U8, left: int,
    top: int, right: int, bottom: int,
) -> None:  # fmt: skip
    for y in range(top, bottom, 2):
        some = out_uv[y // 2, left:right]
        for x in range(some.shape[0]):
            some[x] = NEUTRAL
        for i in range(2):
            row, front = alpha[y + i, left:right], fg_y[y + i, left:right]
            into, chroma = out_y[y + i, left:right], fg_uv[y // 2, left:right]
            for x in range(row.shape[0]):
                into[x] = black
                if levels[row[x]] > black:
                    into[x] = front[x]
                    some[x // 2 * 2], some[x // 2 * 2 + 1] = (
                        chroma[x // 2 * 2],
                        chroma[x // 2 * 2 + 1],
                    )


def draw_plain(colour: tuple[int, int, int], out: Frame) -> None:
    """One colour everywhere: Y, Cb, Cr, 0..255."""
    out.y[:] = colour[0]
    # Both bytes of a pair in one go: numpy fills rows of pairs byte by byte.
    pairs = np.frombuffer(bytes(colour[1:]), np.uint16)[0]
    rows = out.uv_rows
    if rows.strides[1] == 1 and not (rows.strides[0] | rows.ctypes.data) & 1:
        rows.view(np.uint16)[:] = pairs
    else:
        out.uv[:] = colour[1:]


def draw_key(layer: PersonLayer | None, out: Frame) -> None:
    """Write alpha as luma, black to white in the range of ``out``; black for nobody.

    Args:
        out: NV12 of the layer's size, even sides, any pitch.

    Raises:
        ValueError: sizes differ.
    """
    _check(layer, out)
    draw_plain(black_of(out.colour), out)
    if layer is not None and layer.rect.area:
        r = layer.rect
        part = np.s_[r.y : r.bottom, r.x : r.right]
        cv2.LUT(layer.alpha[part], _levels(out.colour), out.y[part])


def draw_fill(layer: PersonLayer | None, out: Frame, *, straight: bool = False) -> None:
    """Write the person's colour, as it goes with ``draw_key``'s key; black for nobody.

    Args:
        out: as for ``draw_key``.
        straight: the colour as it is wherever the key is above black, and black elsewhere. Else
            premultiplied (shaped): the colour times the key, over black.

    Raises:
        ValueError: sizes differ.
    """
    black = black_of(out.colour)
    if not straight:
        _lay(layer, out, black, _weights(out.colour))
        return
    _check(layer, out)
    draw_plain(black, out)
    if layer is not None and layer.rect.area:
        rect, front = layer.rect, layer.front
        _straight(
            front.y, front.uv_rows, layer.alpha, _levels(out.colour), black[0], out.y,
            out.uv_rows, rect.x, rect.y, rect.right, rect.bottom,
        )  # fmt: skip


def draw_over_plain(layer: PersonLayer | None, colour: tuple[int, int, int], out: Frame) -> None:
    """Write the person over one colour (Y, Cb, Cr, 0..255), as the composite would.

    Raises:
        ValueError: sizes differ.
    """
    _lay(layer, out, colour, (np.arange(256) / 255).astype(np.float32))


def _lay(layer: PersonLayer | None, out: Frame, colour: tuple[int, int, int], weights: F32) -> None:
    _check(layer, out)
    draw_plain(colour, out)
    if layer is not None and layer.rect.area:
        rect, front = layer.rect, layer.front
        _over_plain(
            front.y, front.uv_rows, layer.alpha, weights, *colour, out.y, out.uv_rows,
            rect.x, rect.y, rect.right, rect.bottom,
        )  # fmt: skip


def _check(layer: PersonLayer | None, out: Frame) -> None:
    if layer is not None and layer.front.rect != out.rect:
        raise ValueError(
            f"cannot draw a layer of {layer.front.width}x{layer.front.height} into "
            f"{out.width}x{out.height}: expected one size"
        )
