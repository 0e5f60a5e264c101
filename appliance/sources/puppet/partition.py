"""Which pixel of a person belongs to which bone of a free limb, and which to the body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.media.frame import F32, U8
from appliance.sources.puppet.figure import PuppetFigure
from appliance.sources.puppet.skin import F64, Bone

# On a small copy: nothing here is sharper than that, and it is done once.
_LONGEST = 640
# In a limb's thickness: how far beyond it what is nobody else's (sleeves, folds) still is its own,
# how far its pieces overlap at a joint, and how far edges fade.
_LOOSE, _LOOSE_HAND, _OVERLAP, _FADE = 0.7, 0.5, 0.7, 0.2
# A trunk is so much wider than its joints lie apart.
_FULLER = 1.2
# Notches in a body that are filled, in half shoulder widths.
_NOTCH = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class LimbPiece:
    """A bone of a limb and its share of each pixel, float32 (height, width), 0..1."""

    name: str
    number: int
    share: F32


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The pieces, and of the body what is its own and what is hidden behind limbs.

    ``own`` and ``hidden`` are float32 (height, width), 0..1: of the matte's alpha.
    """

    pieces: list[LimbPiece]
    own: F32
    hidden: F32


def divide(figure: PuppetFigure, alpha: U8) -> Partition:
    """Divide a person among the figure's free limbs, of which there is at least one, and the body.

    ``alpha`` is uint8 (height, width).
    """
    rows, columns = alpha.shape
    by = min(1.0, _LONGEST / max(rows, columns))
    size = (max(2, round(columns * by)), max(2, round(rows * by)))
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
    bones = [
        (name, n, bone) for name, limb in figure.limbs.items() for n, bone in enumerate(limb.bones)
    ]
    away = [_surface(bone, by, small.shape) for _, _, bone in bones]
    trunk, from_trunk = _trunk(figure, by, small.shape)
    pieces, taken = [], np.zeros(small.shape, np.float32)
    for index, (name, number, bone) in enumerate(bones):
        thick = np.float32(max(bone.thick * by, 1.0))
        # Nobody else may be nearer: not the trunk, not another limb; of its own, a little.
        last = number == len(figure.limbs[name].bones) - 1
        loose = (_LOOSE_HAND if last else _LOOSE) * thick
        margin = np.minimum(from_trunk, loose) - away[index]
        for other, (its_name, _, _) in enumerate(bones):
            if other != index:
                extra = _OVERLAP * thick if its_name == name else np.float32(0)
                margin = np.minimum(margin, away[other] + extra - away[index])
        share = np.clip(margin / (_FADE * thick) + np.float32(0.5), 0, 1)
        pieces.append(LimbPiece(name, number, _enlarged(share, alpha.shape)))
        # The body goes on under the first joint, so that nothing gapes there.
        first = figure.limbs[name].bones[0]
        joint = _distances(first.start * by, first.start * by, small.shape)
        reach = np.float32(max(first.thick * by, 1.0))
        taken = np.maximum(taken, share * np.clip(joint / reach - np.float32(0.5), 0, 1))
    own = _in_one_piece(1 - taken, small)
    trunk = np.maximum(trunk, _closed(own, small, figure.width * by))
    return Partition(pieces, _enlarged(own, alpha.shape), _enlarged(taken * trunk, alpha.shape))


def _in_one_piece(own: F32, alpha: U8) -> F32:
    """The body without slivers that limbs left of their own edges."""
    solid = (own * alpha > 64).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count <= 1:
        return own
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    keep = cv2.dilate((labels == largest).astype(np.uint8), np.ones((5, 5), np.uint8))
    soft = cv2.blur(keep.astype(np.float32), (3, 3))
    # What no limb took, though, is nobody else's: hair beside the head, say.
    return np.asarray(np.where(own > 0.99, own, own * soft), np.float32)


def _closed(own: F32, alpha: U8, width: float) -> F32:
    """The body, and what it has on both sides: a hand on a hip leaves no notch; float32, 0..1."""
    side = max(3, round(_NOTCH * width) * 2 + 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    solid = (own * alpha > 128).astype(np.uint8)
    closed = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, disc).astype(np.float32)
    return np.asarray(cv2.blur(closed, (3, 3)), np.float32)


def _surface(bone: Bone, by: float, shape: tuple[int, ...]) -> F32:
    """From each pixel to a limb's surface, below 0 inside."""
    return _distances(bone.start * by, bone.end * by, shape) - np.float32(bone.thick * by)


def _distances(start: F64, end: F64, shape: tuple[int, ...]) -> F32:
    """From each pixel to the line between two points."""
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(start[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(start[1])
    way = (end - start).astype(np.float32)
    length = np.float32(max(float(way @ way), 1e-6))
    share = np.clip((x * way[0] + y * way[1]) / length, 0, 1)
    return np.asarray(np.hypot(x - share * way[0], y - share * way[1]), np.float32)


def _trunk(figure: PuppetFigure, by: float, shape: tuple[int, ...]) -> tuple[F32, F32]:
    """Where a body is behind its arms, float32 0..1; and how far from that each pixel is."""
    corners = figure.trunk * by
    axis = (corners + corners[[1, 0, 3, 2]]) / 2
    fuller = axis + (corners - axis) * _FULLER
    hull = cv2.convexHull(np.rint(fuller).astype(np.int32))
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3)
    soft = max(3, round(figure.width * by * 0.03) * 2 + 1)
    inside = cv2.blur(mask.astype(np.float32), (soft, soft))
    return np.asarray(inside, np.float32), np.asarray(away, np.float32)


def _enlarged(plane: F32, shape: tuple[int, ...]) -> F32:
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)
