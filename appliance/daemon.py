"""Lifetimes: what is built, in which order, who watches it, and how it all ends."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import structlog

from appliance import log as logging
from appliance import reload
from appliance.background import Background, make_background
from appliance.config_watch import Reloader
from appliance.errors import MatteboxError, SourceError
from appliance.frame import Colour, Format, Frame
from appliance.gst import BufferPool
from appliance.matting.load import load_matting
from appliance.notify import Notifier, Reporter
from appliance.outputs import make_output
from appliance.outputs.supervised import OutputFeeder, OutputStatus
from appliance.pipeline import Pipeline
from appliance.placeholder import slate
from appliance.programme import Programme
from appliance.settings import Output as OutputSettings
from appliance.settings import Settings
from appliance.sources.make import make_source
from appliance.sources.supervised import SourceFeeder
from appliance.status import Counts, StatusLine
from appliance.worker import Worker

# Without a source to say otherwise: what every screen shows.
_FALLBACK = Format(1280, 720, (30, 1), Colour())
_WATCH_S = 0.25
_OPEN_S = 3.0
# Outputs for which a dropped frame is a fault, when the source is one that can wait.
_PATIENT_SCHEMES = ("file", "null")

log = structlog.get_logger(__name__)


class Daemon:
    """The appliance, running. ``start``, then ``ended`` now and then, then ``stop``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.format = _FALLBACK
        self._started = False
        self.leftovers: list[Callable[[], object]] = []
        """What a reload could not stop at once: done at the end."""

    def start(self) -> None:
        """Build everything and let it run; returns as soon as outputs have something to show.

        Raises InputError (ModelError among them) for what the user must change; nothing is left
        running then.
        """
        settings = self.settings
        matting = load_matting(settings.matting)
        self.feeder, self.format = _first_open(settings)
        try:
            self.background: Background = make_background(settings.background, self.format)
            lossless = not self.feeder.source.live
            self.outputs = [self.make_output(output) for output in settings.outputs]
            self.programme = Programme(
                self.format,
                [output.mailbox for output in self.outputs],
                self._placeholder,
                stall_s=settings.matting.stall_s,
                reason=self._reason,
                watch=not lossless,
            )
            self.pipeline = Pipeline(settings, self.format, matting, self.background)
            # In flight at once: one being made, two at each output, some within an encoder.
            self.pool = BufferPool(self.format, 6 + 3 * max(4, len(self.outputs)))
            self.worker = Worker(
                self.feeder.mailbox,
                self.pipeline,
                self.programme,
                self.pool,
                patient=lossless,
                period_ns=None if settings.canvas.fps == "auto" else int(1e9 / self.format.rate),
            )
        except BaseException:
            self.feeder.stop()
            raise
        self._started = True
        for output in self.outputs:
            output.start()
        self._await_outputs()
        self.programme.start()
        self.worker.start()
        log.info(
            "running", canvas=str(self.format), network=matting.description,
            background=settings.background.uri,
        )  # fmt: skip

    def make_output(self, output: OutputSettings) -> OutputFeeder:
        """An output for the settled format, not yet started."""
        patient = not self.feeder.source.live and _scheme(output.uri) in _PATIENT_SCHEMES
        return OutputFeeder(make_output(output), self.format, lossless=patient)

    def apply(self, settings: Settings) -> frozenset[str]:
        """Change over to other settings while running; see ``appliance.reload.apply``."""
        return reload.apply(self, settings)

    def _placeholder(self, reason: str) -> Frame:
        if self.settings.canvas.placeholder == "background" and not self.background.wants_frame:
            return self.pipeline.behind
        return slate(self.format, reason)

    def _reason(self) -> str:
        """Why no composites come, asked by the programme's watch."""
        source = self.feeder.state
        if source.state != "live":
            return f"{source.state}: {source.reason}" if source.reason else source.state
        if self.worker.processed == 0 and self.worker.failed == 0:
            return "starting"
        return "the network does not answer" if self.worker.alive else "the pipeline has stopped"

    def _await_outputs(self) -> None:
        """Give the outputs a moment to open, so that their addresses are the bound ones."""
        deadline = time.monotonic() + _OPEN_S
        moment = threading.Event()
        while time.monotonic() < deadline:
            if all(output.status().state != "opening" for output in self.outputs):
                return
            moment.wait(0.01)

    def addresses(self) -> list[str]:
        """Where the picture can be had, as bound (a port 0 is a real one by then)."""
        return [output.status().uri for output in self.outputs]

    def drops(self) -> dict[str, int]:
        """Frames lost so far: before the pipeline, for want of a canvas, at each output."""
        lost = {"pipeline": self.feeder.mailbox.dropped, "canvas": self.worker.no_canvas}
        return lost | {output.status().uri: output.status().dropped for output in self.outputs}

    def counts(self) -> Counts:
        """Totals so far."""
        statuses = [output.status() for output in self.outputs]
        return Counts(
            frames_in=self.feeder.frames,
            frames_out=self.programme.composites,
            dropped=sum(self.drops().values()),
            busy_ns=self.worker.busy_ns,
            clients=sum(status.clients for status in statuses),
            trouble=self.programme.trouble,
        )

    def statuses(self) -> list[OutputStatus]:
        """How each output is."""
        return [output.status() for output in self.outputs]

    def ended(self) -> str | None:
        """Why there is nothing more to do, or None while there is; raises what killed a thread."""
        for error in (self.worker.error, self.feeder.error):
            if error is not None:
                raise error
        if self.feeder.state.state == "ended" and self.feeder.mailbox.empty:
            return "the source has ended"
        if all(status.state == "failed" for status in self.statuses()):
            return "no output is left"
        return None

    def stop(self) -> bool:
        """Stop in the order of the frames' path; False when something had to be left behind."""
        if not self._started:
            return True
        self._started = False
        self.programme.stop()
        clean = self.feeder.stop()
        clean = self.worker.stop() and clean
        for output in self.outputs:
            output.mailbox.close()
        for output in self.outputs:
            clean = output.stop() and clean
        self.background.close()
        for close in self.leftovers:
            close()
        return clean


