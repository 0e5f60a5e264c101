"""The look of a reference picture on moving pictures: measured at their beginning, then kept."""

from __future__ import annotations

from collections.abc import Callable

from appliance.pixels.cpu.look import LookTable
from appliance.stages.looks.make import Style
from appliance.stages.looks.reference import Moments

_FRAMES = 30


class Grade:
    """A table from the first frame, a better one from the first second; then it is fixed.

    A grade that followed the picture would pump whenever somebody moves.
    """

    def __init__(self) -> None:
        self._style: Style | None = None
        self._sum: Moments | None = None
        self._frames = 0
        self._table: LookTable | None = None

    def start_over(self) -> None:
        """Measure anew; until then the old table stays."""
        self._sum, self._frames = None, 0

    def __call__(self, style: Style, measure: Callable[[], Moments | None]) -> LookTable | None:
        """The table for this frame; None while nothing could be measured yet."""
        if style is not self._style:
            self._style, self._table = style, None
            self.start_over()
        if self._frames >= _FRAMES:
            return self._table
        found = measure()
        if found is None:
            return self._table
        self._sum = found if self._sum is None else self._sum.plus(found)
        self._frames += 1
        if self._frames in (1, _FRAMES):
            self._table = style.grade(self._sum)
        return self._table
