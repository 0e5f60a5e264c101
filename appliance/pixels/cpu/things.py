"""Things of chosen classes: from a network's coarse lead to a share of each pixel, with edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, Frame, Rect
from appliance.pixels.cpu.flow import home, shrink
from appliance.pixels.cpu.guided import guided_coefficients
from appliance.pixels.cpu.jit import kernel

# A lead of this says surely: doubts are not shown as something seen through.
_SURELY = 0.25
# The network's edge may lie so far from the picture's, in cells of the network's own grid.
_REACH, _EPSILON = 0.6, 4e-4
_WIDE = 8.0
# What is left of a doubt after the filter: from this share on a pixel is the thing's, and below one
# minus it is not.
_SURE = 0.7
# From this share of a person on, what is behind them is not seen.
_COVERED = 0.2
# A picture of which half moves by less, in cells of the motion, is that of a camera that stands.
_STANDS = 0.5
# Cells that a thing goes in a frame at most: beyond, the next look has to find it.
_FARTHEST = 16
# Smaller things are errors far more often than they are things: shares of the picture.
_LEAST = 0.002


def small_planes(frame: Frame, rows: int, columns: int) -> F32:
    """The whole frame as planes Y, Cb, Cr on a small grid, float32 (3, rows, columns), 0..255.

    A cell is the mean of a few samples: see ``shrink``. ``crop_planes``, which takes the mean of
    all, takes four times as long.
    """
    planes = np.empty((3, rows, columns), np.float32)
    planes[0] = shrink(frame.y, columns, rows)
    planes[1:] = np.moveaxis(shrink(frame.uv, columns, rows), 2, 0)
    return planes


def spread_lead(lead: F32, size: tuple[int, int], inner: Rect, *, corners: bool) -> F32:
    """A lead on the network's own grid, as a share of each pixel of a part of its input.

    Bilinear in the lead, whose zero is the edge between two classes; then 0 to 1 about that edge.

    Args:
        lead: float32 (rows, columns), -1..1, over the whole input.
        size: rows and columns of the input. inner: the part of it that is wanted, input pixels.
        corners: the outermost cells lie on the input's outermost pixels; else each cell covers as
            many of its pixels as the others.

    Returns float32 (inner.height, inner.width), 0..1.
    """
    rows, columns = lead.shape
    scale, shift = [], []
    for cells, pixels, start in ((columns, size[1], inner.x), (rows, size[0], inner.y)):
        step = (cells - 1) / max(pixels - 1, 1) if corners else cells / pixels
        scale.append(step)
        shift.append(start * step if corners else (start + 0.5) * step - 0.5)
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    spread = cv2.warpAffine(
        lead, matrix, (inner.width, inner.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    share = np.asarray(spread * np.float32(0.5 / _SURELY) + np.float32(0.5), np.float32)
    return np.clip(share, 0, 1, out=share)


def follow_edges(planes: F32, share: F32, cell: float) -> F32:
    """A coarse share with its edges where the picture has some, small specks left out.

    The guided filter of ``guided``, with a window as large as the network's cells, and a curve.

    Args:
        planes: float32 (3, rows, columns), Y, Cb, Cr, 0..255. share: float32, (rows, columns).
        cell: how many pixels of this grid a cell of the network's own has, 1 or more.

    Returns float32 (rows, columns), 0..1.
    """
    # With a wide window half of the grid's cells a side do: the coefficients are smooth.
    wide = cell >= _WIDE
    rows, columns = share.shape
    size = (columns // 2, rows // 2) if wide else (columns, rows)
    luma, sharp = (
        np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA), np.float32)
        for one in (planes[0], share)
    )
    coefficients = np.empty((2, size[1], size[0]), np.float32)
    radius = max(1, round(_REACH * cell / (2 if wide else 1)))
    # Twice: an edge that lies half a window off comes half of the way at first.
    guided_coefficients(luma, sharp, radius, _EPSILON, coefficients)
    sharp = _decided(coefficients[0] * luma + coefficients[1])
    guided_coefficients(luma, sharp, radius, _EPSILON, coefficients)
    slope, offset = (cv2.resize(one, (columns, rows)) for one in coefficients)
    return _without_specks(_decided(np.asarray(slope * planes[0] + offset, np.float32)))


def _decided(share: F32) -> F32:
    share -= np.float32(1 - _SURE)
    share *= np.float32(1 / (2 * _SURE - 1))
    return np.clip(share, 0, 1, out=share)


def _without_specks(share: F32) -> F32:
    found = (share >= 0.5).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    small = areas < _LEAST * share.size
    if small.any():
        table = np.concatenate([[False], small])
        # With its soft rim.
        rim = cv2.dilate(table[labels].view(np.uint8), np.ones((5, 5), np.uint8))
        share[rim.astype(bool)] = 0
    return share


@kernel("void(float32[:, ::1], float32[:, :, ::1], int64, int64, int64, int64, float32[:, ::1])")
def _carry(share: F32, origin: F32, first: int, last: int, begin: int, end: int, out: F32) -> None:
    rows, columns = share.shape
    of_rows, of_columns = origin.shape[0], origin.shape[1]
    per_y, per_x = np.float32(rows / of_rows), np.float32(columns / of_columns)
    nearest = np.empty(columns, np.int32)
    for i in range(columns):
        nearest[i] = int((i + 0.5) * of_columns / columns)
    for j in range(first, last):
        r = int((j + 0.5) * of_rows / rows)
        for i in range(begin, end):
            c = nearest[i]
            x = np.float32(i) + (origin[r, c, 0] - np.float32(c)) * per_x
            y = np.float32(j) + (origin[r, c, 1] - np.float32(r)) * per_y
            x = min(max(x, np.float32(0)), np.float32(columns - 1))
            y = min(max(y, np.float32(0)), np.float32(rows - 1))
            left, top = int(x), int(y)
            right, bottom = min(left + 1, columns - 1), min(top + 1, rows - 1)
            t, s = x - np.float32(left), y - np.float32(top)
            over = share[top, left] + t * (share[top, right] - share[top, left])
            under = share[bottom, left] + t * (share[bottom, right] - share[bottom, left])
            out[j, i] = over + s * (under - over)


def carry_share(share: F32, origin: F32) -> F32:
    """The last frame's share, moved to where its things are now: ``flow.follow`` about them alone.

    Args:
        share: float32 (rows, columns), 0..1.
        origin: float32, see ``flow.Motion.origin``, of any grid; the nearest of its cells counts.

    Returns float32 (rows, columns), 0..1; the border is replicated beyond the plane.
    """
    out = np.zeros_like(share)
    left, top, width, height = cv2.boundingRect((share > 0).view(np.uint8))
    if width and height:
        rows, columns = share.shape
        _carry(
            share, origin, max(top - _FARTHEST, 0), min(top + height + _FARTHEST, rows),
            max(left - _FARTHEST, 0), min(left + width + _FARTHEST, columns), out,
        )  # fmt: skip
    return out


@dataclass(frozen=True, slots=True)
class Shares:
    """What is a thing, and what is a person, on grids over the whole frame.

    Attributes:
        things: float32 (rows, columns), 0..1; behind people, as far as it is known there.
        people: float32 (rows // 2, columns // 2), 0..1; None where the network tells none.
    """

    things: F32
    people: F32 | None


def halved(share: F32) -> F32:
    """A share on a grid of half as many rows and columns, as ``Shares.people`` has it."""
    size = (share.shape[1] // 2, share.shape[0] // 2)
    return np.asarray(cv2.resize(share, size, interpolation=cv2.INTER_AREA), np.float32)


def carry_shares(shares: Shares, origin: F32) -> Shares:
    """The last frame's shares, moved to where things and people are now.

    A thing behind a person stays where it is, and is there when they have gone; the motion there is
    theirs. Unless all of the picture moves. Where no thing is, nobody need be followed.
    """
    if not shares.things.any():
        return shares
    things = carry_share(shares.things, origin)
    if shares.people is None:
        return Shares(things, None)
    people = carry_share(shares.people, origin)
    if not _all_moves(origin):
        covered = _covered(np.maximum(people, shares.people), things.shape)
        np.copyto(things, shares.things, where=covered)
    return Shares(things, people)


def mixed(before: Shares, fresh: Shares, weight: float) -> Shares:
    """``weight`` of what a fresh look says and the rest of the one before.

    Of what is behind people a look sees nothing: there it stays what it was.
    """
    if before.things.shape != fresh.things.shape:
        return fresh
    things = cv2.addWeighted(fresh.things, weight, before.things, 1 - weight, 0)
    things = np.asarray(things, np.float32)
    if fresh.people is not None:
        np.copyto(things, before.things, where=_covered(fresh.people, things.shape))
    return Shares(np.asarray(things, np.float32), fresh.people)


def without_people(shares: Shares) -> F32:
    """The things less the people before them, float32 (rows, columns), 0..1."""
    if shares.people is None:
        return shares.things
    rows, columns = shares.things.shape
    people = cv2.resize(cv2.dilate(shares.people, np.ones((3, 3), np.uint8)), (columns, rows))
    return np.asarray(shares.things * (1 - people), np.float32)


def _covered(people: F32, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    there = cv2.dilate((people > _COVERED).view(np.uint8), np.ones((3, 3), np.uint8))
    full = cv2.resize(there, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(full).view(np.bool_)


def _all_moves(origin: F32) -> bool:
    """Whether the camera moves: half of the picture does, by half a cell and more."""
    rows, columns = origin.shape[:2]
    shift = origin[::8, ::8] - home(rows, columns)[::8, ::8]
    return bool(np.abs(np.median(shift, axis=(0, 1))).max() > _STANDS)


def box_of(share: F32) -> Rect | None:
    """The box around all that is at least half a thing, in cells; None where nothing is."""
    left, top, width, height = cv2.boundingRect((share >= 0.5).view(np.uint8))
    return Rect(left, top, width, height) if width and height else None
