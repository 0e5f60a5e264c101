"""``mattebox run``: the daemon from start to finish, its signals, its status, its file."""

from __future__ import annotations

import faulthandler
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import structlog

from appliance.config.load import LoadedConfig
from appliance.config.settings import Settings
from appliance.daemon.changes import Reloader
from appliance.daemon.daemon import Daemon
from appliance.errors import MatteboxError, MattingError, ThreadDied
from appliance.http.service import HttpService
from appliance.service.control import Control
from appliance.service.status_line import StatusLine, say
from appliance.service.systemd import Notifier, Reporter
from appliance.system import malloc
from appliance.system.glib_log import Complaints
from appliance.system.log import configure

_WATCH_S = 0.25
# A picture comes before the page, whose code takes a while to be imported; but not for ever.
_PICTURE_FIRST_S = 1.0
# When all that only a start needs has been done, the page's beginning included.
_SETTLED_S = 5.0

log = structlog.get_logger(__name__)


@dataclass
class _Asked:
    """What signals have asked for. Handlers only set it: a lock may be held at that moment."""

    stop: bool = False
    reload: bool = False


def run(
    loaded: LoadedConfig,
    *,
    duration: float | None = None,
    frames: int | None = None,
    again: Callable[..., LoadedConfig],
) -> int:
    """Serve until stopped, for ``duration`` seconds, or until ``frames`` composites went out.

    ``again`` reads the settings afresh, when their file has been saved and when somebody asks;
    given a path, it returns what the file there would result in, given a text, what that would.

    Returns 0 after a normal end, 1 when something failed while running, also when at an end that
    nobody asked for by a signal an output is not open, did not close well, or has had nothing but
    the placeholder. Raises InputError for what the user must change.
    """
    asked = _Asked()
    notifier = Notifier.from_environment()
    if notifier.active:
        # The watchdog ends a hung process with SIGABRT; the log then shows where it hung.
        faulthandler.enable()
    notifier.status("starting: opening the source")

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        if asked.stop:
            # The second request: whoever asks will not wait for the file's index.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        asked.stop = True

    def ask_to_reload(_: int, __: FrameType | None) -> None:
        asked.reload = True

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {
        signal.SIGINT: ask_to_stop,
        signal.SIGTERM: ask_to_stop,
    }
    if not _on_a_terminal():
        # On a terminal, SIGHUP means that the terminal has gone, and ends us like any program.
        handlers[signal.SIGHUP] = ask_to_reload
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    daemon = Daemon(loaded.settings)
    reloader = Reloader(daemon, again, loaded, taken_over=_set_up_log)
    control = Control(reloader)
    http = HttpService(daemon, reloader, again)
    complaints = Complaints()
    complaints.take()
    try:
        if not _start(daemon, asked):
            return 0
        reloader.start()
        control.start()
        watch = _Watch(daemon, reloader, http, complaints, Reporter(notifier), asked)
        code = watch.until(duration, frames)
        if not asked.stop:
            code = max(code, _judge(daemon))
        return code
    except MatteboxError as error:
        notifier.status(str(error))
        raise
    finally:
        notifier.send("STOPPING=1")
        http.ask_to_stop()
        reloader.stop(timeout=0.0)
        control.stop()
        daemon.stop()
        http.stop(timeout=0.5)
        if complaints.endless is None:
            complaints.give_back()
        notifier.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(daemon: Daemon, asked: _Asked) -> bool:
    """Start it; False if a signal has ended that, as a first start compiles for a while."""
    try:
        daemon.start(given_up=lambda: asked.stop)
    except MattingError as error:
        if not asked.stop:
            raise
        log.info("stopped before it ran", why=str(error))
        return False
    return True


def _judge(daemon: Daemon) -> int:
    """Stop, and say what did not come about: 1 if anything did not, else 0."""
    failures = daemon.failures()
    daemon.stop()
    # What was said of an output before counts: at the stop it has another name.
    failures = daemon.failures() | failures
    for what, reason in failures.items():
        log.error("not all that was asked for came about", what=what, reason=reason)
    return 1 if failures else 0


def _on_a_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _set_up_log(settings: Settings) -> None:
    """Log as the settings say, to the present stderr, which a live status line replaces."""
    configure(settings.log.level, settings.log.format)


@dataclass
class _Watch:
    """What the main thread does while the others work: watch them, report, and end in time."""

    daemon: Daemon
    reloader: Reloader
    http: HttpService
    complaints: Complaints
    reporter: Reporter
    asked: _Asked

    def until(self, duration: float | None, frames: int | None) -> int:
        """Watch for ``duration`` seconds or ``frames`` composites; returns the exit code."""
        began, settled = time.monotonic(), False
        deadline = None if duration is None else began + duration
        for address in self.daemon.addresses():
            say(address, sys.stdout)
        with StatusLine() as line:
            if line.live:
                # From here on, stderr prints above the status line.
                _set_up_log(self.daemon.settings)
            while not self.asked.stop:
                if not self._picture_comes() or time.monotonic() > began + _PICTURE_FIRST_S:
                    self.http.follow(self.daemon.settings.http)
                if not settled and time.monotonic() > began + _SETTLED_S:
                    settled = True
                    malloc.give_back()
                time.sleep(_WATCH_S)
                self._tell(line)
                why = self.daemon.ended()
                self.complaints.check()
                if self.reloader.error is not None:
                    raise ThreadDied(f"the thread of the reloader died ({self.reloader.error!r})")
                if why is not None:
                    log.info("stopping", reason=why)
                    if why == "the source has ended":
                        self._finish(line)
                    return 1 if why == "no output is left" else 0
                if deadline is not None and time.monotonic() >= deadline:
                    return 0
                if frames is not None and self.daemon.programme.composites >= frames:
                    return 0
        return 0

    def _picture_comes(self) -> bool:
        """Whether the first composite is being made."""
        daemon = self.daemon
        return daemon.programme.composites == 0 and daemon.feeder.state.state == "live"

    def _finish(self, line: StatusLine) -> None:
        """Wait for the outputs, until a signal."""

        def wait(seconds: float) -> bool:
            time.sleep(seconds)
            return not self.asked.stop

        self.daemon.finish(wait)
        line.show(self.daemon.counts(), last=True)

    def _tell(self, line: StatusLine) -> None:
        """Show the counts on the terminal and to systemd; pass on a requested reload."""
        counts, programme = self.daemon.counts(), self.daemon.programme
        line.show(counts)
        refusal = self.reloader.state.status().refusal
        left = programme.composites + programme.placeholders
        self.reporter.show(counts, left, None if refusal is None else refusal.reason)
        if self.asked.reload:
            self.asked.reload = False
            self.reporter.reload(self.reloader.ask().done)
