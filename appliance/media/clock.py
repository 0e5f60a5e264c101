"""The one clock: a source's times become the appliance's own once, where its frames enter.

The appliance's clock is ``time.monotonic_ns()``: it never jumps, the kernel keeps it at the speed
of true time, and it is GStreamer's too. It stands still while the machine is suspended. What comes
after the source keeps a frame's time and at most adds an offset (a recording begins at 0, a
stream's media when it was started).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.media.arrivals import Arrivals, Speed
from appliance.media.timeline import Timeline

NO_TIME = -1
"""A stamp that says that there is none."""
MIN_STEP_NS = 1_000_000
"""The least step from one frame's time to the next: containers count in milliseconds."""

Kind = Literal["live", "paced", "own"]

# A paced source this late is not merely late (a machine too slow, or one that slept): its schedule
# starts again, so that it plays slower, never in a burst.
_SLACK_NS = 250_000_000
_LONGEST_CATCH_UP_NS = 100_000_000
# Frames without a stamp after one that had one, until the stream counts as one without stamps.
_UNSTAMPED = 8


@dataclass(frozen=True, slots=True)
class Entered:
    """Where a frame lies.

    Attributes:
        pts: on the appliance's clock, or on the source's own line (kind ``own``), nanoseconds.
        duration: until the next one is due, nanoseconds: by the source's word, else by its habit.
        jump: the stream does not go on here from where it was.
    """

    pts: int
    duration: int
    jump: bool


class SourceClock:
    """Maps one source's times, for as long as it lasts, through loops and reconnects.

    The kinds of source differ in whose clock decides:

    - ``live``: the source's clock and ours both run. The stamps give even steps, the arrivals say
      where these lie on our clock; jitter goes, drift is followed, and jumps, wraps, missing
      stamps and stamps that run at a wrong speed make no difference.
    - ``paced``: a file at its own speed. Its times lie where playing it put them, and each frame is
      to be held until ``due``.
    - ``own``: a file as fast as possible. Its own line from 0; our clock plays no part.

    Pictures steer the mapping (``enter``); sound of the same stream is mapped by ``at``, which
    changes nothing, so both keep the distance that the stream gave them.
    """

    def __init__(self, kind: Kind, nominal: int) -> None:
        """``nominal``: nanoseconds from one frame to the next that the source claims."""
        self._kind = kind
        self._nominal = nominal
        self._line = Timeline(nominal)
        self._arrivals, self._speed = Arrivals(), Speed()
        self._offset: int | None = None
        self._arrived: int | None = None
        self._unstamped = _UNSTAMPED
        self._last: int | None = None
        self._step = 0
        self._released: int | None = None

    def enter(
        self, stamp: int, arrived: int, *, duration: int = 0, restart: bool = False
    ) -> Entered:
        """Place a frame. Times rise by ``MIN_STEP_NS`` at least, and by less only on an own line.

        Args:
            stamp: the stream's own time, from any origin, or ``NO_TIME``; nanoseconds.
            arrived: ``time.monotonic_ns()`` when the frame came.
            duration: how long it is to be shown by the stream's word; 0 if it does not say.
            restart: another round of a loop, or another connection: its times begin anew.
        """
        own_time = None if stamp == NO_TIME else stamp
        passed, before = None, self._line.last
        if self._kind == "live":
            passed = 0 if self._arrived is None else max(0, arrived - self._arrived)
            own_time = self._believed(own_time, arrived, restart=restart)
            self._unstamped = 0 if own_time is not None else self._unstamped + 1
        self._arrived = arrived
        line, jump = self._line.place(own_time, shown=duration, restart=restart, passed=passed)
        if self._kind == "live":
            if jump:
                self._speed.restart()
            if own_time is None and stamp != NO_TIME:
                self._line.mark(stamp)
        pts = self._on_our_clock(line, line - (before or 0), arrived, restart=restart)
        if self._last is not None:
            pts = max(pts, self._last + (1 if self._kind == "own" else MIN_STEP_NS))
            self._step = pts - self._last
        self._last = pts
        return Entered(pts, self._duration(duration), jump)

    def at(self, stamp: int) -> int:
        """The time of something else of this stream, a buffer of sound, by its own stamp.

        Mapped as the newest picture was, whether it lies before or after it. Raises ValueError
        until a picture with a stamp has entered.
        """
        line = self._line.after(stamp)
        if self._kind == "own":
            return line
        return line + (self._arrivals.offset if self._kind == "live" else self._offset or 0)

    def due(self, pts: int) -> int:
        """When to let the paced frame just placed go, ``time.monotonic_ns()``.

        A late one no sooner than 0.6 of its step after the one before: two at once would only push
        each other out of a mailbox, while this way the source catches up.
        """
        if self._released is None:
            return pts
        return max(pts, self._released + min(self._step, _LONGEST_CATCH_UP_NS) * 6 // 10)

    def release(self, now: int) -> None:
        """Note when it was let go."""
        self._released = now

    def _believed(self, stamp: int | None, arrived: int, *, restart: bool) -> int | None:
        """The stamp, unless the stream's stamps do not keep time."""
        if restart:
            self._speed.restart()
        if stamp is None:
            return None
        before, right = self._speed.right, self._speed.judge(stamp, arrived)
        if right != before:
            # Another line from here on, so another place on our clock.
            self._arrivals.restart()
            self._unstamped = _UNSTAMPED
        return stamp if right else None

    def _on_our_clock(self, line: int, step: int, arrived: int, *, restart: bool) -> int:
        if self._kind == "own":
            return line
        if self._kind == "live":
            if restart:
                self._arrivals.restart()
            if 0 < self._unstamped < _UNSTAMPED:
                return self._arrivals.guess(line, arrived)
            return self._arrivals.map(line, step, arrived, stamped=self._unstamped == 0)
        if self._offset is None or arrived - (line + self._offset) > _SLACK_NS:
            self._offset = arrived - line
        return line + self._offset

    def _duration(self, said: int) -> int:
        """How long the newest frame lasts: a file knows, a camera only claims to."""
        seen = self._line.longest_step
        if self._kind == "live":
            return seen or said or self._nominal
        return said or seen or self._nominal
