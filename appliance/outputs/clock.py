"""Presentation times for what leaves: steady, rising, and never ahead of now."""

from __future__ import annotations

from collections import deque

MIN_STEP_NS = 100_000
MAX_GAP_NS = 10 * 10**9
# A frame later than this against its own time was not merely made slowly: the stream stood still.
MAX_LATE_NS = 250_000_000
_RECENT = 8


class ArrivalClock:
    """Turns arrival times into presentation times for a live stream.

    The source's own times are of no use to a live reader: they start again when a clip loops,
    jump when a camera reconnects, and do not exist for the placeholder. Arrival on the monotonic
    clock always rises, but carries the scheduler's jitter, which a player shows as judder. So the
    times follow the earliest arrivals: a frame that comes a little late is stamped when it was
    due, one that comes early moves the schedule, and a gap (dropped frames, a stalled source)
    stays a gap. A stamp is never later than its arrival, thus no sink waits for it.

    What a source's times are good for is the step from one frame to the next. A machine that sheds
    load makes one frame slowly and the next quickly: the steps keep such pairs evenly apart.
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

        ``pts`` is the frame's own time, nanoseconds of any clock, where it has one to go by.
        """
        step = pts - self._pts if pts is not None and self._pts is not None else 0
        self._pts = pts
        if self._arrived is None:
            self._arrived = self._last = now
            return now
        interval = now - self._arrived
        self._arrived = now
        if self._nominal // 2 < interval < self._nominal * 3 // 2:
            # A source that really runs at 25 when it said 30 must not be stamped at 30.
            self._period += (interval - self._period) / 32
        known = 0 < step <= MAX_GAP_NS
        due = self._last + (step if known else int(self._period))
        late = now - due
        self._lates.append(max(0, late))
        if 0 < late < (MAX_LATE_NS if known else self._period / 2):
            # When all have been late lately, it is the schedule that is early.
            given = due + max(late // 16, min(self._lates) // 2 if known else 0)
        else:
            given = now
        self._last = max(given, self._last + MIN_STEP_NS)
        return self._last


class RecordingClock:
    """Turns frames' times into those of a recording: from 0, always rising, gaps kept.

    Frames come with rising times; a step back or a jump of more than ``MAX_GAP_NS`` is taken for
    a mistake of whoever stamped them and recorded as one frame's time.
    """

    def __init__(self, period: int) -> None:
        """``period`` is the nominal time between two frames, nanoseconds."""
        self._period = period
        self._pts: int | None = None
        self._last = 0

    def stamp(self, pts: int) -> int:
        """The time in the recording of a frame stamped ``pts``, both in nanoseconds."""
        if self._pts is not None:
            step = pts - self._pts
            self._last += max(MIN_STEP_NS, step) if 0 < step <= MAX_GAP_NS else self._period
        self._pts = pts
        return self._last
