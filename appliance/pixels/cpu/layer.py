"""The person's layer: true colour and alpha at full size, apart from what is behind.

What changes the person alone (light, look, place, time) works on this, and the composite then lays
it over the background. Without such a stage the composite does all of it in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32, U8, Colour, Frame, Rect
from appliance.pixels.cpu.jit import kernel
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

NOWHERE = Rect(0, 0, 0, 0)


@dataclass(slots=True)
class PersonLayer:
    """The person, apart from what is behind.

    Attributes:
        front: NV12 of the canvas's size: the person's own colour. Only what lies in ``rect`` means
            anything, and only where alpha is above 0: whoever moves or blurs it weighs by alpha.
        alpha: uint8 (height, width), 0..255: how much of the person shows, ramps included; 0
            outside ``rect``.
        rect: around all that is above 0, even on all sides; empty (0, 0, 0, 0) for nobody.
    """

    front: Frame
    alpha: U8
    rect: Rect = NOWHERE


def empty_layer(width: int, height: int, colour: Colour) -> PersonLayer:
    """A layer with nobody in it, in memory of its own."""
    front = Frame(
        np.zeros((height, width), np.uint8),
        np.zeros((height // 2, width // 2, 2), np.uint8),
        colour,
    )
    return PersonLayer(front, np.zeros((height, width), np.uint8))


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], int64, int64,"
    "float32[:, :, ::1], float32[:, ::1], int32[:, ::1], float32[::1], float32[::1], float32,"
    "uint8[:, :])"
)
def _separate(
    fg_y: U8, fg_uv: U8, guide: U8, out_y: U8, out_uv: U8, x0: int, y0: int, wide: F32,
    chroma: F32, spans: I32, fx: F32, fy: F32, levels: np.float32, out_alpha: U8,
) -> None:  # fmt: skip
    gain = np.float32(1) / (np.float32(1) - np.float32(2) * levels)
    floor = levels * gain
    height, rows = fy.shape[0], wide.shape[1]
    alpha = np.empty((2, fx.shape[0]), np.float32)
    weight = np.empty(fx.shape[0], np.float32)
    alpha_c = np.empty(fx.shape[0], np.float32)
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
            weigh_row(alpha[i, left:right], fx[left:right], fy[line + i], weight[left:right])
            byte_row(weight[left:right], out_alpha[y, a:b])
            front_row(
                fg_y[y, a:b], alpha[i, left:right], wide[2, k, left:right],
                wide[2, n, left:right], t, out_y[y, a:b],
            )  # fmt: skip
        quarter_row(alpha[0, left:right], alpha[1, left:right], alpha_c[left:right])
        k, n, t = between(line + 1.0, height, rows)
        front_row(
            fg_uv[pair, a:b], alpha_c[left:right], chroma[k, left:right], chroma[n, left:right], t,
            out_uv[pair, a:b],
        )  # fmt: skip


@kernel(
    "void(uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :], uint8[:, :],"
    "uint8[:, :], int64, int64, int64, int64)"
)
def _blend(
    fg_y: U8, fg_uv: U8, alpha: U8, bg_y: U8, bg_uv: U8, out_y: U8, out_uv: U8, left: int,
    top: int, right: int, bottom: int,
) -> None:  # fmt: skip
    weight = np.empty((2, right - left), np.float32)
    weight_c = np.empty(right - left, np.float32)
    for y in range(top, bottom, 2):
        for i in range(2):
            row = alpha[y + i, left:right]
            for x in range(row.shape[0]):
                weight[i, x] = np.float32(row[x]) * np.float32(1 / 255)
            over_row(
                fg_y[y + i, left:right],
                bg_y[y + i, left:right],
                weight[i],
                out_y[y + i, left:right],
            )
        quarter_row(weight[0], weight[1], weight_c)
        pair = y // 2
        over_row(
            fg_uv[pair, left:right], bg_uv[pair, left:right], weight_c, out_uv[pair, left:right]
        )


class Separator:
    """Takes the person's layer out of a frame; keeps the memory for the coefficients."""

    def __init__(self) -> None:
        self._stretch = Stretch()

    def __call__(
        self, frame: Frame, matte: Matte, into: PersonLayer, *, feather_fraction: float = 1 / 9
    ) -> None:
        """Write the person's colour and alpha as ``Compositor`` would show them.

        Args:
            frame: NV12, even sides, any pitch. matte: see ``Matte``.
            into: of the frame's size; its old content is overwritten.
            feather_fraction: see ``Compositor``.

        Raises:
            ValueError: sizes differ or are odd.
        """
        if frame.rect != into.front.rect or (frame.width | frame.height) & 1:
            raise ValueError(
                f"cannot take a layer of {into.front.width}x{into.front.height} out of a frame of "
                f"{frame.width}x{frame.height}: expected one even size"
            )
        old, rect = into.rect, matte.rect
        into.alpha[old.y : old.bottom, old.x : old.right] = 0
        fx, fy = self._stretch.ramps(rect, frame.rect, feather_fraction)
        wide, chroma = self._stretch.wide(matte)
        spans = reached(matte)
        into.rect = _around(spans, rect)
        into.front = Frame(
            into.front.y, into.front.uv, frame.colour, frame.pts, frame.captured, frame.serial,
            frame.discontinuity, duration=frame.duration,
        )  # fmt: skip
        _separate(
            frame.y, frame.uv_rows, frame.y if matte.guide is None else matte.guide,
            into.front.y, into.front.uv_rows, rect.x, rect.y, wide, chroma, spans, fx, fy,
            np.float32(matte.levels), into.alpha,
        )  # fmt: skip


def _around(spans: I32, rect: Rect) -> Rect:
    """The smallest even rectangle that holds all spans, in the frame."""
    some = np.flatnonzero(spans[:, 0] < spans[:, 1])
    if some.size == 0:
        return NOWHERE
    rows, scale = spans.shape[0], rect.height / spans.shape[0]
    # As in ``reached``: a grid row reaches as far as its neighbours' centres, and to the border.
    top = 0 if some[0] == 0 else int((some[0] - 0.5) * scale) // 2 * 2
    bottom = rect.height
    if some[-1] < rows - 1:
        bottom = min(rect.height, -(int(-(some[-1] + 1.5) * scale) // 2) * 2 + 2)
    left, right = int(spans[some, 0].min()), int(spans[some, 1].max())
    return Rect(rect.x + left, rect.y + top, right - left, bottom - top)


def blend_layer(
    layer: PersonLayer, background: Frame, out: Frame, *, matte_out: U8 | None = None
) -> None:
    """Write a*F + (1-a)*B where the layer is, B elsewhere.

    Args:
        background, out: NV12 of the layer's size, any pitch.
        matte_out: uint8 (height, width), if given: the layer's alpha.

    Raises:
        ValueError: sizes differ.
    """
    front = layer.front
    if not (front.rect == background.rect == out.rect):
        raise ValueError(
            f"cannot lay {front.width}x{front.height} over {background.width}x"
            f"{background.height} into {out.width}x{out.height}: expected one size"
        )
    if matte_out is not None:
        np.copyto(matte_out, layer.alpha)
    np.copyto(out.y, background.y)
    np.copyto(out.uv, background.uv)
    rect = layer.rect
    if rect.area == 0:
        return
    _blend(
        front.y, front.uv_rows, layer.alpha, background.y, background.uv_rows, out.y,
        out.uv_rows, rect.x, rect.y, rect.right, rect.bottom,
    )  # fmt: skip
