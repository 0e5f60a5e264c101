"""Keeps one output going: a thread that opens it, feeds it, and reopens it after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import structlog

from appliance.config.settings import OutputSettings, RtspSettings
from appliance.errors import InputError, MissingDependency, OutputError
from appliance.media.audio import AudioQueue
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Closed, Mailbox
from appliance.outputs.base import Connects, Hears, Idles, Output, ReadByMany, TakesLossless

log = structlog.get_logger(__name__)

State = Literal["opening", "running", "retrying", "stalled", "failed", "stopped"]

STALL_S = 2.0
OPEN_STALL_S = 10.0
STEADY_S = 10.0
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class OutputStatus:
    """The status of an output.

    Attributes:
        uri: its address; once it is open, the one in use.
        state: opening, running, retrying (failed, will soon reopen), stalled (stuck in a call),
            failed (cannot be opened as configured, not retried) or stopped.
        words: the state in words, for people.
        frames: frames handed to it, or that it had no use for, as nobody reads it.
        dropped: frames that it could not keep up with, or that came while it was not running.
        reconnects: times that it failed and was reopened.
        clients: current readers.
        last_error: the message of the latest failure; None if there was none.
    """

    uri: str
    state: State
    words: str
    frames: int
    dropped: int
    reconnects: int
    clients: int
    last_error: str | None

    @property
    def missing(self) -> str | None:
        """Why it does not take frames now, in words; None if it does."""
        if self.state in ("running", "stopped"):
            return None
        reason = self.last_error or self.words
        return f"{'never opened' if self.frames == 0 else 'is not open any more'}: {reason}"


class OutputFeeder:
    """Takes frames from its own mailbox to one output; nothing it does slows down another."""

    def __init__(
        self,
        output: Output,
        format: Format,
        *,
        lossless: bool = False,
        retry_first_s: float = 0.5,
        retry_most_s: float = 2.0,
    ) -> None:
        """Prepare; ``start`` opens the output.

        Args:
            output: not yet opened.
            format: of the frames to come.
            lossless: the mailbox waits instead of dropping (files read as fast as possible).
            retry_first_s: wait before the first reopening; doubles up to ``retry_most_s``.
            retry_most_s: longest wait between reopenings.
        """
        self._asks = output if isinstance(output, Idles) and not lossless else None
        self.mailbox: Mailbox[Frame] = Mailbox(lossless=lossless, idle=self._idle)
        if isinstance(output, TakesLossless):
            output.lossless = lossless
        self.sounds = AudioQueue(self._idle)
        self.wanted_uri = output.uri
        """The address as configured; the status has the one in use."""
        self.frames = self.reconnects = 0
        self.last_error: str | None = None
        self.error: BaseException | None = None
        """What ended the thread, if not ``stop``."""
        self.unfinished: str | None = None
        """Why it did not close well when it was stopped; None if it did."""
        self._output, self._format = output, format
        self._retry_first_s, self._retry_most_s = retry_first_s, retry_most_s
        self._state: State = "opening"
        self._unserved = 0
        self._ran_at: float | None = None
        self._busy: tuple[float, float] | None = None
        self._stalled = False
        self._thread = threading.Thread(target=self._run, name=f"output {output.uri}", daemon=True)

    def start(self) -> None:
        """Start opening and feeding the output."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Have it end soon; what is waiting is still written. Never waits."""
        self.mailbox.close()
        if isinstance(self._output, Connects):
            self._output.interrupt()

    def stop(self, timeout: float = 3.0) -> bool:
        """Write what is waiting, close the output, end the thread.

        Returns False if the output hung for ``timeout`` seconds; its thread is then left behind.
        """
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        if self._thread.is_alive():
            log.error("output hangs; left behind", uri=self._output.uri, after_s=timeout)
            self.unfinished = f"hangs; left behind after {timeout:.1f} s"
            return False
        self._state = "stopped"
        return True

    @property
    def alive(self) -> bool:
        """Whether its thread is running: it has something to write, or more may come."""
        return self._thread.is_alive()

    def use_rtsp(self, rtsp: RtspSettings) -> None:
        """Set the rules for readers, before the start or while running, if the output has any."""
        if isinstance(self._output, ReadByMany):
            try:
                self._output.use_rtsp(rtsp)
            except InputError as error:
                log.error("the old rules for readers stay", uri=self._output.uri, reason=str(error))

    def prepare_video(self, output: OutputSettings) -> Callable[[], None] | None:
        """``ReadByMany.prepare_video`` if the output has it and is running, else None."""
        if isinstance(self._output, ReadByMany) and self._state == "running":
            return self._output.prepare_video(output)
        return None

    def status(self) -> OutputStatus:
        """Current status. Call about once a second: this is what notices a stuck call."""
        state, clients = self._state, 0
        busy = self._busy
        stalled = busy is not None and time.monotonic() > busy[1]
        if stalled != self._stalled:
            self._stalled = stalled
            if stalled:
                log.warning("output stalled", uri=self._output.uri)
            else:
                log.info("output moves again", uri=self._output.uri)
        waits_for = self._waits_for() if state == "opening" else None
        if state in ("opening", "running") and stalled:
            state = "stalled"
        if state == "running":
            clients = self._output.clients()
        return OutputStatus(
            self._output.uri,
            state,
            waits_for or self._words(state, clients, busy),
            self.frames + self.mailbox.passed_by,
            self.mailbox.dropped + self._output.dropped + self._unserved,
            self.reconnects,
            clients,
            self.last_error,
        )

    def _words(self, state: State, clients: int, busy: tuple[float, float] | None) -> str:
        if state == "running" and clients:
            return f"running, {clients} reader{'s' if clients > 1 else ''}"
        if state == "stalled" and busy is not None:
            return f"stalled: nothing for {time.monotonic() - busy[0]:.0f} s"
        if state in ("retrying", "failed"):
            return f"{state}: {self.last_error}"
        return state

    def _run(self) -> None:
        wait = self._retry_first_s
        try:
            while True:
                self._ran_at = None
                try:
                    self._open_and_feed()
                except (InputError, MissingDependency) as error:
                    self._fail(error)
                    self._skip(None)
                except Closed:
                    return
                except Exception as error:  # noqa: BLE001  logged by _break, with its traceback
                    if self._ran_s() > STEADY_S:
                        wait = self._retry_first_s
                    self._break(error, wait)
                    self._skip(wait)
                    wait = min(2 * wait, self._retry_most_s)
                    self.reconnects += 1
        except Closed:
            return
        except BaseException as error:
            # Closed, so that nobody waits for this output.
            self.mailbox.close()
            self.error, self.last_error = error, f"{type(error).__name__}: {error}"
            self._state = "failed"
            log.exception("an output's thread died", uri=self._output.uri)

    def _open_and_feed(self) -> None:
        """Run until the mailbox closes (Closed) or the output fails (OutputError, InputError)."""
        self._state = "opening"
        try:
            self._timed(OPEN_STALL_S)
            self._output.open(self._format)
            self._busy = None
            while True:
                if self._state == "opening" and self._waits_for() is None:
                    self._state, self.unfinished = "running", None
                    self._ran_at = time.monotonic()
                    log.info("output open", uri=self._output.uri)
                frame = self._next()
                if frame is not None:
                    self._timed(STALL_S)
                    self._hear()
                    self._output.write(frame)
                    self._busy = None
                    self.frames += 1
        finally:
            self._close()

    def _idle(self) -> bool:
        """Whether this thread need not wake for a frame; called by whoever has one."""
        return self._asks is not None and self._state == "running" and self._asks.idle

    def _ran_s(self) -> float:
        return 0.0 if self._ran_at is None else time.monotonic() - self._ran_at

    def _waits_for(self) -> str | None:
        return self._output.waits_for if isinstance(self._output, Connects) else None

    def _next(self) -> Frame | None:
        try:
            return self.mailbox.get(_POLL_S)
        except Closed:
            # What belongs to the last picture.
            self._hear()
            raise

    def _hear(self) -> None:
        sounds = self.sounds.take()
        if isinstance(self._output, Hears):
            for sound in sounds:
                self._output.hear(sound)

    def _close(self) -> None:
        self._timed(OPEN_STALL_S)
        try:
            self._output.close()
        except OutputError as error:
            self.last_error = self.unfinished = str(error)
            log.warning("output did not close well", uri=self._output.uri, reason=str(error))
        finally:
            self._busy = None

    def _timed(self, limit: float) -> None:
        now = time.monotonic()
        self._busy = (now, now + limit)

    def _fail(self, error: Exception) -> None:
        self.last_error, self._state = str(error), "failed"
        log.error("output failed; not tried again", uri=self._output.uri, reason=str(error))

    def _break(self, error: Exception, wait: float) -> None:
        ours = isinstance(error, OutputError)
        reason = str(error) if ours else f"{type(error).__name__}: {error}"
        # A failure that repeats is logged once, not once per attempt.
        if reason != self.last_error:
            # Anything but an OutputError is a bug, and its traceback is worth having.
            log.warning(
                "output broke", uri=self._output.uri, reason=reason, retry_s=wait, exc_info=not ours
            )
        self.last_error, self._state = reason, "retrying"

    def _skip(self, seconds: float | None) -> None:
        """Discard frames for a while (None: until Closed), so that nobody waits for this output."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            left = _POLL_S if until is None else max(0.0, min(_POLL_S, until - time.monotonic()))
            if self.mailbox.get(left) is not None:
                self._unserved += 1
