"""Keeps a source delivering: a thread that opens, reads, posts, and reconnects when it must."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, MatteboxError, SourceError
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed, Mailbox
from appliance.sources.base import Source

log = structlog.get_logger(__name__)

# Short, so that a stop is heard soon whatever the source waits for.
_READ_S = 0.2
_STOP_S = 2.0

State = Literal["connecting", "live", "waiting", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the source is doing: ``state``, and in ``reason`` the words for a person.

    connecting: being opened. live: frames come. waiting: it failed and is tried again soon.
    ended: it does not loop and is over, or was stopped. failed: the thread died (see ``error``).
    """

    state: State
    reason: str = ""


class SourceFeeder:
    """Runs one source in a thread of its own and posts its frames into a mailbox.

    Attributes:
        mailbox: where frames go; lossless for a source that can wait.
        format: what every frame has, from ``start`` on.
        state: see ``SourceState``.
        frames: frames posted. reconnects: times the source was opened again.
        error: what ended the thread, when nothing should have.
    """

    def __init__(
        self,
        source: Source,
        settings: SourceSettings,
        *,
        want: Format | None = None,
        mailbox: Mailbox[Frame] | None = None,
    ) -> None:
        self.source = source
        self.mailbox: Mailbox[Frame] = mailbox or Mailbox(lossless=not source.live)
        self.format = want
        self.state = SourceState("connecting")
        self.frames = 0
        self.reconnects = 0
        self.error: BaseException | None = None
        self._settings = settings
        self._stop = threading.Event()
        # The first try is over, well or not; the format is known.
        self._opened, self._known = threading.Event(), threading.Event()
        self._first_error: Exception | None = None
        # Whether somebody waits for the first try, to be told what can never work.
        self._awaited, self._awaiting = True, threading.Lock()
        self._told: str | None = None
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self._offset = 0
        self._serials = 0
        self._last: tuple[int, int] | None = None
        self._fresh = False

    def start(self, timeout: float | None = None) -> Format | None:
        """Start the thread and wait for the first ``open``.

        Returns the format, or None when the source does not answer yet (it failed in a way that
        may pass, or took longer than ``timeout`` seconds, by default a little more than the
        source's own limit) and no ``want`` was given: it goes on being tried, and ``format`` is
        set once it answers.

        Raises InputError, MissingDependency and the like when it can never work, as far as that
        turns out in time. Later it is one more reason to try again: a camera's node may not be
        readable yet, a file may come back, and a running appliance must not end for it.
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
        """Whether ``stop`` was called: its end is no end of the source's own."""
        return self._stop.is_set()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    # Inside the thread.

    def _run(self) -> None:
        try:
            self._keep_going()
        except Closed:
            self.state = SourceState("ended", "stopped")
        except BaseException as error:  # SystemExit, too, would end the thread without a word
            self.error = error
            self.state = SourceState("failed", f"the source's thread died: {error}")
            log.exception("the source's thread died")
        finally:
            self.source.close()
            self._opened.set()
            self._known.set()
            # Whoever reads learns that no more will come.
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
            # The same trouble again and again is one line, not one for each try.
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
        """Open and read to the bitter end: why it broke; None when it is over."""
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
                self._post(frame)
                deadline = time.monotonic() + self._settings.timeout_s
            elif now > deadline:
                raise SourceError(f"no frame for {self._settings.timeout_s:g} s")

    def _post(self, frame: Frame) -> None:
        frame = self._follow(frame)
        # A lossless mailbox may stay full for long (a paused reader); only a stop ends the wait.
        while not self.mailbox.put(frame, timeout=_READ_S):
            if self._stop.is_set():
                return
        self.frames += 1
        if self.state.state != "live":
            self.state = SourceState("live")

    def _follow(self, frame: Frame) -> Frame:
        """Times and serials that go on rising over reconnects."""
        last = self._last
        if self._fresh and last is not None:
            assert self.format is not None
            numerator, denominator = self.format.fps
            self._offset = last[0] + 1_000_000_000 * denominator // numerator - frame.pts
            self._serials = last[1] + 1 - frame.serial
        if self._offset or self._serials:
            frame = replace(
                frame, pts=frame.pts + self._offset, serial=frame.serial + self._serials,
                discontinuity=frame.discontinuity or self._fresh,
            )  # fmt: skip
        self._fresh = False
        self._last = frame.pts, frame.serial
        return frame
