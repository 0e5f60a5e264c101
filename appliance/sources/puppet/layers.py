"""The cut-out person as layers that move apart: the body, and each free limb by itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Frame, Range
from appliance.sources.puppet.figure import PuppetFigure, PuppetLimb
from appliance.sources.puppet.gesture import BODY
from appliance.sources.puppet.skin import F64

I16 = NDArray[np.int16]

# How wide a limb is, in its bones' thickness, and how far its edge fades.
_WIDE, _FADE = 1.25, 0.15
# Below this alpha, of 255, a pixel says too little of the person's own colour.
_FAINT = 24.0
_SOLID = 230
_LONGEST, _RADIUS = 256, 3


@dataclass(frozen=True, slots=True, eq=False)
class PuppetLayer:
    """A part of the person, times its alpha.

    Attributes:
        name: "body" or the limb's. y: int16 (height, width, 2): luma times alpha / 255, alpha.
        uv: int16 (height / 2, width / 2, 3): Cb and Cr likewise.
    """

    name: str
    y: I16
    uv: I16


def cut(person: Frame, alpha: U8, figure: PuppetFigure) -> list[PuppetLayer]:
    """The layers of a person, the body first.

    Args:
        person: the person's own colours, NV12 (``own_colours``). alpha: uint8 (height, width).
    """
    if not figure.limbs:
        return [_layer(BODY, person, alpha)]
    layers, taken = [], np.zeros(alpha.shape, np.float32)
    for name, limb in figure.limbs.items():
        share = _share(limb, alpha.shape)
        layers.append(_layer(name, person, _times(alpha, share)))
        # The body goes on under the joint, so that nothing gapes there.
        joint = _distances(limb.bones[0].start, limb.bones[0].start, alpha.shape)
        thick = np.float32(limb.bones[0].thick * _WIDE)
        taken = np.maximum(taken, share * np.clip(joint / thick - 0.5, 0, 1))
    under = taken * _trunk(figure, alpha.shape)
    body = np.maximum(_times(alpha, 1 - taken), _times(alpha, under))
    solid = ((alpha >= _SOLID) & (taken < 0.02)).astype(np.uint8)
    return [_layer(BODY, _grown(person, solid, under), body), *layers]


def _times(alpha: U8, share: F32) -> U8:
    return np.asarray(np.rint(alpha * share), np.uint8)


def _layer(name: str, person: Frame, alpha: U8) -> PuppetLayer:
    half = _halved(alpha)
    y = np.rint(person.y * (alpha / np.float32(255)))
    uv = np.rint(person.uv * (half / np.float32(255))[:, :, None])
    return PuppetLayer(
        name,
        np.dstack((y, alpha)).astype(np.int16),
        np.dstack((uv, half)).astype(np.int16),
    )


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


def _share(limb: PuppetLimb, shape: tuple[int, ...]) -> F32:
    """How much of each pixel is the limb's, by its distance from the bones; float32, 0..1."""
    out = np.zeros(shape, np.float32)
    for bone in limb.bones:
        thick = np.float32(bone.thick * _WIDE)
        away = _distances(bone.start, bone.end, shape)
        out = np.maximum(out, np.clip((thick - away) / (np.float32(_FADE) * thick) + 0.5, 0, 1))
    return out


def _distances(start: F64, end: F64, shape: tuple[int, ...]) -> F32:
    """From each pixel to the line between two points."""
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(start[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(start[1])
    way = (end - start).astype(np.float32)
    length = np.float32(max(float(way @ way), 1e-6))
    share = np.clip((x * way[0] + y * way[1]) / length, 0, 1)
    return np.asarray(np.hypot(x - share * way[0], y - share * way[1]), np.float32)


def _trunk(figure: PuppetFigure, shape: tuple[int, ...]) -> F32:
    """Where a body is behind its arms: between shoulders and hips; float32, 0..1."""
    hull = cv2.convexHull(figure.trunk.astype(np.float32))
    out = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(out, np.rint(hull).astype(np.int32), 1.0)
    size = max(3, round(figure.width * 0.03) * 2 + 1)
    return np.asarray(cv2.blur(out, (size, size)), np.float32)


def _grown(person: Frame, solid: U8, under: F32) -> Frame:
    """The body's colours, and where limbs covered it, what is around there."""
    half = (person.uv.shape[1], person.uv.shape[0])
    solid_half = np.asarray(cv2.resize(solid, half, interpolation=cv2.INTER_NEAREST), np.uint8)
    under_half = np.asarray(cv2.resize(under, half, interpolation=cv2.INTER_AREA), np.float32)
    uv = [
        _inpainted(np.ascontiguousarray(person.uv[:, :, c]), solid_half, under_half) for c in (0, 1)
    ]
    return Frame(_inpainted(person.y, solid, under), np.dstack(uv), person.colour)


def _inpainted(plane: U8, solid: U8, share: F32) -> U8:
    rows, columns = plane.shape
    by = min(1.0, _LONGEST / max(rows, columns))
    size = (max(2, round(columns * by)), max(2, round(rows * by)))
    mask = (cv2.resize(solid * 255, size, interpolation=cv2.INTER_AREA) < 255).astype(np.uint8)
    if mask.all():
        return plane
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    filled = cv2.inpaint(small, mask, _RADIUS, cv2.INPAINT_TELEA)
    wide = cv2.resize(filled, (columns, rows), interpolation=cv2.INTER_LINEAR)
    mixed = plane + (wide.astype(np.float32) - plane) * share
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)
