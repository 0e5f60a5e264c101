"""What the service manager is told: ready, alive, how it goes, stopping (sd_notify(3)).

The protocol is a datagram of ``KEY=value`` lines to the socket named in ``NOTIFY_SOCKET``. Without
one, as on a terminal, every call does nothing. Nothing here raises or waits: a picture must not
stop because the manager does not listen.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping

import structlog

from appliance.daemon.counts import Counts
from appliance.system.redact import redact

# How long a start that has shown no composite yet is extended each time, and how often it is.
EXTEND_S = 30.0
_EXTEND_EVERY_S = 5.0
# A rate that changes is no news worth a datagram each quarter of a second.
_WORDS_EVERY_S = 5.0

log = structlog.get_logger(__name__)


class Notifier:
    """Sends notifications; silent where there is no service manager."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        """``address`` as in NOTIFY_SOCKET: a path, or ``@name`` for an abstract socket.

        ``watchdog_s``: the manager ends the service when no WATCHDOG=1 came for so many seconds.
        """
        self.watchdog_s = watchdog_s
        self._address = address and ("\0" + address[1:] if address[0] == "@" else address)
        self._socket: socket.socket | None = None
        self._told = False

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> Notifier:
        """The notifier that the manager has asked for; its variables are removed.

        Removed, so that a child process is not taken for the service.
        """
        values = os.environ if environment is None else environment
        address = values.pop("NOTIFY_SOCKET", "")
        interval = values.pop("WATCHDOG_USEC", "")
        owner = values.pop("WATCHDOG_PID", "")
        if address and address[0] not in "/@":
            log.warning("NOTIFY_SOCKET is not used", found=address, expected="/path or @name")
            address = ""
        ours = owner in ("", str(os.getpid()))
        numeric = interval.isascii() and interval.isdigit() and int(interval) > 0
        return cls(address or None, int(interval) / 1e6 if ours and numeric else None)

    @property
    def active(self) -> bool:
        """Whether a service manager listens."""
        return self._address is not None

    def send(self, *lines: str) -> bool:
        """Send ``KEY=value`` lines as one datagram; False when it could not be sent."""
        if self._address is None:
            return False
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._told:
                log.warning("the service manager cannot be told", reason=str(error))
            self._told = True
            return False
        self._told = False
        return True

    def ready(self, words: str) -> bool:
        """READY=1: the service does its job (again, after ``reloading``)."""
        return self.send("READY=1", status(words))

    def status(self, words: str) -> bool:
        """STATUS=: how it goes, one line for people."""
        return self.send(status(words))

    def watchdog(self) -> bool:
        """WATCHDOG=1: alive."""
        return self.send("WATCHDOG=1")

    def extend(self, seconds: float = EXTEND_S) -> bool:
        """EXTEND_TIMEOUT_USEC=: the start (or stop) goes on, and may take so much longer."""
        return self.send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def reloading(self) -> bool:
        """RELOADING=1, with the moment, as Type=notify-reload wants it; ``ready`` ends it."""
        return self.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, words: str = "stopping") -> bool:
        """STOPPING=1: the end has begun."""
        return self.send("STOPPING=1", status(words))

    def close(self) -> None:
        """Give the socket back; a later call opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def status(words: str) -> str:
    """A STATUS= line; what would end the line is replaced."""
    return "STATUS=" + " ".join(redact(words).split())


def sentence(now: Counts, fps: float | None, refused: str | None = None) -> str:
    """How it goes, in words, with ``fps`` composites a second (None: not known yet).

    ``refused`` says what is wrong with a configuration that was not taken over.
    """
    if refused is not None:
        # Last, for it may be long, and systemd cuts what does not fit.
        return f"{sentence(now, fps)}; configuration not applied: {refused}"
    readers = f"{now.clients} client{'' if now.clients == 1 else 's'}"
    if now.trouble is not None:
        return f"placeholder: {now.trouble}; {readers}"
    live = f"live, {readers}" if fps is None else f"live at {fps:.1f} fps, {readers}"
    return f"{live}; {now.shed}" if now.shed else live


class Reporter:
    """Says how the daemon goes; asked a few times a second, talks only when there is news.

    Ready after the first composite, and not before. Until then the start's time limit is pushed
    on, and from then on the watchdog is fed, but both only while frames really leave: composites,
    or the placeholder. When nothing leaves, nothing is said but that, and the manager acts.
    """

    def __init__(self, notifier: Notifier, clock: Callable[[], float] = time.monotonic) -> None:
        self._notifier, self._clock = notifier, clock
        # systemd advises half of the limit; a quarter leaves room for a busy machine.
        limit = notifier.watchdog_s
        self._feed_every = None if limit is None else limit / 4
        self._ready = False
        self._left = -1
        self._left_at = self._rate_at = clock()
        self._rate_from = 0
        self._fed = self._extended = self._said_at = float("-inf")
        self._said: tuple[object, ...] | None = None
        self._reloading: Callable[[], bool] | None = None

    def reload(self, over: Callable[[], bool]) -> None:
        """Announce a reload that the manager asked for; ready again when it is ``over``."""
        # A service that never was ready must not get so by this.
        if self._ready and self._notifier.reloading():
            self._reloading = over

    def _reloaded(self) -> None:
        if self._reloading is not None and self._reloading() and self._notifier.send("READY=1"):
            self._reloading = None

    def show(self, now: Counts, left: int, refused: str | None = None) -> None:
        """Take in the totals; ``left`` counts every frame that went out, of whatever kind.

        ``refused``: what is wrong with the configuration, where the last good one is kept.
        """
        if not self._notifier.active:
            return
        self._reloaded()
        moment = self._clock()
        moved, self._left = left > self._left, left
        if moved:
            self._left_at = moment
        if not self._ready and now.frames_out > 0 and now.trouble is None:
            # Tried again the next time, should the manager's socket be full.
            self._ready = self._notifier.ready(sentence(now, None))
        if moved and self._ready:
            if self._feed_every is not None and moment - self._fed >= self._feed_every:
                self._fed = moment if self._notifier.watchdog() else self._fed
        elif moved and moment - self._extended >= _EXTEND_EVERY_S:
            self._extended = moment if self._notifier.extend() else self._extended
        self._speak(now, moment, refused)

    def _speak(self, now: Counts, moment: float, refused: str | None) -> None:
        silent = moment - self._left_at
        state = "silent" if silent >= 2.0 else "live" if now.trouble is None else "placeholder"
        news = (state, now.trouble, now.shed, now.clients, refused)
        if news == self._said and (
            state == "placeholder" or moment - self._said_at < _WORDS_EVERY_S
        ):
            return
        seconds = moment - self._rate_at
        fps = (now.frames_out - self._rate_from) / seconds if seconds >= 1.0 else None
        if fps is not None:
            self._rate_at, self._rate_from = moment, now.frames_out
        words = sentence(now, fps, refused)
        if state == "silent":
            words = f"nothing leaves, not even the placeholder, for {silent:.0f} s"
        if self._notifier.status(words):
            self._said, self._said_at = news, moment
