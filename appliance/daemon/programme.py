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

from appliance.config.settings import Companion
from appliance.daemon.audio_bus import AudioBus
from appliance.daemon.filler import NONE, Companions
from appliance.daemon.placeholder import nobody
from appliance.daemon.tap import Tap
from appliance.media.audio import AudioQueue
from appliance.media.clock import MIN_STEP_NS
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed, Mailbox

# Often enough for a player to see a live stream, seldom enough to cost nothing.
_PLACEHOLDER_FPS = 10
# A composite that stands for longer than this is sent again: readers, and whoever watches over the
# process, take silence for death.
_REPEAT_NS = 1_500_000_000
# How often the thread that holds frames for their time looks whether it is to end.
_IDLE_S = 0.25
# How far behind the clock the placeholder may be stamped, to lie behind late composites.
_MOST_DELAY_NS = 2_000_000_000
# How far sound may be behind its picture before silence is sent in its place: live, and where a
# file is read as fast as possible, in which sound may lie seconds behind the pictures.
_SOUND_WAIT_NS, _FILE_SOUND_WAIT_NS = 400_000_000, 8_000_000_000

log = structlog.get_logger(__name__)


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
        held: Callable[[], bool] = lambda: False,
        tap: Tap | None = None,
        line: AudioBus | None = None,
        sounds: Sequence[AudioQueue] = (),
        shows: Sequence[Companion | None] = (),
    ) -> None:
        """Get ready; ``start`` begins the watch.

        Args:
            placeholder: the frame to show now; called each time, at most ten times a second.
            stall_s: when a composite is this much overdue, by the source's own interval, the
                placeholder goes out.
            reason: says why there is none; called when the watch notices.
            watch: False for files read as fast as possible, where waiting is not a failure and
                times are the file's own.
            held: whether all is well and the source's next frame is not due yet.
            tap: shown what goes out.
            line, sounds: where sound comes from, and the outputs' queues for it.
            shows: what each output gets; None, and where the list ends: the composite.
        """
        self._line, self._sounds = line, sounds
        self._format = format
        self._outputs, self._shows = outputs, _shown(outputs, shows)
        self._make = placeholder
        self._stall_ns = int(stall_s * 1e9)
        self._reason = reason
        self._watch = watch
        self._tap = tap
        self._held = held
        self._period = int(1e9 / format.rate)
        # The newest frame out: its time, and how long it lasts. And how long after their times
        # composites go out; what is added to an own time line, so that the next follows the last.
        self._last: tuple[int, int] | None = None
        self._delay = self._offset = 0
        self._latest: tuple[Frame, Companions] | None = None
        self._lock = threading.Lock()
        self._stop = False
        self._thread: threading.Thread | None = None
        # A composite that is finished and not yet due, and when it is.
        self._later: tuple[Frame, int, Companions] | None = None
        self._woken = threading.Event()
        self._pacer: threading.Thread | None = None
        self._fresh_at: int | None = None
        self._due_at = 0
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

    def configure(
        self, outputs: Sequence[Mailbox[Frame]], stall_s: float, sounds: Sequence[AudioQueue] = (),
        shows: Sequence[Companion | None] = (),
    ) -> None:  # fmt: skip
        """From the next frame on, send to other mailboxes and allow a different stall."""
        with self._lock:
            self._outputs, self._sounds = outputs, sounds
            self._shows = _shown(outputs, shows)
            self._stall_ns = int(stall_s * 1e9)

    def forget(self) -> None:
        """What was made is not to be sent (again): something else is behind the person now."""
        with self._lock:
            self._latest = self._later = None

    def stop(self, timeout: float = 2.0) -> None:
        """End the watch."""
        # Without the lock: an output that hangs may have it.
        self._stop, self._later = True, None
        self._woken.set()
        deadline = time.monotonic() + timeout
        for thread in (self._thread, self._pacer):
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def publish(self, frame: Frame, at: int = 0, companions: Companions = NONE) -> None:
        """Send a finished composite out, and what was made beside it, with the same times.

        An output that shows what is not there is left out: a key goes with its own frame or not.

        ``at``: when, ``time.monotonic_ns()``; sooner if another one follows before that. Two sent
        at once would push each other out of the outputs' mailboxes. Files read as fast as possible
        do not wait.
        """
        with self._lock:
            self._release()
            if self._watch and at > time.monotonic_ns():
                self._later = (frame, at, companions)
                if self._pacer is None:
                    self._pacer = threading.Thread(target=self._keep_pace, name="pace", daemon=True)
                    self._pacer.start()
                self._woken.set()
            else:
                self._publish(frame, companions)

    def flush(self) -> None:
        """Send out at once what was held for its time."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        later, self._later = self._later, None
        if later is not None:
            self._publish(later[0], later[2])

    def _publish(self, frame: Frame, companions: Companions) -> None:
        now = time.monotonic_ns()
        if self.trouble is not None:
            log.info("composites go out", after=self.trouble)
            self.trouble = None
        self._fresh_at, self._due_at = now, now + frame.duration
        if self._watch:
            self._delay = min(max(0, now - frame.pts), _MOST_DELAY_NS)
        self.composites += 1
        sent = self._send(frame, now, companions)
        self._latest = (sent, companions) if self._watch else None
        if self._tap is not None:
            self._tap.composite(frame)

    def _keep_pace(self) -> None:
        """Send what is held when it is due."""
        try:
            while not self._stop:
                later = self._later
                if later is None:
                    self._woken.wait(_IDLE_S)
                    self._woken.clear()
                    continue
                left = later[1] - time.monotonic_ns()
                if left > 0:
                    # Sleeps, as an event's wait goes by the wall clock before Python 3.11.
                    time.sleep(min(left / 1e9, _IDLE_S))
                    continue
                with self._lock:
                    if self._later is later:
                        self._release()
        except BaseException as error:
            # What is held would stay until the next frame, so the daemon ends.
            self.error = error
            log.exception("the pacing thread died")

    def fail(self, reason: str, frame: Frame | None = None) -> None:
        """Send the placeholder out at once, in place of ``frame``, for which there is no matte."""
        with self._lock:
            self._fresh_at = self._latest = self._later = None
            self._show(reason, time.monotonic_ns(), frame)

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
                    self._look(time.monotonic_ns(), interval)
        except BaseException as error:
            # Without the watch nothing would notice composites stop, so the daemon ends.
            self.error = error
            log.exception("the placeholder's thread died")

    def _look(self, now: int, interval: float) -> None:
        """See that something goes out: composites, the last of them again, or the placeholder."""
        idle = now - self._put_at
        fresh = self._fresh_at is not None and (now - self._due_at < self._stall_ns or self._held())
        if not fresh:
            self._latest = None
            if idle >= interval * 0.9e9:
                self._show(self._reason(), now)
        elif idle >= _REPEAT_NS:
            latest = self._latest
            if latest is None:
                self._show(self._reason(), now)
                return
            frame, companions = latest
            again = replace(frame, pts=now - self._delay, discontinuity=False)
            self._latest = self._send(again, now, companions), companions

    def _show(self, reason: str, now: int, instead: Frame | None = None) -> None:
        if self.trouble != reason:
            log.warning("the placeholder goes out", reason=reason)
            self.trouble = reason
        shown = self._make()
        self.placeholders += 1
        if instead is not None:
            pts, duration = instead.pts, instead.duration
        elif self._watch or self._last is None:
            pts, duration = now - self._delay, int(1e9 / _PLACEHOLDER_FPS)
        else:
            pts, duration = sum(self._last) - self._offset, self._period
        empty = {one: nobody(self._format, one) for one in self._shows if one is not None}
        self._send(replace(shown, pts=pts, duration=duration, captured=now), now, empty)
        if self._tap is not None:
            self._tap.placeholder(shown)

    def _rising(self, pts: int, duration: int) -> int:
        """The time to send a frame with: its own, unless that is not after the last one's."""
        last, self._last = self._last, None
        if self._watch:
            # A frame that was long in the making, behind the placeholder that filled its place.
            pts = pts if last is None else max(pts, last[0] + MIN_STEP_NS)
        else:
            pts += self._offset
            if last is not None and pts <= last[0]:
                # Another file: its line begins where the last one ended.
                behind = last[0] + (last[1] or self._period)
                if self._line is not None:
                    self._line.ring.turn_back(pts - self._offset)
                self._offset += behind - pts
                pts = behind
        self._last = pts, duration
        return pts

    def _speak(self, until: int, shift: int, patience: int | None = None, ahead: int = 0) -> None:
        """Hand the sound up to a picture's time to every output; placeholders do not stop it.

        Unless ``sound.with_placeholder`` says so.
        """
        if self._line is None:
            return
        if patience is None:
            patience = _SOUND_WAIT_NS if self._watch else _FILE_SOUND_WAIT_NS
        sound = self._line.take(until, patience, ahead=ahead, placeholder=self.trouble is not None)
        if len(sound.samples):
            sound = replace(sound, pts=sound.pts + shift)
            for queue in self._sounds:
                queue.put(sound)

    def finish(self) -> None:
        """Send the sound that belongs to the last picture; nothing will follow."""
        with self._lock:
            if self._last is not None and self._line is not None:
                self._speak(sum(self._last) - self._offset, self._offset, patience=0)

    def _send(self, frame: Frame, now: int, companions: Companions) -> Frame:
        """Hand a frame, or its companion, to every output; returns it as it went out."""
        at = frame.pts
        frame = replace(frame, pts=self._rising(at, frame.duration))
        self._put_at = now
        # What is here already of its own time goes with it: less for a player to wait for.
        self._speak(at, 0 if self._watch else frame.pts - at, ahead=frame.duration)
        stamped = {shows: _at_the_time_of(frame, one) for shows, one in companions.items()}
        for mailbox, shows in zip(self._outputs, self._shows, strict=True):
            sent = frame if shows is None else stamped.get(shows)
            if sent is None:
                continue
            try:
                mailbox.put(sent)
            except Closed:
                # This output has been stopped; the others go on.
                continue
        return frame


def _shown(
    outputs: Sequence[object], shows: Sequence[Companion | None]
) -> Sequence[Companion | None]:
    return (*shows, *(None,) * (len(outputs) - len(shows)))


def _at_the_time_of(frame: Frame, companion: Frame) -> Frame:
    """A companion with the times that its frame goes out with."""
    return replace(
        companion, pts=frame.pts, captured=frame.captured, serial=frame.serial,
        discontinuity=frame.discontinuity, duration=frame.duration,
    )  # fmt: skip
