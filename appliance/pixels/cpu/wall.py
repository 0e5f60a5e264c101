"""A wall of one colour behind the person: found, and learnt over the picture, uneven light and all.

Everything is on two small grids, whatever the picture's size: samples of the picture, and cells of
the map that is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from appliance.errors import MatteboxError
from appliance.media.frame import F32, Frame, Rect
from appliance.pixels.cpu.matte import I32

CELLS = (36, 64)
"""Rows and columns of the map over the whole picture."""
_SAMPLES = (144, 256)  # at most so many rows and columns of samples

_LEAST_COLOUR = 16.0
"""A wall's chroma is at least so far from grey, of 128."""
_LEAST_SHARE = 0.15
"""A wall fills at least so much of what is not a person."""
# Hues from yellowish green over cyan to blue, as the angle of (Cb, Cr) in degrees: skin and wood
# lie from 100 to 160.
_FIRST_HUE, _LAST_HUE = 165.0, 395.0
_BIN = 4
# What is taken for wall, of the chroma and luma that it has there: as much more or less colour, as
# much of another hue; in a shadow less colour, down to the third, if luma is less by as much, too.
_ALONG, _ACROSS, _SHADED, _LUMA = 0.2, 0.13, 0.4, 0.2
_TURNS = 4  # in which the map follows uneven light, at the first look
_KEEP = 0.85  # of what was learnt before, at each look
_NO_SHADOW = 0.03  # of the wall's luma
_FORGET = 0.9995  # of where the wall was seen to be, at each look
_FINE, _COARSE = 1.5, 7.0  # sigma, in cells


class NoWall(MatteboxError, ValueError):
    """There is no wall of one colour in the picture; the message says what was found."""


@dataclass(frozen=True, slots=True)
class Wall:
    """What is known of the wall.

    Attributes:
        cells: float32 (rows, columns, 4) over the whole picture: Y, Cb, Cr of the wall there,
            0..255, and how much of what is not a person is wall, 0..1.
        chroma: how far its mean chroma is from grey. noise: sigma of a sample about the map.
        lit: float32 (rows, columns): its luma without shadows.
        ever: float32 (rows, columns), 0..1: how much of a cell was wall when most of it was seen.
    """

    cells: F32
    chroma: float
    noise: float
    lit: F32
    ever: F32


