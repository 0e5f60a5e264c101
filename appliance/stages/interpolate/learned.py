"""The person between two frames as a network paints them, in a crop round both."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from appliance.media.frame import F32, Colour, Frame, Rect
from appliance.media.rgb import matrix_of
from appliance.pixels.cpu import Weighed

_MARGIN = 16
"""Pixels around the person: what leaves the crop is lost."""

Paint = Callable[[F32, F32, Colour], F32]


def paint_between(
    first: Weighed, second: Weighed, paint: Paint, size: tuple[int, int], behind: Frame, out: Frame
) -> None:
    """Write the person as ``paint`` has them between two frames, over a background.

    Args:
        first, second: the person in the two frames.
        paint: see ``BetweenNetwork.__call__``.
        size: columns and rows of the pictures that it takes and gives.
        behind, out: NV12 of the layers' size.

    Raises what ``paint`` does; ``out`` is not touched then.
    """
    rect = around(first, second, size[0] / size[1])
    made = None
    if rect.area:
        black = matrix_of(out.colour)[1]
        made = paint(_cut(first, rect, black, size), _cut(second, rect, black, size), out.colour)
    np.copyto(out.y, behind.y)
    np.copyto(out.uv, behind.uv)
    if made is not None:
        _lay(made, rect, black, out)


def around(first: Weighed, second: Weighed, aspect: float) -> Rect:
    """What both people lie in, with a margin, of even sides; empty for nobody.

    It is widened towards ``aspect``, columns to rows, as far as the picture reaches.
    """
    spans = np.concatenate((first.spans, second.spans), axis=1)
    rows = np.flatnonzero((spans[:, 0] < spans[:, 1]) | (spans[:, 2] < spans[:, 3]))
    if rows.size == 0:
        return Rect(0, 0, 0, 0)
    one, two = (each.spans[each.spans[:, 0] < each.spans[:, 1]] for each in (first, second))
    both = np.concatenate((one, two))
    left, right = int(both[:, 0].min()), int(both[:, 1].max())
    top, bottom = 2 * int(rows[0]), 2 * int(rows[-1]) + 2
    height, width = first.luma.shape[0] - 1, first.luma.shape[1]
    wide, high = right - left + 2 * _MARGIN, bottom - top + 2 * _MARGIN
    wide, high = max(wide, round(high * aspect)), max(high, round(wide / aspect))
    x, columns = _fit((left + right) // 2, wide, width)
    y, lines = _fit((top + bottom) // 2, high, height)
    return Rect(x, y, columns, lines)


def _fit(middle: int, length: int, most: int) -> tuple[int, int]:
    """Start and length, both even, of what lies about ``middle``, moved to lie within 0..most."""
    length = min((length + 3) // 2 * 2, most)
    return min(max(middle - length // 2, 0), most - length) // 2 * 2, length


def _cut(person: Weighed, rect: Rect, black: F32, size: tuple[int, int]) -> F32:
    """Y, Cb, Cr over black, and alpha: float32 (4, rows, columns), 0..255."""
    luma = person.luma[rect.y : rect.bottom, rect.x : rect.right]
    chroma = person.chroma[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
    full = [(luma & np.uint32(0xFFFF)), luma >> np.uint32(16)]
    low, bits = np.uint64(0xFFFF), np.uint64(16)
    half = [chroma & low, (chroma >> bits) & low, chroma >> (bits + bits)]
    y, alpha = (_resized(np.asarray(each, np.float32), size) for each in full)
    cb, cr, alpha_c = (_resized(np.asarray(each, np.float32), size) for each in half)
    out = np.empty((4, size[1], size[0]), np.float32)
    out[0] = y + (1 - alpha / 255) * black[0]
    out[1] = cb + (1 - alpha_c / 255) * black[1]
    out[2] = cr + (1 - alpha_c / 255) * black[2]
    out[3] = alpha
    return out


def _lay(made: F32, rect: Rect, black: F32, out: Frame) -> None:
    size, half = (rect.width, rect.height), (rect.width // 2, rect.height // 2)
    y, alpha = _resized(made[0], size), _resized(made[3], size)
    into = out.y[rect.y : rect.bottom, rect.x : rect.right]
    into[:] = np.clip(np.rint(y + (1 - alpha / 255) * (into - black[0])), 0, 255)
    alpha = _resized(made[3], half)
    into = out.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
    for c in range(2):
        chroma = _resized(made[1 + c], half)
        value = chroma + (1 - alpha / 255) * (into[..., c] - black[1 + c])
        into[..., c] = np.clip(np.rint(value), 0, 255)


def _resized(plane: F32, size: tuple[int, int]) -> F32:
    shrinks = size[0] < plane.shape[1] or size[1] < plane.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.float32)
