"""Presentation times for outgoing frames: steady, rising, and never ahead of now."""

from __future__ import annotations

from collections import deque

MIN_STEP_NS = 100_000
MAX_GAP_NS = 10 * 10**9
# A frame this late by its own timestamp was not just slow to make: the stream stood still.
MAX_LATE_NS = 250_000_000
_RECENT = 8


class ArrivalClock:
    """Turns arrival times into presentation times for a live stream.

    The source's own times are no use to a live reader: they start again when a clip loops, jump
    when a camera reconnects, and do not exist for the placeholder. Arrival times on the monotonic
    clock always rise, but carry the scheduler's jitter, which a player shows as judder. So the
    stamps follow the earliest arrivals: a frame that comes a little late is stamped with the time
    it was due, one that comes early moves the schedule, and a gap (dropped frames, a stalled
    source) stays a gap. A stamp is never later than the frame's arrival, so no sink waits for it.

    A source's times are good for one thing: the step from one frame to the next. A machine that
    sheds load makes one frame slowly and the next quickly; the steps keep such pairs evenly spaced.
    """

    def __init__(self, period: int) -> None:
        """``period`` is the nominal time between two frames, nanoseconds."""
        self._nominal = period
        self._period = float(period)
        self._arrived: int | None = None
        self._last = 0
        self._pts: int | None = None
        self._lates: deque[int] = deque(maxlen=_RECENT)

    def stamp(self, now: int, pts: int | None = None) -> int:
        """The presentation time of a frame that arrived at ``now``, both in nanoseconds.

        ``pts`` is the frame's own time, in nanoseconds of any clock, if it has a usable one.
        """
        step = pts - self._pts if pts is not None and self._pts is not None else 0
        self._pts = pts
        if self._arrived is None:
            self._arrived = self._last = now
            return now
        interval = now - self._arrived
        self._arrived = now
        if self._nominal // 2 < interval < self._nominal * 3 // 2:
            # A source that announced 30 fps but runs at 25 must not be stamped at 30.
            self._period += (interval - self._period) / 32
        known = 0 < step <= MAX_GAP_NS
        due = self._last + (step if known else int(self._period))
        late = now - due
        self._lates.append(max(0, late))
        if 0 < late < (MAX_LATE_NS if known else self._period / 2):
            # If every recent frame was late, the schedule itself is early.
            given = due + max(late // 16, min(self._lates) // 2 if known else 0)
        else:
            given = now
        self._last = max(given, self._last + MIN_STEP_NS)
        return self._last


class RecordingClock:
    """Turns frame times into times in a recording: from 0, always rising, gaps kept.

    Frames should come with rising times; a step back, or a jump of more than ``MAX_GAP_NS``, is
    taken for a timestamping mistake and recorded as one frame period.
    """

    def __init__(self, period: int) -> None:
        """``period`` is the nominal time between two frames, nanoseconds."""
        self._period = period
        self._pts: int | None = None
        self._last = 0

    def stamp(self, pts: int) -> int:
        """When a frame stamped ``pts`` belongs in the recording, both in nanoseconds."""
        if self._pts is not None:
            step = pts - self._pts
            self._last += max(MIN_STEP_NS, step) if 0 < step <= MAX_GAP_NS else self._period
        self._pts = pts
        return self._last
