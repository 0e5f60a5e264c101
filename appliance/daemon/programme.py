"""What goes out: fresh composites while there are any, the placeholder when there are none.

The rule that the real background must never leak is enforced here: nothing but a finished composite
or the placeholder ever reaches an output, and a watch independent of the pipeline's thread sends
the placeholder out when composites stop coming, whatever the pipeline is stuck in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from appliance.daemon.tap import Tap
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed, Mailbox

# Often enough for a player to see a live stream, seldom enough to cost nothing.
_PLACEHOLDER_FPS = 10
_LARGEST_STEP_NS = 2_000_000_000

log = structlog.get_logger(__name__)


class RisingTimes:
    """Makes presentation times rise, whatever the source's do (jumps, loops, reconnects)."""

    def __init__(self, period_ns: int) -> None:
        self._period = period_ns
        self._offset = 0
        self._last: int | None = None

    def stamp(self, pts: int) -> int:
        """The outgoing time of a frame whose source time is ``pts``, both in nanoseconds."""
        if self._last is None:
            self._offset = -pts
        elif not 0 < pts + self._offset - self._last <= _LARGEST_STEP_NS:
            self._offset = self._last + self._period - pts
        self._last = pts + self._offset
        return self._last

    def after(self, elapsed_ns: int) -> int:
        """The time of a frame with no source time of its own, ``elapsed_ns`` after the last one."""
        self._last = 0 if self._last is None else self._last + max(elapsed_ns, self._period)
        return self._last


class Programme:
    """Fans frames out to the outputs' mailboxes and watches that fresh ones keep coming."""

    def __init__(
        self,
        format: Format,
        outputs: Sequence[Mailbox[Frame]],
        placeholder: Callable[[], Frame],
        *,
        stall_s: float,
        reason: Callable[[], str],
        watch: bool = True,
        tap: Tap | None = None,
    ) -> None:
        """Get ready; ``start`` begins the watch.

        Args:
            placeholder: the frame to show now; called each time, at most ten times a second.
            stall_s: after this long without a composite, the placeholder goes out.
            reason: says why there is none; called when the watch notices.
            watch: False for files read as fast as possible, where waiting is not a failure.
            tap: shown what goes out.
        """
        self._outputs = outputs
        self._make = placeholder
        self._stall_ns = int(stall_s * 1e9)
        self._reason = reason
        self._watch = watch
        self._tap = tap
        self._times = RisingTimes(int(1e9 / format.rate))
        self._lock = threading.Lock()
        self._stop = False
        self._thread: threading.Thread | None = None
        self._fresh_at: int | None = None
        self._put_at = time.monotonic_ns()
        self.composites = 0
        self.placeholders = 0
        self.trouble: str | None = "starting"
        """Why the placeholder is out; None while composites are."""
        self.error: BaseException | None = None
        """What ended the watch, if not ``stop``."""

    def start(self) -> None:
        """Show the placeholder until the first composite comes."""
        if not self._watch:
            return
        self._thread = threading.Thread(target=self._keep_alive, name="programme", daemon=True)
        self._thread.start()

    def configure(self, outputs: Sequence[Mailbox[Frame]], stall_s: float) -> None:
        """From the next frame on, send to other mailboxes and allow a different stall."""
        with self._lock:
            self._outputs = outputs
            self._stall_ns = int(stall_s * 1e9)

    def stop(self, timeout: float = 2.0) -> None:
        """End the watch."""
        self._stop = True
        if self._thread is not None:
            self._thread.join(timeout)

    def publish(self, frame: Frame) -> None:
        """Send a finished composite out."""
        with self._lock:
            now = time.monotonic_ns()
            if self.trouble is not None:
                log.info("composites go out", after=self.trouble)
                self.trouble = None
            self._fresh_at = now
            self.composites += 1
            self._put(replace(frame, pts=self._times.stamp(frame.pts)), now)
            if self._tap is not None:
                self._tap.composite(frame)

    def fail(self, reason: str) -> None:
        """Send the placeholder out at once, in place of a frame for which there is no matte."""
        with self._lock:
            self._fresh_at = None
            self._show(reason, time.monotonic_ns())

    @property
    def composite_age_s(self) -> float | None:
        """Seconds since the newest composite; None if there was none, or a failure came since."""
        fresh_at = self._fresh_at
        return None if fresh_at is None else (time.monotonic_ns() - fresh_at) / 1e9

    @property
    def idle_s(self) -> float:
        """Seconds since anything went out, composite or placeholder."""
        return (time.monotonic_ns() - self._put_at) / 1e9

    def _keep_alive(self) -> None:
        interval = 1 / _PLACEHOLDER_FPS
        try:
            # Sleeps rather than waits for an event: before Python 3.11 a wait goes by the wall
            # clock, and would last an hour longer if that were set back by one.
            while not self._stop:
                time.sleep(interval)
                with self._lock:
                    now = time.monotonic_ns()
                    fresh = self._fresh_at is not None and now - self._fresh_at < self._stall_ns
                    if not fresh and now - self._put_at >= interval * 0.9e9:
                        self._show(self._reason(), now)
        except BaseException as error:
            # Without the watch nothing would notice composites stop, so the daemon ends.
            self.error = error
            log.exception("the placeholder's thread died")

    def _show(self, reason: str, now: int) -> None:
        if self.trouble != reason:
            log.warning("the placeholder goes out", reason=reason)
            self.trouble = reason
        shown = self._make()
        self.placeholders += 1
        pts = self._times.after(now - self._put_at)
        self._put(replace(shown, pts=pts, captured=now), now)
        if self._tap is not None:
            self._tap.placeholder(shown)

    def _put(self, frame: Frame, now: int) -> None:
        self._put_at = now
        for mailbox in self._outputs:
            try:
                mailbox.put(frame)
            except Closed:
                # This output has been stopped; the others go on.
                continue
