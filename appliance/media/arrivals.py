"""Where a foreign clock's line lies on ours, by when its frames arrive: jitter, drift, wrong speed.

A frame arrives when it was made, plus a delay that varies and is never negative. So the earliest
arrivals say where the foreign clock stands, and how they move over seconds says how it drifts.
"""

from __future__ import annotations

from collections import deque

_SECOND = 1_000_000_000
# The earliest arrival of each stretch of so many nanoseconds, and of so many frames at least.
_STRETCH_NS, _STRETCH_FRAMES = 2 * _SECOND, 8
# A frame so late was not just slow on its way: the stream stood still.
MAX_LATE_NS = 250_000_000
# The most that a place on our clock moves back by, per nanosecond: no step is visibly longer.
_SLEW = 64
# Without stamps, the line's own steps are guesses: the last few arrivals correct it, by half.
_RECENT = 8
# A clock off by so much in two stretches running, or by so much in one, does not keep time at all;
# cameras' are off by some ten-thousandths.
_WRONG, _PLAINLY_WRONG, _RIGHT = 0.02, 0.25, 0.01


class Arrivals:
    """Maps a line to the clock by which its frames arrive. Nanoseconds throughout."""

    def __init__(self) -> None:
        self._offset: int | None = None
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._begin(0, 0)

    def _begin(self, arrived: int, offset: int) -> None:
        self._since, self._frames = arrived, 0
        self._low, self._low_before = offset, offset
        self._recent.clear()

    def restart(self) -> None:
        """Another stream, or the same one with another delay: what was learnt holds no more."""
        self._offset = None

    def map(self, line: int, step: int, arrived: int, *, stamped: bool = True) -> int:
        """When the frame at ``line``, ``step`` after the last, was made, on the arrivals' clock.

        Never after ``arrived``: a frame that comes early moves the whole line, as it proves that
        the delay was less than thought. A line that is late throughout moves by slow degrees, one
        that is very late at once. ``stamped``: whether the line is made of the stream's stamps.
        """
        offset = arrived - line
        if self._offset is None or offset - self._offset > MAX_LATE_NS:
            self._offset = offset
            self._begin(arrived, offset)
            return arrived
        self._frames += 1
        if arrived - self._since >= _STRETCH_NS and self._frames >= _STRETCH_FRAMES:
            self._since, self._frames = arrived, 0
            self._low, self._low_before = offset, self._low
        self._low = min(self._low, offset)
        if stamped:
            most = max(1, step // _SLEW)
            late = min(min(self._low, self._low_before) - self._offset, most)
        else:
            self._recent.append(offset)
            late = (min(self._recent) - self._offset) // 2
        self._offset += max(0, late)
        self._offset = min(self._offset, offset)
        return line + self._offset

    def guess(self, line: int, arrived: int) -> int:
        """As ``map``, for a place that is only guessed: nothing is learnt from it."""
        return arrived if self._offset is None else min(line + self._offset, arrived)

    @property
    def offset(self) -> int:
        """What to add to a place on the line. Raises ValueError before the first frame."""
        if self._offset is None:
            raise ValueError("no frame has come yet")
        return self._offset


class Speed:
    """Whether a stream's stamps run at the speed of time.

    Some do not: a camera that counts 30 frames to the second and gives 25.
    """

    def __init__(self) -> None:
        self.right = True
        self._off: list[float] = []
        self.restart()

    def restart(self) -> None:
        """The stamps have jumped: compare from here on."""
        self._first: tuple[int, int] | None = None
        self._low: tuple[int, int] | None = None
        self._before: tuple[int, int] | None = None
        self._frames = 0

    def judge(self, stamp: int, arrived: int) -> bool:
        """Take in a frame's stamp and arrival; returns ``right``."""
        offset = arrived - stamp
        if self._first is None:
            self._first = self._low = (offset, arrived)
            return self.right
        assert self._low is not None
        self._frames += 1
        if arrived - self._first[1] >= _STRETCH_NS and self._frames >= _STRETCH_FRAMES:
            before, self._before = self._before, self._low
            self._first = self._low = (offset, arrived)
            self._frames = 0
            if before is not None and self._before[1] > before[1]:
                self._decide((self._before[0] - before[0]) / (self._before[1] - before[1]))
        elif offset < self._low[0]:
            self._low = (offset, arrived)
        return self.right

    def _decide(self, off: float) -> None:
        self._off = [*self._off[-1:], off]
        least = min(abs(one) for one in self._off)
        same = len(self._off) == 2 and (self._off[0] > 0) == (self._off[1] > 0)
        if self.right:
            self.right = not (abs(off) > _PLAINLY_WRONG or (same and least > _WRONG))
        else:
            self.right = max(abs(one) for one in self._off) < _RIGHT
