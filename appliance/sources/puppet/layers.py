"""The cut-out person as layers that move apart: the body, and each bone of a free limb by itself.

A limb's pieces are stiff and overlap at its joints, as those of a paper puppet do.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame, Range
from appliance.sources.puppet.figure import PuppetFigure
from appliance.sources.puppet.gesture import BODY
from appliance.sources.puppet.partition import divide
from appliance.sources.puppet.plate import filled

I16 = NDArray[np.int16]

# Below this alpha, of 255, a pixel says too little of the person's own colour.
_FAINT = 24.0
_SOLID = 230


@dataclass(frozen=True, slots=True, eq=False)
class PuppetLayer:
    """A part of the person, times its alpha, cut to the box that it is in.

    Attributes:
        name: "body" or the limb's. number: which of its bones, from the body outwards.
        left, top: where the box is in the picture, even.
        y: int16 (height, width, 2): luma times alpha / 255, alpha.
        uv: int16 (height / 2, width / 2, 3): Cb and Cr likewise.
    """

    name: str
    number: int
    left: int
    top: int
    y: I16
    uv: I16


def cut(person: Frame, alpha: U8, figure: PuppetFigure) -> list[PuppetLayer]:
    """The layers of a person, the body first and whole, then limbs from the body outwards.

    Args:
        person: the person's own colours, NV12 (``own_colours``). alpha: uint8 (height, width).
    """
    if not figure.limbs:
        return [_layer(BODY, 0, person, alpha, whole=True)]
    parts = divide(figure, alpha)
    pieces = [
        _layer(piece.name, piece.number, person, _times(alpha, piece.share), whole=False)
        for piece in parts.pieces
    ]
    body = _times(alpha, np.minimum(parts.own + parts.hidden, 1))
    solid = ((alpha >= _SOLID) & (parts.own > 0.98)).astype(np.uint8)
    return [_layer(BODY, 0, _uncovered(person, solid, parts.hidden), body, whole=True), *pieces]


def _times(alpha: U8, share: F32) -> U8:
    return np.asarray(np.rint(alpha * share), np.uint8)


def _layer(name: str, number: int, person: Frame, alpha: U8, *, whole: bool) -> PuppetLayer:
    top, left, bottom, right = (0, 0, *alpha.shape) if whole else _box(alpha)
    alpha = alpha[top:bottom, left:right]
    half = _halved(alpha)
    y = person.y[top:bottom, left:right] * (alpha / np.float32(255))
    share = (half / np.float32(255))[:, :, None]
    uv = person.uv[top // 2 : bottom // 2, left // 2 : right // 2] * share
    return PuppetLayer(
        name, number, left, top,
        np.dstack((np.rint(y), alpha)).astype(np.int16),
        np.dstack((np.rint(uv), half)).astype(np.int16),
    )  # fmt: skip


def _box(alpha: U8) -> tuple[int, int, int, int]:
    """Top, left, bottom, right around all that is not 0, even; at least 2x2 pixels."""
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not len(rows):
        return 0, 0, 2, 2
    return (
        int(rows[0]) // 2 * 2, int(columns[0]) // 2 * 2,
        int(rows[-1]) // 2 * 2 + 2, int(columns[-1]) // 2 * 2 + 2,
    )  # fmt: skip


def _halved(alpha: U8) -> U8:
    """The mean alpha of each chroma sample's pixels."""
    size = (alpha.shape[1] // 2, alpha.shape[0] // 2)
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)


def own_colours(frame: Frame, plate: Frame, alpha: U8) -> Frame:
    """The person's own colours, in soft pixels, too: F = B + (C - B) / alpha.

    Args:
        frame: the still, NV12. plate: the same without the person. alpha: uint8 (height, width).
    """
    low, high, chroma = (16, 235, 240) if frame.colour.range is Range.LIMITED else (0, 255, 255)
    by_y = 255 / np.maximum(alpha.astype(np.float32), _FAINT)
    by_uv = (255 / np.maximum(_halved(alpha).astype(np.float32), _FAINT))[:, :, None]
    y = plate.y + (frame.y.astype(np.float32) - plate.y) * by_y
    uv = plate.uv + (frame.uv.astype(np.float32) - plate.uv) * by_uv
    return Frame(
        np.asarray(np.rint(np.clip(y, low, high)), np.uint8),
        np.asarray(np.rint(np.clip(uv, low, chroma)), np.uint8),
        frame.colour,
    )


def _uncovered(person: Frame, solid: U8, hidden: F32) -> Frame:
    """The body's colours, and where limbs covered it, what is around there."""
    half = (person.uv.shape[1], person.uv.shape[0])
    unknown = np.asarray(1 - solid, np.uint8)
    # Averaged, a sample that is unknown in part is not 0.
    some = np.asarray(cv2.resize(255 * unknown, half, interpolation=cv2.INTER_AREA), np.uint8)
    unknown_half = (some > 0).astype(np.uint8)
    hidden_half = np.asarray(cv2.resize(hidden, half, interpolation=cv2.INTER_AREA), np.float32)
    uv = [
        filled(np.ascontiguousarray(person.uv[:, :, c]), unknown_half, hidden_half) for c in (0, 1)
    ]
    return Frame(filled(person.y, unknown, hidden), np.dstack(uv), person.colour)
