"""Clean: connected components of a matte, which of them stay, and the box around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import F32, U8, Rect
from appliance.pixels.cpu.taking_part import MOST, Component, Known, taking_part

Stats = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What ``keep_components`` kept.

    Attributes:
        box: around every kept component, in grid pixels; None when nothing was kept.
        count: components kept.
        mask: uint8 (rows, columns), 1 where a kept component is.
        found: the ``MOST`` largest components, largest first, kept or not; with ``taking-part``.
    """

    box: Rect | None
    count: int
    mask: U8
    found: tuple[Component, ...] = ()


def keep_components(
    alpha: F32, threshold: float, keep: str, min_area: float, known: Sequence[Known] = (),
    sides: tuple[bool, bool] = (True, True),
) -> Kept:  # fmt: skip
    """Label the pixels of ``alpha >= threshold`` (8-connected) and choose which components stay.

    Args:
        alpha: float32 (rows, columns), 0..1.
        keep: ``largest``; ``all`` for every component of at least ``min_area`` of the largest; or
            ``taking-part`` for those of them that ``taking_part`` chooses.
        min_area: 0..1. known: who was there before, for ``taking-part``.
        sides: whether the grid's left and its right border are the frame's, and may cut somebody.

    A component under 1/4000 of the grid (9 pixels of 256x144) is never kept: nobody is that small.
    """
    binary = (alpha >= threshold).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count <= 1:
        return Kept(None, 0, np.zeros_like(binary))
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.int64)
    largest = int(areas.max())
    if largest * 4000 < alpha.size:
        return Kept(None, 0, np.zeros_like(binary))
    found: tuple[Component, ...] = ()
    if keep == "taking-part":
        order = np.argsort(-areas, kind="stable")[:MOST]
        order = order[areas[order] * 4000 >= alpha.size]
        found = _components(labels, stats, order, sides)
        stays = order[np.array(taking_part(found, known), bool)]
        if not len(stays):
            return Kept(None, 0, np.zeros_like(binary), found)
        chosen = np.zeros(count - 1, bool)
        chosen[stays] = areas[stays] >= min_area * int(areas[stays[0]])
    elif keep == "largest":
        chosen = np.zeros(count - 1, bool)
        chosen[int(areas.argmax())] = True
    else:
        chosen = (areas >= min_area * largest) & (areas * 4000 >= alpha.size)
    boxes = stats[1:][chosen]
    left, top = int(boxes[:, 0].min()), int(boxes[:, 1].min())
    right = int((boxes[:, 0] + boxes[:, 2]).max())
    bottom = int((boxes[:, 1] + boxes[:, 3]).max())
    table = np.concatenate([[False], chosen]).view(np.uint8)
    mask = binary if chosen.all() else table[labels]
    return Kept(Rect(left, top, right - left, bottom - top), int(chosen.sum()), mask, found)


def _components(
    labels: Stats, stats: Stats, order: NDArray[np.intp], ends: tuple[bool, bool]
) -> tuple[Component, ...]:
    """Those at these places of ``stats[1:]``."""
    columns = labels.shape[1]
    found = []
    for label in (order + 1).tolist():
        x, y, width, height, area = stats[label].tolist()
        touched = ((0, ends[0] and x == 0), (-1, ends[1] and x + width == columns))
        sides = [side for side, there in touched if there]
        most = max((int((labels[:, side] == label).sum()) for side in sides), default=0)
        found.append(Component(Rect(x, y, width, height), area, most))
    return tuple(found)


def clean(alpha: F32, kept: Kept, grow: int) -> None:
    """Zero ``alpha`` in place beyond ``grow`` pixels around the kept components.

    The last two pixels of the growth fade, so that hair reaching beyond it does not end in a step.
    """
    if kept.box is None:
        alpha[:] = 0
        return
    size = 2 * grow + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    grown = cv2.dilate(kept.mask, disc).astype(np.float32)
    if grow >= 2:
        # The fade goes inwards from the grown edge only: at the mask itself the weight stays 1.
        grown = np.maximum(cv2.blur(grown, (3, 3)) * grown, kept.mask)
    np.multiply(alpha, grown, out=alpha)
