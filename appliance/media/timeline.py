"""A stream's own times on one line that only rises: loops, jumps, repeated and missing stamps."""

from __future__ import annotations

from collections import deque
from statistics import median

_SECOND = 1_000_000_000
# A step ahead in a file longer than this, and longer than its own frames are, is a mistake in it.
_LONGEST_STEP_NS = 10 * _SECOND
# Of a step's difference from the usual one, so much is taken over: jitter must not show.
_SLOWLY = 64
# What came sooner after the last came with it, in one burst.
_LEAST_STEP_NS = 500_000
_REMEMBERED = 4


class Timeline:
    """Joins a stream's times. All times are integers in nanoseconds; the line begins at 0.

    Attributes:
        usual: the usual time from one frame to the next.
        last: where the newest frame lies; None before the first.
    """

    def __init__(self, nominal: int) -> None:
        """``nominal``: the time from one frame to the next that the stream claims."""
        self.usual = max(1, nominal)
        self.last: int | None = None
        # A stamp and its place on the line: all stamps go by it until one jumps.
        self._anchor: tuple[int, int] | None = None
        self._stamp: int | None = None
        self._shown = 0
        self._steps: deque[int] = deque(maxlen=_REMEMBERED)

    @property
    def longest_step(self) -> int:
        """The longest of the last four steps; 0 before there is one."""
        return max(self._steps, default=0)

    def place(
        self, stamp: int | None, *, shown: int = 0, restart: bool = False, passed: int | None = None
    ) -> tuple[int, bool]:
        """Where the frame with this stamp lies, and whether the stream jumped there.

        A repeated stamp (the GIF reader stamps everything 0) counts as none. A frame without one,
        and one after a jump, follows the last by what is known best: ``passed``, else how long the
        last was to be shown, else the usual step.

        Args:
            stamp: the stream's own time, or None.
            shown: how long this frame is to be shown; 0 if the stream does not say.
            restart: the stream starts again here, and its stamps with it.
            passed: time since the last frame came, from a live stream; None from a file.
        """
        before, self._shown = self._shown, shown
        if stamp is not None and stamp == self._stamp and not restart:
            stamp = None
        last, stamped = self.last, self._stamp
        if stamp is not None:
            self._stamp = stamp
        if last is None:
            return self._put(0, stamp), False
        expected = last + (self._in_steps(passed) if passed is not None else before or self.usual)
        if stamp is None:
            if passed is not None and passed >= _LEAST_STEP_NS and not restart:
                self._learn(passed)
            self._put(expected, None)
            return expected, restart
        went_on = (
            not restart
            and self._anchor is not None
            and stamped is not None
            and 0 < stamp - stamped <= self._longest(before, passed)
        )
        if not went_on:
            return self._put(expected, stamp), stamped is not None or restart
        assert self._anchor is not None
        placed = self._anchor[1] + stamp - self._anchor[0]
        if placed <= last and passed is None:
            # Frames without a stamp were given more time than they had: catch up.
            return self._put(last + self.usual // 2, None), False
        if placed > last:
            self._learn(placed - last)
        self.last = placed
        return placed, False

    def after(self, stamp: int) -> int:
        """Where something of the same stream with this stamp lies, before or after the last frame.

        Raises ValueError before the first stamp.
        """
        if self._anchor is None:
            raise ValueError("no frame with a time has come yet")
        return self._anchor[1] + stamp - self._anchor[0]

    def mark(self, stamp: int) -> None:
        """Note the newest frame's stamp, of a stream whose stamps do not place its frames."""
        assert self.last is not None
        self._stamp, self._anchor = stamp, (stamp, self.last)

    def _put(self, placed: int, stamp: int | None) -> int:
        self.last = placed
        if stamp is not None:
            self._anchor = (stamp, placed)
        return placed

    def _longest(self, shown: int, passed: int | None) -> int:
        """The longest step ahead that is not a jump."""
        if passed is not None:
            # A live stream cannot get far ahead of the time that passes.
            return passed + _SECOND + 2 * self.usual
        return max(_LONGEST_STEP_NS, 2 * shown, 4 * self.usual)

    def _in_steps(self, passed: int) -> int:
        """The time that passed as whole steps, since what comes late or early was not made so."""
        steps = max(1, round(passed / self.usual))
        return steps * self.usual if steps <= _REMEMBERED else passed

    def _learn(self, step: int) -> None:
        """Take in a step: the usual one drifts with those like it, and follows a change of rate."""
        self._steps.append(step)
        if self.usual < 2 * step < 3 * self.usual:
            self.usual += (step - self.usual) // _SLOWLY
        elif len(self._steps) == _REMEMBERED and not any(
            self.usual < 2 * one < 3 * self.usual for one in self._steps
        ):
            self.usual = max(1, int(median(self._steps)))
