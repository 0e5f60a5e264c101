"""Who was there before, in device memory, for ``keep_components`` to decide who takes part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import Rect
from appliance.pixels.cpu.taking_part import MOST, Known

# Layout of the structs in taking_part.cuh, in 4-byte words.
KNOWN = np.dtype(
    [
        ("count", "<i4"),
        ("list", [("box", "<i4", (4,)), ("reach", "<i4", (4,)), ("taking", "<i4")], (MOST,)),
    ]
)


class KnownPeople:
    """A KNOWN on the device, at ``address``: it never moves, so that graphs can be replayed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mapped = context.integrated
        if self._mapped:
            self._staged, self.address = context.mapped((KNOWN.itemsize,), np.uint8)
        else:
            self._staged = context.pinned((KNOWN.itemsize,), np.uint8)
            self._buffer = context.alloc(KNOWN.itemsize, zero=True)
            self.address = self._buffer.address
        self._staged[:] = 0
        self._there: tuple[Known, ...] = ()

    def put(self, known: Sequence[Known]) -> None:
        """Have these there, at most ``MOST``: launches a copy, if they are not there already.

        Not to be recorded into a graph. The frame before must be finished.
        """
        known = tuple(known)
        if known == self._there:
            return
        self._there = known
        block = self._staged.view(KNOWN)[0]
        block["count"] = len(known)
        for place, one in zip(block["list"], known, strict=False):
            place["box"], place["reach"] = _sides(one.box), _sides(one.reach)
            place["taking"] = one.taking
        if self._mapped:
            return
        with self._context.guard("sending who was there before"):
            self._context.driver.memcpy_htod_async(self.address, self._staged, self._context.stream)


def _sides(rect: Rect) -> tuple[int, int, int, int]:
    return rect.x, rect.y, rect.right, rect.bottom