def stretched(cells: F32, whole: Rect, rect: Rect, shape: tuple[int, int]) -> F32:
    """Cells of the map over ``whole``, (rows, columns[, 4]), on a grid over ``rect``."""
    per_x, per_y = cells.shape[1] / whole.width, cells.shape[0] / whole.height
    scale_x, scale_y = rect.width / shape[1] * per_x, rect.height / shape[0] * per_y
    matrix = np.array(
        [
            [scale_x, 0, 0.5 * scale_x - 0.5 + rect.x * per_x],
            [0, scale_y, 0.5 * scale_y - 0.5 + rect.y * per_y],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made = cv2.warpAffine(
        cells, matrix, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(made, np.float32)


def shade(wall: Wall, strength: float) -> F32 | None:
    """How much light is left on the wall, float32 (rows, columns) as ``cells``, 0..1: its shadows.

    ``strength``: of the shadows, 0..1. None where there are none.
    """
    left = (wall.cells[..., 0] - 16) / np.maximum(wall.lit - 16, 8)
    # A little less is the surface's own error.
    left = np.clip(left + np.float32(_NO_SHADOW), 0, 1)
    made = 1 - np.float32(strength) * (1 - left) * (wall.ever > 0.5)
    return None if made.min() > 0.995 else np.asarray(made, np.float32)


def outline(wall: Wall) -> F32:
    """1 within the wall's outline, float32 (rows, columns) as ``cells``, else 0.

    The outline is the convex hull of what is wall: a person before it lies within. It goes on to
    the picture's border where it comes near to it. A cell of the map is taken off elsewhere, since
    there the wall ends somewhere within it.
    """
    rows, columns = wall.cells.shape[:2]
    there = np.asarray(wall.ever > 0.5, np.uint8)
    made = np.zeros((rows + 2, columns + 2), np.uint8)
    if not there.any():
        return np.asarray(made[1:-1, 1:-1], np.float32)
    at = np.asarray(cv2.findNonZero(there), np.int32).reshape(-1, 2)
    bottom, right = rows - 1, columns - 1
    for axis, side, near in (
        (0, 0, right // 16), (0, right, right // 16), (1, 0, bottom // 16),
        (1, bottom, bottom // 8),
    ):  # fmt: skip
        # People stand before the lower border: there the wall need not come as near to it.
        at = np.concatenate([at, _moved(at, axis, side, max(1, near))])
    cv2.fillConvexPoly(made, cv2.convexHull(at + 1), 1)
    inner = made[1:-1, 1:-1]
    shrunk = cv2.erode(inner, np.ones((3, 3), np.uint8))
    return np.asarray(shrunk, np.float32)


def _moved(points: I32, axis: int, side: int, near: int) -> I32:
    """The points that lie near a side of the map, on that side."""
    moved: I32 = points[np.abs(points[:, axis] - side) <= near].copy()
    moved[:, axis] = side
    return moved


class WallLearner:
    """Looks at frames, and keeps what it has learnt of the wall from one to the next."""

    def __init__(self) -> None:
        self._sums: F32 | None = None
        self._colour: F32 | None = None
        self._ever: F32 | None = None

    def reset(self) -> None:
        """Forget the wall: after a cut."""
        self._sums = self._colour = self._ever = None

    def __call__(
        self, frame: Frame, person: F32 | None, rect: Rect, asked: tuple[float, ...] | None = None
    ) -> Wall:
        """Look at one more frame.

        Args:
            frame: NV12. person: float32 (rows, columns) over ``rect``, 0..1: what is not to be
                taken for the wall; None where nobody knows.
            asked: Y, Cb and Cr of the wall, 0..255; None: the green or blue that most of it has.

        Raises:
            NoWall: nothing of one such colour fills enough of the picture. What was learnt before
                is forgotten.
        """
        samples = _samples(frame)
        free = _free(person, rect, frame.rect, samples.shape[:2])
        try:
            colour = self._known(samples, free, asked)
        except NoWall:
            self.reset()
            raise
        return self._learn(samples, free, colour)

    def _known(self, samples: F32, free: F32, asked: tuple[float, ...] | None) -> F32:
        """The wall's colour: as asked, as it was if that still fills enough, or found anew."""
        if asked is not None:
            known = np.asarray(asked, np.float32)
            if np.hypot(known[1] - 128, known[2] - 128) < _LEAST_COLOUR:
                raise NoWall(
                    "the wall's colour is nearly grey, and a keyer can only tell colours apart; "
                    "give the colour of a green or blue wall"
                )
        elif self._colour is not None and _share(samples, free, self._colour) >= _LEAST_SHARE / 2:
            known = self._colour
        else:
            self._sums, known = None, pick_colour(samples, free)
        share = _share(samples, free, known)
        if share < _LEAST_SHARE / 2:
            raise NoWall(
                f"only {100 * share:.0f} % of what is not a person has the wall's colour, at least "
                f"{100 * _LEAST_SHARE:.0f} % expected; give the wall's own colour, or auto"
            )
        return known

    def _learn(self, samples: F32, free: F32, colour: F32) -> Wall:
        first = self._sums is None
        cells = _flat(colour) if self._sums is None else _levelled(self._sums, colour)
        for _ in range(_TURNS if first else 1):
            like = free * _like(samples, _enlarged(cells, free.shape))
            parts = (samples * like[..., None], like, free)
            small = [cv2.resize(part, CELLS[::-1], interpolation=cv2.INTER_AREA) for part in parts]
            sums = np.asarray(np.dstack(small), np.float32)
            if self._sums is not None:
                sums += np.float32(_KEEP) * self._sums
            cells = _levelled(sums, colour)
        self._sums, self._colour = sums, colour
        chroma = float(np.hypot(*(colour[1:] - 128)))
        known = float(sums[..., 3].sum())
        if known > 0:
            mean = np.asarray(sums[..., :3].sum(axis=(0, 1)) / known, np.float32)
            chroma = float(np.hypot(mean[1] - 128, mean[2] - 128))
            # A wall whose light changes goes on being known.
            self._colour = mean
        local = _enlarged(cells, like.shape)
        away = np.abs(samples[..., 1:] - local[..., 1:3]).mean(axis=2)[like > 0.5]
        noise = 1.25 * float(np.median(away)) if away.size else 1.0
        seen = sums[..., 3] / np.maximum(sums[..., 4], np.float32(1e-6))
        before = np.float32(0) if self._ever is None else self._ever * np.float32(_FORGET)
        self._ever = np.asarray(np.maximum(seen, before), np.float32)
        return Wall(cells, chroma, noise, _lit(cells), self._ever)


def _samples(frame: Frame) -> F32:
    """Y, Cb, Cr at places spread over the picture: float32 (rows, columns, 3), 0..255."""
    rows, columns = frame.uv.shape[:2]
    step_y, step_x = -(-rows // _SAMPLES[0]), -(-columns // _SAMPLES[1])
    chroma = frame.uv[step_y // 2 :: step_y, step_x // 2 :: step_x]
    luma = frame.y[::2, ::2][step_y // 2 :: step_y, step_x // 2 :: step_x]
    return np.asarray(np.dstack([luma, chroma]), np.float32)


def _free(person: F32 | None, rect: Rect, whole: Rect, shape: tuple[int, int]) -> F32:
    """1 where a sample is surely no person's, else 0."""
    if person is None:
        return np.ones(shape, np.float32)
    small = cv2.dilate(np.asarray(person > 0.1, np.float32), np.ones((5, 5), np.uint8))
    scale_x = whole.width / shape[1] * person.shape[1] / rect.width
    scale_y = whole.height / shape[0] * person.shape[0] / rect.height
    matrix = np.array(
        [
            [scale_x, 0, 0.5 * scale_x - 0.5 - rect.x * person.shape[1] / rect.width],
            [0, scale_y, 0.5 * scale_y - 0.5 - rect.y * person.shape[0] / rect.height],
        ]
    )
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(small, matrix, (shape[1], shape[0]), flags=flags)
    return np.asarray(1 - there, np.float32)


def _like(samples: F32, wall: F32) -> F32:
    """1 where a sample is as the wall is there, (..., 3 or more), lit or shaded; else 0."""
    cb, cr = samples[..., 1] - 128, samples[..., 2] - 128
    x, y = wall[..., 1] - 128, wall[..., 2] - 128
    size = np.maximum(x * x + y * y, 1)
    along, across = (cb * x + cr * y) / size, np.abs(cb * y - cr * x) / size
    luma = (samples[..., 0] - 16) / np.maximum(wall[..., 0] - 16, 8)
    lit = np.abs(along - 1) < _ALONG
    shaded = (along > _SHADED) & (along < 1.5) & (np.abs(along - luma) < _LUMA)
    alike = (lit & (luma > _SHADED) & (luma < 1.7)) | shaded
    return np.asarray(alike & (across < _ACROSS * np.maximum(along, 0.5)), np.float32)


def _share(samples: F32, free: F32, colour: F32) -> float:
    return float((free * _like(samples, colour)).sum() / max(float(free.sum()), 1.0))


def _flat(colour: F32) -> F32:
    """The map of a wall of which only its colour is known."""
    return np.broadcast_to(np.append(colour, 1).astype(np.float32), (*CELLS, 4)).copy()


def pick_colour(samples: F32, free: F32) -> F32:
    """The green or blue that most of what is not a person has, as Y, Cb, Cr.

    Args:
        samples: float32 (rows, columns, 3), Y, Cb, Cr, 0..255. free: (rows, columns): 1 where a
            sample is no person's.

    Raises:
        NoWall: there is none, or it fills too little.
    """
    cb, cr = samples[..., 1] - 128, samples[..., 2] - 128
    hue = np.mod(np.degrees(np.arctan2(cr, cb)) - _FIRST_HUE, 360)
    coloured = (np.hypot(cb, cr) >= _LEAST_COLOUR) & (hue <= _LAST_HUE - _FIRST_HUE)
    weight = free * coloured
    if weight.sum() < _LEAST_SHARE * max(float(free.sum()), 1.0):
        raise NoWall(
            f"green or blue fills {100 * weight.sum() / max(float(free.sum()), 1.0):.0f} % of what "
            f"is not a person, at least {100 * _LEAST_SHARE:.0f} % of one colour expected: there "
            "is no wall to key out, or its light is too weak"
        )
    bins = 256 // _BIN
    at = (samples[..., 1] // _BIN).astype(int) * bins + (samples[..., 2] // _BIN).astype(int)
    counted = np.bincount(at.ravel(), weight.ravel(), bins * bins).reshape(bins, bins)
    counts = cv2.GaussianBlur(counted.astype(np.float32), (5, 5), 0)
    top = np.unravel_index(int(counts.argmax()), counts.shape)
    centre = np.array([128.0, (top[0] + 0.5) * _BIN, (top[1] + 0.5) * _BIN], np.float32)
    for _ in range(3):
        reach = max(8.0, 0.2 * float(np.hypot(centre[1] - 128, centre[2] - 128)))
        near = np.hypot(samples[..., 1] - centre[1], samples[..., 2] - centre[2]) < reach
        part = weight * near
        total = float(part.sum())
        if total > 0:
            centre = np.asarray((samples * part[..., None]).sum(axis=(0, 1)) / total, np.float32)
    share = _share(samples, free, centre)
    if share < _LEAST_SHARE:
        raise NoWall(
            f"the commonest green or blue fills {100 * share:.0f} % of what is not a person, at "
            f"least {100 * _LEAST_SHARE:.0f} % of one colour expected: there is no wall to key out"
        )
    return centre


def _levelled(sums: F32, colour: F32) -> F32:
    """The map from sums: where little was seen, as its neighbours, else as the whole wall."""
    fine = cv2.GaussianBlur(sums, (0, 0), _FINE, borderType=cv2.BORDER_REPLICATE)
    coarse = cv2.GaussianBlur(sums, (0, 0), _COARSE, borderType=cv2.BORDER_REPLICATE)
    base = np.asarray(colour, np.float32)
    wide = (coarse[..., :3] + 1e-4 * base) / (coarse[..., 3:4] + np.float32(1e-4))
    made = (fine[..., :3] + np.float32(0.05) * wide) / (fine[..., 3:4] + np.float32(0.05))
    # Behind a person nothing is known: what is around counts.
    seen = (fine[..., 3] + 0.05 * coarse[..., 3]) / (fine[..., 4] + 0.05 * coarse[..., 4] + 1e-6)
    return np.asarray(np.dstack([made, np.clip(seen, 0, 1)]), np.float32)


def _enlarged(cells: F32, shape: tuple[int, int]) -> F32:
    return np.asarray(cv2.resize(cells, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _lit(cells: F32) -> F32:
    """The wall's luma as a quadratic surface that passes over its shadows."""
    rows, columns = cells.shape[:2]
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    x, y = x / columns - 0.5, y / rows - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).reshape(-1, 6)
    luma = cells[..., 0].ravel().astype(np.float64)
    weight = (cells[..., 3].ravel() > 0.5).astype(np.float64)
    if weight.sum() < 24:
        return np.asarray(cells[..., 0].copy(), np.float32)
    kept = weight
    surface = luma
    for _ in range(6):
        scaled = terms * kept[:, None]
        fit = np.linalg.solve(scaled.T @ terms + 1e-6 * np.eye(6), scaled.T @ luma)
        surface = terms @ fit
        # What is darker than the surface may be a shadow; what is lighter is not.
        kept = weight * np.where(luma < surface - 2, 0.1, 1.0)
    return np.asarray(surface.reshape(rows, columns), np.float32)
