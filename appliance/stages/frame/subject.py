"""What framing needs to know of the people in a frame: where they are, where their middle is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from appliance.media.frame import F32, Rect
from appliance.stages.roi import Box

# An arm or two are less than this part of a person; without them the middle stays with the body.
_LIMBS = 0.04


class Subject(NamedTuple):
    """Everybody who takes part, in frame pixels.

    Attributes:
        left, top, right, bottom: around all of them, hands and all.
        core_left, core_right: around all but outstretched arms.
        middle: what is to be in the middle of the canvas.
    """

    left: float
    top: float
    right: float
    bottom: float
    core_left: float
    core_right: float
    middle: float


def subject_in(box: Box, sums: F32, rect: Rect, *, several: bool) -> Subject:
    """Who is in a frame.

    Args:
        box: around the kept components, frame pixels.
        sums: alpha's column sums on the grid over ``rect``.
        several: more than one person is framed: the middle is then that of all of them, else that
            of the body, which an arm or a chair beside it hardly moves.
    """
    total = np.cumsum(sums, dtype=np.float64)
    if several or total.size == 0 or total[-1] <= 0:
        middle = (box.left + box.right) / 2
        return Subject(box.left, box.top, box.right, box.bottom, box.left, box.right, middle)
    # The position within a column, too: whole columns would move the middle in steps.
    edges = np.concatenate([[0.0], total / total[-1]])
    places = np.interp([_LIMBS, 0.5, 1 - _LIMBS], edges, np.arange(edges.size))
    left, middle, right = (float(each) for each in places * (rect.width / sums.size) + rect.x)
    return Subject(box.left, box.top, box.right, box.bottom, left, right, middle)


def median(subjects: Sequence[Subject]) -> Subject:
    """Each number's median: a gesture that is over within half of the time moves nothing."""
    ordered = np.sort(np.array(subjects), axis=0)
    upper, lower = len(subjects) // 2, (len(subjects) - 1) // 2
    return Subject(*(float(each) for each in (ordered[lower] + ordered[upper]) / 2))
