"""The score of a network that is perfect at its own size: a yardstick for resolution's cost."""

from __future__ import annotations

import re

import cv2
import numpy as np

from export.evaluation.metrics import Alpha, grown

_NAME = re.compile(r"perfect-([1-9]\d{0,3})x([1-9]\d{0,3})")


class PerfectAt:
    """The true alpha, seen through a grid of `width` x `height`: by area down, bilinear back up.

    Edges move by less than a pixel of that grid from frame to frame; what is lost there shows
    in dtSSD above all. Not a bound: values that overshoot at edges (least squares) come closer to
    the truth, by a tenth to a quarter in dtSSD where it was tried.
    """

    def __init__(self, width: int, height: int) -> None:
        self.name = f"perfect-{width}x{height}"
        self._grid = (width, height)

    def start(self, width: int, height: int) -> None:
        """See `Contender`; there is no temporal state."""

    def alpha(self, true: Alpha) -> Alpha:
        """What is left of the true alpha: float32 (h, w) in [0, 1]."""
        height, width = true.shape
        small = cv2.resize(true, self._grid, interpolation=cv2.INTER_AREA)
        return grown(np.asarray(small, np.float32), width, height)

    def milliseconds(self) -> float:
        """See `Contender`: nothing was run."""
        return 0.0


def perfect(name: str) -> PerfectAt | None:
    """The limit of that name, such as perfect-288x160, or None when the name is not a limit's."""
    found = _NAME.fullmatch(name)
    return PerfectAt(int(found[1]), int(found[2])) if found else None
