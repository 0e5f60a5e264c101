"""Keeps a source delivering: a thread that opens, reads, posts, and reconnects when it must."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, MatteboxError, SourceError
from appliance.media.audio_ring import AudioRing
from appliance.media.clock import NO_TIME, Kind, SourceClock
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed, Mailbox
from appliance.sources.base import HasSound, Source

log = structlog.get_logger(__name__)

# Short, so that a stop is noticed soon whatever the source waits for.
_READ_S = 0.2
_STOP_S = 2.0
# Before the next paced frame is read, the one just posted gets half of its time to itself, and half
# of what there was to spare; but no more than this: most have been made by then, and where a
# stream's steps are uneven, the next may be due soon.
_MOST_REST_NS = 20_000_000

State = Literal["connecting", "live", "waiting", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the source is doing: ``state``, and ``reason`` in words for people.

    connecting: being opened. live: frames come. waiting: it failed and will soon be retried.
    ended: it does not loop and is over, or was stopped. failed: the thread died (see ``error``).
    """

    state: State
    reason: str = ""


class SourceFeeder:
    """Runs one source in a thread of its own and posts its frames into a mailbox.

    Attributes:
        mailbox: where frames go; lossless for a source that can wait.
        format: that of every frame; None until it is known.
        state: see ``SourceState``.
        frames: frames posted. reconnects: times the source was opened again. Both of them, and
            ``dropped``, go on from those of the feeder that this one replaced.
        held_until: when the next frame, already here, is due (``time.monotonic_ns()``); 0 while
            none is held.
        error: the exception that ended the thread; None while all is well.
    """

    def __init__(
        self,
        source: Source,
        settings: SourceSettings,
        *,
        want: Format | None = None,
        mailbox: Mailbox[Frame] | None = None,
        line: AudioRing | None = None,
    ) -> None:
        """``want``: see ``Source.open``. ``line``: where its sound goes; None: nowhere."""
        self.source = source
        self.mailbox: Mailbox[Frame] = mailbox or Mailbox(lossless=not source.live)
        self.format = want
        self.state = SourceState("connecting")
        self.frames = 0
        self.reconnects = 0
        self.held_until = 0
        self._lost_before = 0
        self.error: BaseException | None = None
        self._settings = settings
        self._stop = threading.Event()
        # Set when the first try is over, successful or not; and when the format is known.
        self._opened, self._known = threading.Event(), threading.Event()
        self._first_error: Exception | None = None
        # Whether somebody is waiting for the first try, to be told if it can never work.
        self._awaited, self._awaiting = True, threading.Lock()
        self._told: str | None = None
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self._clock: SourceClock | None = None
        self._ends = 0
        # How long this thread slept before it posted the newest frame, nanoseconds.
        self._spare = 0
        self._serial = -1
        self._serials = 0
        self._fresh = False
        self._line = line

    def start(self, timeout: float | None = None) -> Format | None:
        """Start the thread and wait for the first ``open``.

        Returns the format, or None when the source has not answered yet (it failed in a way that
        may pass, or took longer than ``timeout`` seconds, by default a little more than the
        source's own limit) and no ``want`` was given: it keeps being tried, and ``format`` is
        set once it answers.

        Raises InputError, MissingDependency and the like when it can never work, if that turns out
        in time. Later it is just another reason to retry: a camera's node may not be readable yet,
        a file may come back, and a running appliance must not end because of it.
        """
        limit = self._settings.timeout_s + 1 if timeout is None else timeout
        self._thread.start()
        self._opened.wait(limit)
        with self._awaiting:
            self._awaited = False
        if self._first_error is not None:
            self._thread.join(_STOP_S)
            raise self._first_error
        return self.format

    def wait_for_format(self, timeout: float) -> Format | None:
        """The format, once the source has answered; None after ``timeout`` s or at the end."""
        self._known.wait(timeout)
        return self.format

    def replaces(self, other: SourceFeeder) -> None:
        """Count on from another's totals; call before ``start``."""
        self.frames, self.reconnects, self._lost_before = (
            other.frames, other.reconnects, other.dropped,
        )  # fmt: skip

    @property
    def dropped(self) -> int:
        """Frames lost in the mailbox, since a newer one came before they were taken."""
        return self._lost_before + self.mailbox.dropped

    def ask_to_stop(self) -> None:
        """Have the thread end soon; ``stop`` waits for it."""
        self._stop.set()
        self.mailbox.close()

    def stop(self, timeout: float = _STOP_S) -> bool:
        """End the thread and close the source; False when that took more than ``timeout`` s."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether a stop was requested, so that its end is not the source's own."""
        return self._stop.is_set()

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    # Inside the thread.

    def _run(self) -> None:
        try:
            self._keep_going()
        except Closed:
            self.state = SourceState("ended", "stopped")
        except BaseException as error:  # SystemExit, too, would end the thread silently
            self.error = error
            self.state = SourceState("failed", f"the source's thread died: {error}")
            log.exception("the source's thread died")
        finally:
            self.source.close()
            self._opened.set()
            self._known.set()
            # This tells the reader that no more will come.
            self.mailbox.close()

    def _keep_going(self) -> None:
        wait = self._settings.retry_first_s
        while not self._stop.is_set():
            posted = self.frames
            reason = self._once()
            if reason is None:
                return
            # Frames came: the trouble is new, and the first retry should be soon.
            if self.frames > posted:
                wait, self._told = self._settings.retry_first_s, None
            self.state = SourceState("waiting", f"{reason}; next try in {wait:.3g} s")
            # The same trouble again and again is logged once, not at each try.
            if reason != self._told:
                log.warning(
                    "the source failed", reason=reason,
                    retry_every_s=f"{wait:.3g} to {self._settings.retry_most_s:.3g}",
                )  # fmt: skip
            self._told = reason
            self.source.close()
            self._opened.set()
            self._stop.wait(wait)
            wait = min(wait * 2, self._settings.retry_most_s)
        self.state = SourceState("ended", "stopped")

    def _once(self) -> str | None:
        """Open and read until it ends; returns why it failed, None when it is over."""
        first = not self._opened.is_set()
        self.state = SourceState("connecting", self.state.reason)
        try:
            self.format = self.source.open(self.format)
            self._fresh = True
            if not first:
                self.reconnects += 1
                log.info("the source is back", reconnects=self.reconnects)
            self._opened.set()
            self._known.set()
            self._read()
        except EndOfStream as error:
            if self._clock is not None:
                # The sound of the last pictures may have come after them.
                self._hear(self._clock)
            if self.source.paced:
                # The last picture, too, stands for as long as it is to be shown.
                self._hold(self._ends)
            self.state = SourceState("ended", str(error))
            log.info("the source ended", reason=str(error))
            return None
        except SourceError as error:
            return str(error)
        except MatteboxError as error:
            with self._awaiting:
                if not (first and self._awaited):
                    return str(error)
                self._first_error = error
            self.state = SourceState("ended", str(error))
            return None
        self.state = SourceState("ended", "stopped")
        return None

    def _read(self) -> None:
        deadline = time.monotonic() + self._settings.timeout_s
        while not self._stop.is_set():
            frame = self.source.read(_READ_S)
            now = time.monotonic()
            if frame is not None:
                frame = self._enter(frame)
                self._post(frame)
                if self.source.paced:
                    self._rest(frame)
                # By the source's own interval: one frame in ten seconds is no silence.
                wait = self._settings.timeout_s + frame.duration / 1e9
                deadline = time.monotonic() + wait
            elif now > deadline:
                raise SourceError(f"no frame for {self._settings.timeout_s:g} s")

    def _post(self, frame: Frame) -> None:
        # A lossless mailbox may stay full for long (a paused reader); only a stop ends the wait.
        while not self.mailbox.put(frame, timeout=_READ_S):
            if self._stop.is_set():
                return
        self.frames += 1
        if self.state.state != "live":
            self.state = SourceState("live")

    def _enter(self, frame: Frame) -> Frame:
        """The frame on the appliance's clock, its serial counted on across reconnects.

        Everything that enters the appliance passes here, once. A paced frame is held until it is
        due.
        """
        assert self.format is not None
        if self._clock is None:
            numerator, denominator = self.format.fps
            kind: Kind = "paced" if self.source.paced else "live" if self.source.live else "own"
            self._clock = SourceClock(kind, 1_000_000_000 * denominator // numerator)
        restart = frame.discontinuity or self._fresh
        if self._fresh:
            self._serials = self._serial + 1 - frame.serial
        self._fresh = False
        now = time.monotonic_ns()
        placed = self._clock.enter(frame.pts, now, duration=frame.duration, restart=restart)
        self._hear(self._clock)
        if self.source.paced:
            read, now = now, self._hold(self._clock.due(placed.pts))
            self._spare += now - read
            self._clock.release(now)
        self._ends = placed.pts + placed.duration
        self._serial = frame.serial + self._serials
        return replace(
            frame,
            pts=placed.pts,
            duration=placed.duration,
            serial=self._serial,
            discontinuity=restart or placed.jump,
            captured=now if self.source.paced else frame.captured,
        )

    def _hear(self, clock: SourceClock) -> None:
        """Put the sound that has come where the newest picture's time says that it belongs."""
        source, line = self.source, self._line
        # What comes before the line is this source's waits in the source.
        if line is None or not line.used_by(self):
            return
        if not isinstance(source, HasSound):
            line.expect(False, by=self)
            return
        # Asked before what there is is fetched: afterwards there may be more of it.
        more = source.more_sound
        for sound in source.sounds():
            try:
                pts = clock.at(sound.pts) if sound.pts != NO_TIME else line.end
            except ValueError:
                continue  # no picture has had a time yet
            if pts is not None:
                line.put(replace(sound, pts=pts), by=self)
        line.expect(more, by=self)

    def _rest(self, posted: Frame) -> None:
        """Leave the interpreter and the processors to whoever takes the frame just posted.

        The next one's reading and decoding, begun at once, would hold up the pipeline just as it
        wakes, and there is time for them until that one is due. A source that needs most of the
        time for itself gets it.
        """
        began = time.monotonic_ns()
        rest = min(posted.duration // 2, self._spare // 2, _MOST_REST_NS)
        self._spare = self._sleep(began + rest) - began

    def _hold(self, due: int) -> int:
        """Wait until a paced frame is due, or a stop; returns the time then."""
        self.held_until = due
        now = self._sleep(due)
        self.held_until = 0
        return now

    def _sleep(self, until: int) -> int:
        # Sleeps, as an event's wait goes by the wall clock before Python 3.11.
        while (now := time.monotonic_ns()) < until and not self._stop.is_set():
            time.sleep(min((until - now) / 1e9, _READ_S))
        return now
