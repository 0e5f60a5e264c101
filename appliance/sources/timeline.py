"""Presentation times that keep rising whatever the stream does, and a file's pacing clock."""

from __future__ import annotations

import time

_LONGEST_STEP_NS = 100_000_000


class Timeline:
    """Maps a stream's times to times that rise from frame to frame.

    A step back, or ahead by more than ``longest_gap`` seconds, is a jump: that frame is placed one
    frame time after the last. All times are integers in nanoseconds.
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
        """The stream starts again (a loop): its next frame follows the last."""
        self._restarted = True

    def place(self, pts: int | None, duration: int | None = None) -> tuple[int, bool]:
        """The presentation time of a frame stamped ``pts``; whether there was a jump or restart.

        None, or a repeated stamp (the GIF reader stamps everything 0), counts as no stamp: such a
        frame follows the last one after that one's ``duration``, or one frame time.
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
            # Frames without a stamp were given more time than they had: catch up.
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

    A late frame is released no sooner than 0.6 of its own step after the one before: two at once
    would only push each other out of a mailbox, while this way the clip catches up. When a frame
    is more than ``slack`` seconds late (a machine too slow, or one that slept), the schedule
    restarts at that frame: the clip then plays slower, never in a burst.
    """

    def __init__(self, slack: float = 0.25) -> None:
        self._slack = int(slack * 1e9)
        self._zero: int | None = None
        # The last frame released: its time, and when it was released.
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