def _first_open(settings: Settings) -> tuple[SourceFeeder, Format]:
    """Start the source, and settle what goes out, for good.

    A source that fails now but may come later (a stream, a camera) does not hold up the outputs:
    they show the placeholder in a usual format, and the source is fitted into it when it comes.
    Raises InputError when it can never work.
    """
    canvas = settings.canvas
    want: Format | None = None
    source = make_source(settings.source)
    if canvas.size != "auto" or canvas.fps != "auto":
        # What is not set follows the source, so it is asked first.
        try:
            want = source.open(None)
        except SourceError:
            want = _FALLBACK
        finally:
            source.close()
        if canvas.size != "auto":
            want = replace(want, width=canvas.size[0], height=canvas.size[1])
        if canvas.fps != "auto":
            want = replace(want, fps=canvas.fps)
    feeder = SourceFeeder(source, settings.source, want=want)
    format = feeder.start()
    if format is None:
        log.warning("the source is not there yet", reason=feeder.state.reason)
        feeder.stop()
        feeder = SourceFeeder(make_source(settings.source), settings.source, want=_FALLBACK)
        feeder.start(timeout=0.0)
        format = _FALLBACK
    return feeder, format


def _scheme(uri: str) -> str:
    return uri.split("://", 1)[0] if "://" in uri else "file"


@dataclass
class _Asked:
    """What signals have asked for. Their handlers only note it: a lock may be held just then."""

    stop: threading.Event = field(default_factory=threading.Event)
    reload: bool = False


def run(
    settings: Settings,
    *,
    duration: float | None = None,
    frames: int | None = None,
    again: Callable[[], Settings] | None = None,
    path: Path | None = None,
) -> int:
    """Serve until stopped, for ``duration`` seconds, or until ``frames`` composites went out.

    ``again`` reads the settings anew: when the file at ``path`` has been saved, and on SIGHUP.

    Returns 0 when it ended as it should, 1 when something failed while running. Raises InputError
    for what the user must change.
    """
    asked = _Asked()
    notifier = Notifier.from_environment()
    if notifier.active:
        # The watchdog ends a hung process with SIGABRT: the log then shows where it hung.
        faulthandler.enable()
    notifier.status("starting: opening the source")

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        if asked.stop.is_set():
            # Asked twice: whoever asks does not want to wait for the file's index.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        asked.stop.set()

    def ask_to_reload(_: int, __: FrameType | None) -> None:
        asked.reload = True

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {
        signal.SIGINT: ask_to_stop,
        signal.SIGTERM: ask_to_stop,
    }
    if not _on_a_terminal():
        # From a terminal, SIGHUP says that it has gone, and ends us as it ends all others.
        handlers[signal.SIGHUP] = ask_to_reload
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    daemon = Daemon(settings)
    try:
        daemon.start()
        reloader = Reloader(daemon, again or (lambda: settings), path)
        return _watch(daemon, asked, duration, frames, Reporter(notifier), reloader)
    except MatteboxError as error:
        notifier.status(str(error))
        raise
    finally:
        notifier.send("STOPPING=1")
        daemon.stop()
        notifier.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_a_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _watch(
    daemon: Daemon,
    asked: _Asked,
    duration: float | None,
    frames: int | None,
    reporter: Reporter,
    reloader: Reloader,
) -> int:
    deadline = None if duration is None else time.monotonic() + duration
    for address in daemon.addresses():
        print(address, flush=True)
    with StatusLine() as line:
        if line.live:
            # From here on stderr is the terminal's upper part.
            logging.configure(daemon.settings.log.level, daemon.settings.log.format, sys.stderr)
        while not asked.stop.wait(_WATCH_S):
            counts = daemon.counts()
            line.show(counts)
            left = daemon.programme.composites + daemon.programme.placeholders
            reporter.show(counts, left, reloader.error)
            if asked.reload:
                asked.reload = False
                with reporter.reloading():
                    reloader.look(asked=True)
            else:
                reloader.look()
            try:
                why = daemon.ended()
            except MatteboxError:
                raise
            except Exception as error:  # noqa: BLE001  whatever it was, it is said and ends in 1
                log.error("stopping: a thread died", reason=f"{type(error).__name__}: {error}")
                return 1
            if why is not None:
                log.info("stopping", reason=why)
                return 1 if why == "no output is left" else 0
            if deadline is not None and time.monotonic() >= deadline:
                return 0
            if frames is not None and daemon.programme.composites >= frames:
                return 0
    return 0
