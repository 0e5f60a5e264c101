"""Keeps to one person where a clip has several."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import U8

_GRID = 160
"""How many columns people are told apart on."""
_SOLID = 128
_ANOTHER = 0.3
"""From this share of the larger one's area a part is another person, not a hand or a thing held."""


class OnePerson:
    """Removes from alpha whoever is not the person seen before (at first: the largest)."""

    def __init__(self) -> None:
        self._last: U8 | None = None
        self.others = 0
        """In how many pictures somebody else was seen."""

    def __call__(self, alpha: U8) -> bool:
        """Look at one alpha, uint8 (height, width), and take others out of it, in place.

        Returns whether anybody is there.
        """
        height, width = alpha.shape
        rows = max(1, round(_GRID * height / width))
        small = cv2.resize(alpha, (_GRID, rows), interpolation=cv2.INTER_AREA)
        solid = (small >= _SOLID).view(np.uint8)
        count, found, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
        if count <= 1:
            return False
        labels, areas = np.asarray(found, np.int32), np.array(stats[:, cv2.CC_STAT_AREA], np.int32)
        areas[0] = 0
        main = self._main(labels, areas)
        self._last = (labels == main).view(np.uint8)
        rivals = [n for n in range(1, count) if n != main and areas[n] >= _ANOTHER * areas[main]]
        if rivals:
            self.others += 1
            self._remove(alpha, labels, main, rivals)
        return True

    def _main(self, labels: NDArray[np.int32], areas: NDArray[np.int32]) -> int:
        if self._last is not None:
            shared = np.bincount(labels[self._last > 0].ravel(), minlength=len(areas))
            shared[0] = 0
            if shared.max() > 0:
                return int(shared.argmax())
        return int(areas.argmax())

    @staticmethod
    def _remove(alpha: U8, labels: NDArray[np.int32], main: int, rivals: list[int]) -> None:
        """What is nearer to a rival than to the person goes, soft edges and small parts too."""
        far = [
            cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 3)
            for mask in (np.isin(labels, rivals), labels == main)
        ]
        theirs = (far[0] < far[1]).view(np.uint8)
        size = (alpha.shape[1], alpha.shape[0])
        alpha[cv2.resize(theirs, size, interpolation=cv2.INTER_NEAREST) > 0] = 0
