"""A look: every colour of a frame changed by table.

A frame's samples are bytes, so there are 2^24 colours (Cb, Cr, Y), and a look is worked out for all
of them once: the table is exact, and a frame takes one look-up a sample. Coarser tables (64x64
cells of chroma) took 1.5 ms a 1080p frame where this takes 2, and were wrong by many codes wherever
a look bends within a cell. How a table is made: ``bake``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import U8, Frame, Rect
from appliance.pixels.cpu.jit import kernel

U16 = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class LookTable:
    """A look for frames of one colour: 101 MB, of which a frame uses a small part.

    Attributes:
        luma: uint16 (256, 256, 256), at Cb, Cr, Y: the new Y in steps of 1/256.
        chroma: uint16 (256, 256, 256, 2), likewise: the new Cb and Cr.
        changes: whether it changes any colour that can be shown. If not, it need not be applied,
            and Y'CbCr values outside R'G'B' pass, too, which a look would bring into it.
    """

    luma: U16
    chroma: U16
    changes: bool


def _bayer() -> U8:
    """Bayer's matrix of 8x8 (1973), as thresholds 2, 6, … 254."""
    made = np.zeros((8, 8), np.int64)
    for row in range(8):
        for column in range(8):
            for bit in range(3):
                a, b = (row ^ column) >> bit & 1, row >> bit & 1
                made[row, column] |= a << (5 - 2 * bit) | b << (4 - 2 * bit)
    return (4 * made + 2).astype(np.uint8)


THRESHOLDS = _bayer()
"""uint8 (8, 8): what is added to luma and Cb, in steps of 1/256, before the fraction is cut off;
to Cr it is 256 less that. It is the same in every frame: nothing flickers, and a whole value stays
what it is."""


@kernel(
    "void(uint8[:, :], uint8[:, :], uint16[:, :, ::1], uint16[:, :, :, ::1], uint8[:, ::1], "
    "uint8[:, ::1], uint8[:, :], uint8[:, :])"
)
def _apply(
    y: U8, uv: U8, luma: U16, chroma: U16, adds: U8, chroma_adds: U8, out_y: U8, out_uv: U8
) -> None:
    # Every index is seen to be 0 or more, so that numba leaves out its look for negative ones:
    # with the part's corner within the loops this takes a quarter longer.
    for pair in range(uv.shape[0]):
        above, below = y[2 * pair], y[2 * pair + 1]
        to_above, to_below = out_y[2 * pair], out_y[2 * pair + 1]
        add_above, add_below = adds[(2 * pair) & 7], adds[(2 * pair + 1) & 7]
        colours, to_colours, add_colours = uv[pair], out_uv[pair], chroma_adds[pair & 7]
        for block in range(uv.shape[1] // 2):
            x = 2 * block
            cb, cr = colours[x], colours[x + 1]
            a, b, c, d = above[x], above[x + 1], below[x], below[x + 1]
            mean = (np.int32(a) + np.int32(b) + np.int32(c) + np.int32(d) + np.int32(2)) >> 2
            new = luma[cb, cr]
            k = x & 7
            to_above[x] = np.uint8((np.int32(new[a]) + np.int32(add_above[k])) >> 8)
            to_above[x + 1] = np.uint8((np.int32(new[b]) + np.int32(add_above[k + 1])) >> 8)
            to_below[x] = np.uint8((np.int32(new[c]) + np.int32(add_below[k])) >> 8)
            to_below[x + 1] = np.uint8((np.int32(new[d]) + np.int32(add_below[k + 1])) >> 8)
            tint, add = chroma[cb, cr], np.int32(add_colours[block & 7])
            to_colours[x] = np.uint8((np.int32(tint[mean, 0]) + add) >> 8)
            to_colours[x + 1] = np.uint8((np.int32(tint[mean, 1]) + 256 - add) >> 8)


def apply_look(frame: Frame, table: LookTable, out: Frame, rect: Rect | None = None) -> None:
    """Look every sample up. A chroma sample is looked up with the mean of its four luma samples.

    Args:
        frame: NV12, even sides, any pitch. out: likewise, of its size; may be the frame itself.
        rect: even and within the frame: the part that is done; None: all of it.

    Raises:
        ValueError: sizes differ or are odd, or ``rect`` is not inside.
    """
    rect = check_look(frame, out, rect)
    part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
    half = np.s_[rect.y // 2 : rect.bottom // 2, rect.x : rect.right]
    chroma, to_chroma = (each.uv_rows for each in (frame, out))
    # Dither belongs to the place in the frame, whatever part is done.
    adds, chroma_adds = (
        np.roll(THRESHOLDS, (-(rect.y // by), -(rect.x // by)), (0, 1)) for by in (1, 2)
    )
    _apply(
        frame.y[part], chroma[half], table.luma, table.chroma, adds, chroma_adds, out.y[part],
        to_chroma[half],
    )  # fmt: skip


class _Sized(Protocol):
    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def rect(self) -> Rect: ...


def check_look(frame: _Sized, out: _Sized, rect: Rect | None) -> Rect:
    """The part of a frame to look up. Raises ValueError, see ``apply_look``."""
    rect = frame.rect if rect is None else rect
    odd = frame.width | frame.height | rect.x | rect.y | rect.width | rect.height
    inside = frame.rect.contains(rect) or rect.area == 0
    if frame.rect != out.rect or odd & 1 or not inside:
        raise ValueError(
            f"cannot apply a look to {rect} of {frame.width}x{frame.height} into "
            f"{out.width}x{out.height}: expected one even size, and an even part inside"
        )
    return rect
