"""Presentation times that rise whatever the stream does, and the clock that paces a file."""

from __future__ import annotations

import time

_LONGEST_STEP_NS = 100_000_000


class Timeline:
    """Maps a stream's times to times that rise from frame to frame.

    A step back, or ahead by more than ``longest_gap`` seconds, is a jump: the next frame follows
    one frame's time after the last. All times are integers in nanoseconds.
    """

    def __init__(self, frame_time: int, longest_gap: float) -> None:
        self.frame_time = max(1, frame_time)
        self._longest = int(longest_gap * 1e9)
        self._offset = 0
        self._last: int | None = None
        self._stamp: int | None = None
        self._step = self.frame_time
        self._restarted = False

    def restart(self) -> None:
        """The stream starts anew (a loop): its next frame follows the last."""
        self._restarted = True

    def place(self, pts: int | None, duration: int | None = None) -> tuple[int, bool]:
        """The presentation time of a frame stamped ``pts``; whether there was a jump or restart.

        None, or the same stamp once more (the GIF reader stamps everything 0), is no stamp: such a
        frame follows the last by the ``duration`` that the last one had, or one frame's time.
        """
        step, self._step = self._step, duration or self.frame_time
        stamped, self._stamp = self._stamp, pts
        if pts is not None and pts == stamped and not self._restarted:
            pts = None
        if self._last is None:
            self._last = pts if pts is not None else 0
            self._restarted = False
            return self._last, False
        expected = self._last + step
        placed = expected if pts is None else pts + self._offset
        went_on = pts is not None and stamped is not None and 0 < pts - stamped <= self._longest
        if went_on and not self._restarted and placed <= self._last:
            # Frames without a stamp were given more time than they had: it is caught up with.
            placed, pts = self._last + self.frame_time // 2, None
        jump = self._restarted or not 0 < placed - self._last <= self._longest
        if jump:
            placed = expected
        if pts is not None:
            self._offset = placed - pts
        self._last, self._restarted = placed, False
        return placed, jump


class Pacer:
    """Says when a frame is due, so that a file plays at its own speed.

    A frame that is late is given no sooner than 0.6 of its own step after the one before: two at
    once would only push each other out of a mailbox, while so the clip catches up. When frames
    come later than ``slack`` seconds (a machine too slow, a machine that slept), the schedule
    starts anew at that frame: the clip is then shown slower, never in a burst.
    """

    def __init__(self, slack: float = 0.25) -> None:
        self._slack = int(slack * 1e9)
        self._zero: int | None = None
        # The last frame given: its time, and when that was.
        self._last: tuple[int, int] | None = None

    def wait(self, pts: int, timeout: float) -> bool:
        """Wait until ``pts`` (ns) is due; False when it is not due within ``timeout`` seconds."""
        now = time.monotonic_ns()
        if self._zero is None or now - (self._zero + pts) > self._slack:
            self._zero = now - pts
        due = self._zero + pts
        if self._last is not None:
            step = min(max(pts - self._last[0], 0), _LONGEST_STEP_NS)
            due = max(due, self._last[1] + step * 6 // 10)
        left = due - now
        if left > timeout * 1e9:
            time.sleep(max(0.0, timeout))
            return False
        if left > 0:
            time.sleep(left / 1e9)
        self._last = (pts, time.monotonic_ns())
        return True
