"""Lifetimes: what is built, in which order, what watches it, and how it all ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from appliance.background.base import Background
from appliance.background.kept import KeptStills
from appliance.config.scenes import in_use
from appliance.config.settings import OutputSettings, RtspSettings, Settings
from appliance.config.uris import output_scheme
from appliance.daemon.apply import apply
from appliance.daemon.audio_bus import AudioBus
from appliance.daemon.companions import companion_pool
from appliance.daemon.counts import Counts, left_out
from appliance.daemon.files import files_of
from appliance.daemon.hearing import Hearing
from appliance.daemon.kept_room import RoomKeeper
from appliance.daemon.negotiate import FALLBACK, canvas_format, first_open
from appliance.daemon.placeholder import slate
from appliance.daemon.programme import Programme
from appliance.daemon.sessions.on_air import MAIN, MainProgramme, OnAir
from appliance.daemon.sessions.registry import Sessions
from appliance.daemon.tap import Tap
from appliance.daemon.worker import LOAD_S, Worker
from appliance.errors import MatteboxError, MattingError, ThreadDied
from appliance.media.audio_ring import AudioRing
from appliance.media.canvas import BufferPool
from appliance.media.frame import Frame
from appliance.networks.base import Matting
from appliance.networks.choose import choose_network
from appliance.networks.on_gpu import OnGpu
from appliance.outputs.feeder import OutputFeeder, OutputStatus
from appliance.outputs.make import make_output
from appliance.outputs.whep.output import WhepOutput, shared_encoding
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.make import make_pipeline
from appliance.shedding import Shedding
from appliance.sources.base import Ends, Speaks
from appliance.stages.looks.make import Style, make_style
from appliance.system import malloc
from appliance.system.beside import Beside
from appliance.system.thermal import Thermometer

_OPEN_S = 3.0
_CHANGE_S = 0.5
# A network that spends this long on one frame never comes back; only a new process helps.
HANG_S = 10.0
# How much of systemd's 5 s stopping may take: the interpreter needs some for its own exit.
_STOP_S = 3.0
_LONGEST_LOOK_S = 1.0
# A canvas whose rate is the first source's does not thin later ones to less than this.
_LEAST_FPS = 30.0
# A frame fits between two of the source that last so many periods of the canvas: two, and a camera
# may be a little fast.
_ROOM = 1.8
# How long the outputs may write after a source's end.
FINISH_S = 60.0

log = structlog.get_logger(__name__)


class Stopping(MatteboxError, RuntimeError):
    """The daemon has been told to stop, and accepts no more settings."""


class Daemon:
    """The running appliance. Call ``start``, then ``ended`` now and then, then ``stop``."""

    def __init__(self, settings: Settings) -> None:
        """Get ready; a scene to start with is laid over the settings.

        Raises ConfigError when the two do not go together.
        """
        self.settings = in_use(settings)
        self.format = self.source_format = FALLBACK
        self.tap = Tap()
        self.stills = KeptStills()
        self.line = AudioRing()
        """Where sound waits for its pictures."""
        self.sound = AudioBus(self.line, self.settings.sound)
        self.hearing = Hearing(self.line)
        self.sessions = Sessions(self)
        """Further programmes beside this one."""
        self.main = MainProgramme(self)
        self._started = False
        self._hung = _Hung()
        self._length_s: float | None = None
        self._changing = threading.Lock()
        self._stopping = False
        self.leftovers: list[Callable[[], object]] = []
        """What a reload has yet to stop; called when the daemon stops, at the latest."""

    def start(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Build everything and set it running; returns once the outputs have something to show.

        Raises InputError (ModelError included) for what the user must change, leaving nothing
        running; and MattingError where compiling kernels, which takes long the first time, is not
        waited for to the end, since ``given_up`` has become true.
        """
        malloc.bound()
        settings = self.settings
        self.files = files_of(settings)
        loading = Beside(lambda: choose_network(settings.matting), "network")
        try:
            self.feeder, self.source_format = first_open(settings, self.line)
        except BaseException:
            # What is wrong with the network is said first, as it was found without a source.
            loading.result()
            raise
        try:
            network = loading.result()
            self.format = canvas_format(settings, self.source_format)
            self.background: Background = self.stills.make(settings.background, self.format)
            self.style = self._make_style(settings)
            lossless = not self.feeder.source.live
            self.outputs = [self.make_output(output) for output in settings.outputs]
            encoding = shared_encoding(settings.outputs)
            self.whep = WhepOutput(
                settings.http, encoding, live=not lossless, elsewhere=self.sessions.watching
            )
            self.whep_feeder = OutputFeeder(self.whep, self.format)
            fed = self.fed(self.outputs)
            self.programme = Programme(
                self.format,
                [output.mailbox for output in fed],
                self._placeholder,
                stall_s=settings.matting.stall_s,
                reason=self._reason,
                watch=not lossless,
                held=self._held,
                tap=self.tap,
                line=self.sound,
                sounds=[output.sounds for output in fed],
                shows=[output.companion for output in settings.outputs],
            )
            # In flight at once: one being made, two per output, some inside an encoder; one made in
            # between, one held for its time, and the last, should it be shown again.
            filling = 3 * settings.stages.interpolate.enabled
            self.pool = BufferPool(self.format, 6 + filling + 3 * max(4, len(fed)))
            self.shedding = self._make_shedding()
            any_rate = settings.canvas.fps == "auto"
            most = max(self.format.rate, _LEAST_FPS) if any_rate else self.format.rate
            # A file converted at its own rate comes out whole, even where that rate varies.
            every = lossless and any_rate
            self.worker = Worker(
                self.feeder.mailbox,
                None,
                self.programme,
                self.pool,
                patient=lossless,
                period_ns=None if every else int(1e9 / most),
                exact=not any_rate,
                fill_ns=0 if every else int(_ROOM * 1e9 / self.format.rate),
                tap=self.tap,
                shedding=self.shedding,
                companions=companion_pool(settings, self.format),
            )
            self.pipeline = self._open_pipeline(network, given_up)
        except BaseException:
            self.feeder.stop()
            raise
        self._started = True
        self.hearing.use(settings.source, self.feeder)
        self.rooms = RoomKeeper(self.settings, self.format, lambda: self.pipeline.plate)
        self.rooms.start()
        for output in fed:
            output.start()
        self._await_outputs()
        self.thermometer.start()
        self.programme.start()
        malloc.settle()
        # While its file is certainly open: a short one is done before anybody asks for its length.
        self._note_length()
        self.worker.start()
        self.sessions.open()
        log.info(
            "running", canvas=str(self.format), network=self.pipeline.description,
            background=settings.background.uri,
        )  # fmt: skip

    def _make_style(self, settings: Settings) -> Style | None:
        wanted = settings.stages.style
        if not wanted.wanted:
            return None
        try:
            return make_style(wanted, self.format.colour, self.background.picture)
        except BaseException:
            self.background.close()
            raise

    def _make_shedding(self) -> Shedding:
        load = self.settings.load
        self.thermometer = Thermometer(load.hottest_c)
        return Shedding(load, int(1e9 / self.format.rate), lambda: self.thermometer.heat)

    def _open_pipeline(
        self, network: Matting | OnGpu, given_up: Callable[[], bool]
    ) -> FramePipeline:
        """Make the pipeline in the worker's thread: a GPU belongs to the thread that takes it."""

        def make() -> FramePipeline:
            pipeline = make_pipeline(self.settings, self.format, network, self.background)
            pipeline.use_canvases(self.pool)
            pipeline.use_style(self.style)
            return pipeline

        try:
            return self.worker.open(make, LOAD_S, given_up)
        except BaseException:
            self.worker.stop()
            self.background.close()
            raise

    def make_output(self, output: OutputSettings, rtsp: RtspSettings | None = None) -> OutputFeeder:
        """An output for the settled format, not yet started; ``rtsp``: if not the rules in use."""
        scheme = output_scheme(output.uri)
        # Where source and output can both wait, a dropped frame is a fault.
        patient = not self.feeder.source.live and scheme is not None and scheme.patient
        most = 2.0 if scheme is None else scheme.retry_most_s
        feeder = OutputFeeder(make_output(output), self.format, lossless=patient, retry_most_s=most)
        feeder.use_rtsp(rtsp or self.settings.rtsp)
        return feeder

    def fed(self, outputs: list[OutputFeeder]) -> list[OutputFeeder]:
        """All that frames are handed to: ``outputs``, and what browsers watch.

        Not where a file is read as fast as possible, which nobody can watch.
        """
        return [*outputs, self.whep_feeder] if self.feeder.source.live else outputs

    def apply(
        self, settings: Settings, *, read_again: bool = False, dissolve: int = 0
    ) -> frozenset[str]:
        """Switch to other settings while running; see ``appliance.daemon.apply.apply``."""
        sections = apply(self, settings, read_again=read_again, dissolve=dissolve)
        if sections:
            self.rooms.configure(self.settings)
            self.sessions.follow(self.settings)
        return sections

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold while exchanging parts, briefly, as ``stop`` waits. Raises Stopping after that."""
        with self._changing:
            if self._stopping:
                raise Stopping("mattebox is stopping; nothing was changed")
            yield

    def retire(self, parts: list[Callable[[], object]]) -> None:
        """Call those of ``parts`` still in ``leftovers``: ``stop`` has called the rest."""
        for close in parts:
            with self._changing:
                if close not in self.leftovers:
                    continue
                self.leftovers.remove(close)
            close()

    def on_air(self, identity: str) -> OnAir:
        """The programme of this id: a session, or ``main``. Raises NoSuchSession."""
        return self.main if identity == MAIN else self.sessions.get(identity)

    def _placeholder(self) -> Frame:
        """What is shown while there is no composite; the programme asks anew each time.

        Nothing of it is kept from one time to the next: what was a background then may not be now.
        """
        wanted = self.settings.canvas.placeholder == "background"
        picture = self.background.picture if wanted else None
        return picture or slate(self.format, starting=self.programme.composites == 0)

    def _reason(self) -> str:
        """Why no composites come; the programme's watch asks."""
        source = self.feeder.state
        if self.feeder.stopped:
            return "the source is being changed"
        if source.state != "live":
            return f"{source.state}: {source.reason}" if source.reason else source.state
        if self.worker.processed == 0 and self.worker.failed == 0:
            return "starting"
        if self.worker.alive and self.worker.busy_with is None:
            return "no frame comes from the source"
        if not self.worker.alive:
            return "the pipeline has stopped"
        # An avatar brings its matte, and no network runs.
        own = isinstance(self.feeder.source, Speaks)
        return "the machine does not keep up" if own else "the network does not answer"

    def _held(self) -> bool:
        """Whether the source's next frame is here, not yet due, and nothing else is wanting."""
        return self.worker.busy_with is None and time.monotonic_ns() < self.feeder.held_until

    def _await_outputs(self) -> None:
        """Give the outputs a moment to open, so that ``addresses`` gives the bound ones."""
        deadline = time.monotonic() + _OPEN_S
        moment = threading.Event()
        while time.monotonic() < deadline:
            if all(output.status().state != "opening" for output in self.outputs):
                return
            moment.wait(0.01)

    def addresses(self) -> list[str]:
        """The outputs' addresses as bound (port 0 has become a real one)."""
        return [output.status().uri for output in self.outputs]

    def drops(self) -> dict[str, int]:
        """Frames lost so far: before the pipeline, for lack of a canvas, at each output."""
        lost = {"pipeline": self.feeder.dropped, "canvas": self.worker.no_canvas}
        return lost | {output.status().uri: output.status().dropped for output in self.outputs}

    def counts(self) -> Counts:
        """Totals so far."""
        statuses = [output.status() for output in self.outputs]
        dropped = self.drops()
        return Counts(
            frames_in=self.feeder.frames,
            frames_out=self.programme.composites,
            dropped=sum(dropped.values()),
            busy_ns=self.worker.busy_ns,
            clients=sum(status.clients for status in statuses),
            trouble=self.programme.trouble,
            shed=self.shedding.state.sentence,
            left_out=left_out(dropped),
            progress=self.progress,
        )

    def statuses(self) -> list[OutputStatus]:
        """The status of each output."""
        return [output.status() for output in self.outputs]

    def failures(self) -> dict[str, str]:
        """What did not come about in this run, each by its name, with the reason.

        Outputs that take no frames now; the source, if the placeholder is all that went out.
        After ``stop``, the outputs that did not close well.
        """
        found: dict[str, str] = {}
        for output, status in zip(self.outputs, self.statuses(), strict=True):
            reason = status.missing if self._started else output.unfinished
            if reason is not None:
                found[f"output {status.uri}"] = reason
        lost = left_out(self.drops())
        if lost and self.feeder.mailbox.lossless:
            found["frames"] = f"not every frame came out: {lost}"
        trouble = self.programme.trouble
        if self.programme.composites == 0 and trouble not in (None, "starting"):
            found["picture"] = f"nothing but the placeholder went out: {trouble}"
        return found

    def ended(self) -> str | None:
        """Why there is nothing more to do, or None while there is. Call now and then.

        Raises ThreadDied if a thread died, MattingError once the network has hung for ``HANG_S``.
        """
        errors = {
            "pipeline": self.worker.error,
            "source": self.feeder.error,
            "placeholder": self.programme.error,
            "background": self.background.error,
            "sessions": self.sessions.error,
        }
        fed = self.fed(self.outputs)
        errors |= {f"output {output.wanted_uri}": output.error for output in fed}
        for name, error in errors.items():
            if error is not None:
                raise ThreadDied(
                    f"the thread of the {name} died ({type(error).__name__}: {error}); mattebox "
                    "ends, so that the service manager starts it anew; the log has the place"
                ) from error
        if self._hung.after(self.worker.busy_with) > HANG_S:
            raise MattingError(
                f"the network has not answered for {HANG_S:g} s and will not; mattebox ends, so "
                "that the service manager starts it anew (the log before this says what led to it)"
            )
        feeder = self.feeder
        # A source stopped by a reload has not ended: another takes its place.
        ended = feeder.state.state == "ended" and not feeder.stopped
        # Of what it gave, the last frame has to be made, not only taken.
        if ended and self.worker.drained is feeder.mailbox:
            return "the source has ended"
        if all(status.state == "failed" for status in self.statuses()):
            return "no output is left"
        return None

    def finish(self, wait: Callable[[float], bool]) -> None:
        """Let the outputs write what they have, after a source's end; call ``stop`` after it.

        ``wait`` sleeps for some seconds, and says whether to wait on. An encoder that is behind by
        some large pictures takes longer than a stop that somebody waits for.
        """
        self.programme.flush()
        self.programme.finish()
        for output in self.outputs:
            output.ask_to_stop()
        deadline = time.monotonic() + FINISH_S
        while any(output.alive for output in self.outputs) and time.monotonic() < deadline:
            if not wait(0.05):
                return

    @property
    def progress(self) -> float | None:
        """What part of a file that does not loop is done, 0 to 1; None where there is no end."""
        source = self.feeder.source
        if not isinstance(source, Ends) or self.settings.source_in_use.loop is True:
            return None
        self._note_length()
        if not self._length_s:
            return None
        return min(1.0, self.worker.processed / max(1.0, self._length_s * self.source_format.rate))

    def _note_length(self) -> None:
        source = self.feeder.source
        if isinstance(source, Ends):
            self._length_s = source.length_s or self._length_s

    def stop(self) -> bool:
        """Stop everything, in frame path order; False if something had to be left behind."""
        if not self._started:
            return True
        self._started = False
        # However many parts hang, they share one deadline.
        deadline = time.monotonic() + _STOP_S
        # A reload holds it only as long as it takes to exchange a few references.
        held = self._changing.acquire(timeout=_CHANGE_S)
        self._stopping = True
        if held:
            self._changing.release()
        self.sessions.ask_to_stop()
        # While frames still come.
        self.rooms.ask_to_stop()
        self.programme.stop()
        self.feeder.ask_to_stop()
        self.worker.ask_to_stop()
        self.hearing.ask_to_stop()
        clean = self.feeder.stop(_STOP_S / 3)
        clean = self.worker.stop(max(0.1, deadline - _STOP_S / 2 - time.monotonic())) and clean
        clean = self.hearing.stop(max(0.1, deadline - _STOP_S / 2 - time.monotonic())) and clean
        fed = self.fed(self.outputs)
        for output in fed:
            output.ask_to_stop()
        for output in fed:
            clean = output.stop(max(0.1, deadline - time.monotonic())) and clean
        clean = self.sessions.stop(max(0.1, deadline - time.monotonic())) and clean
        closing = threading.Thread(target=self._close_the_rest, name="stop", daemon=True)
        closing.start()
        closing.join(max(0.5, deadline - time.monotonic()))
        self.rooms.stop(max(0.1, deadline - time.monotonic()))
        return clean and not closing.is_alive()

    def _close_the_rest(self) -> None:
        self.whep.stop()
        self.background.close()
        self.thermometer.stop()
        while self.leftovers:
            self.leftovers.pop()()


class _Hung:
    """How long one frame has been in progress, as far as was observed.

    A process that was stopped (SIGSTOP, a suspended machine) has not hung in the meantime, so at
    most one second counts between two observations.
    """

    def __init__(self) -> None:
        self._frame: int | None = None
        self._seconds = 0.0
        self._looked = time.monotonic()

    def after(self, frame: int | None) -> float:
        """Seconds for which ``frame`` has been seen in progress; None means no frame."""
        now = time.monotonic()
        same = frame is not None and frame == self._frame
        passed = min(now - self._looked, _LONGEST_LOOK_S)
        self._seconds = self._seconds + passed if same else 0.0
        self._frame, self._looked = frame, now
        return self._seconds
