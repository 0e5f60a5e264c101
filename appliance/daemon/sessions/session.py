"""One session: a programme of its own, made of the same parts as the box's, for its own viewers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from appliance.config.settings import BackgroundSettings, Settings, SourceSettings
from appliance.daemon.audio_bus import AudioBus
from appliance.daemon.negotiate import first_open
from appliance.daemon.placeholder import slate
from appliance.daemon.programme import Programme
from appliance.daemon.sessions.on_air import RateMeter, playout_of
from appliance.daemon.sessions.outlets import Outlets
from appliance.daemon.sessions.plan import settings_of
from appliance.daemon.sessions.state import SessionState
from appliance.daemon.sessions.stills import SharedStills
from appliance.daemon.tap import Tap
from appliance.daemon.worker import Worker
from appliance.media.audio_ring import AudioRing
from appliance.media.canvas import BufferPool
from appliance.media.frame import Frame
from appliance.networks.none import NoNetwork
from appliance.outputs.feeder import OutputStatus
from appliance.outputs.whep.output import WhepOutput
from appliance.pipeline.cpu import Pipeline
from appliance.playout.playout import Playout
from appliance.sources.base import Speaks

# In flight at once: one being made, the last one, at each of two outputs one waiting and one being
# written, three in the encoder that they share, one to spare.
_CANVASES = 10
_STOP_S = 3.0
_LEAST_S = 0.05

log = structlog.get_logger(__name__)


class Session:
    """A running session; ``stop`` ends it. Its methods may be called by any thread.

    Attributes:
        id, label: see ``SessionState``. created: seconds since 1970.
        whep: what browsers join. tap: shows what goes out, on request.
    """

    def __init__(
        self, identity: str, label: str, box: Settings, addresses: Sequence[str],
        source: SourceSettings, background: BackgroundSettings, stills: SharedStills,
        elsewhere: Callable[[], int],
    ) -> None:  # fmt: skip
        """Build it, and set it running.

        Args:
            box, addresses: the box's settings, and its outputs' addresses as bound.
            source, background: its own.
            stills: makes backgrounds, and shares those that stand still.
            elsewhere: how many watch other programmes by WHEP.

        Raises InputError (AvatarError included) for a source or background that cannot be used.
        """
        self.id, self.label, self.created = identity, label, time.time()
        self.tap = Tap()
        self._stills = stills
        settings = self._settings = settings_of(box, source, background)
        self._changing = threading.Lock()
        self._stopped = False
        self._rate = RateMeter()
        self._turns = 0
        self._touched = time.monotonic()
        with ExitStack() as undo:
            line = AudioRing()
            self._feeder, self.format = first_open(settings, line)
            undo.callback(self._feeder.stop)
            self._background = stills.make(background, self.format)
            undo.callback(lambda: self._background.close())
            self._outlets = Outlets(box, addresses, identity, self.format, elsewhere)
            fed = self._outlets.fed
            self._programme = Programme(
                self.format, [output.mailbox for output in fed], self._placeholder,
                stall_s=settings.matting.stall_s, reason=self._reason, held=self._held,
                tap=self.tap, line=AudioBus(line, settings.sound),
                sounds=[output.sounds for output in fed],
            )  # fmt: skip
            self._pipeline = Pipeline(settings, self.format, NoNetwork(), self._background)
            self._worker = Worker(
                self._feeder.mailbox, self._pipeline, self._programme,
                BufferPool(self.format, _CANVASES), tap=self.tap, watched=self._watched,
            )  # fmt: skip
            undo.pop_all()
        self._outlets.start()
        self._programme.start()
        self._worker.start()

    @property
    def playout(self) -> Playout | None:
        """What plays its avatar; None while its source is not open."""
        return playout_of(self._feeder)

    @property
    def whep(self) -> WhepOutput:
        """What browsers join."""
        return self._outlets.whep

    @property
    def background(self) -> BackgroundSettings:
        """What stands behind its avatar."""
        return self._settings.background

    def outputs(self) -> list[OutputStatus]:
        """The status of its stream, where it has one, and of what browsers watch."""
        return self._outlets.statuses()

    def touch(self) -> None:
        """Somebody has spoken to it: it is not idle."""
        self._touched = time.monotonic()

    def state(self) -> SessionState:
        """How it is doing."""
        trouble, settings = self._programme.trouble, self._settings
        statuses = self.outputs()
        clients = sum(status.clients for status in statuses)
        state = "live" if trouble is None else "placeholder"
        if self._programme.composites == 0:
            state = "starting"
        lost = self._feeder.dropped + self._worker.no_canvas
        return SessionState(
            id=self.id, label=self.label, source=settings.source.uri,
            background=settings.background.uri, created=self.created,
            state="ended" if self._stopped else state, reason=trouble or "",
            fps=self._rate.read(self._programme.composites), frames=self._programme.composites,
            dropped=lost + sum(status.dropped for status in statuses), clients=clients,
            idle_s=0.0 if clients else round(time.monotonic() - self._touched, 3),
            rtsp=self._outlets.uri, whep=f"/whep/{self.id}",
        )  # fmt: skip

    def look(self) -> None:
        """Take note of who watches and speaks. Call about once a second."""
        if self._outlets.watched or self._spoken_to():
            self.touch()

    @property
    def idle_s(self) -> float:
        """Seconds since somebody watched or spoke to it, as ``look`` saw it."""
        return time.monotonic() - self._touched

    @property
    def over(self) -> str | None:
        """Why it cannot go on, in words; None while it can."""
        errors = {
            "pipeline": self._worker.error, "source": self._feeder.error,
            "placeholder": self._programme.error, "background": self._background.error,
        } | self._outlets.errors  # fmt: skip
        for name, error in errors.items():
            if error is not None:
                return f"the thread of the {name} died ({type(error).__name__}: {error})"
        if self._feeder.state.state == "ended" and not self._feeder.stopped:
            return f"the source has ended: {self._feeder.state.reason}"
        return None

    def use_background(self, wanted: BackgroundSettings) -> None:
        """Put another background behind it from the next frame on. Raises InputError."""
        with self._changing:
            if self._stopped:
                return
            made, old = self._stills.make(wanted, self.format), self._background
            self._background = made
            self._settings = self._settings.model_copy(update={"background": wanted})

            def exchange() -> None:
                self._pipeline.use_background(made)
                self._programme.forget()
                self._worker.forget()

            # Where that has to wait, the old one stays until the pipeline's thread is done.
            if self._worker.submit(exchange):
                old.close()

    def follow(self, box: Settings, addresses: Sequence[str]) -> None:
        """Follow the box's settings, as far as they concern it. Readers stay if they may."""
        with self._changing:
            if self._stopped:
                return
            mine = settings_of(box, self._settings.source, self._settings.background)
            gone = self._outlets.follow(box, addresses)
            source = self._feeder.source
            if isinstance(source, Speaks):
                source.use_voice(box.voice)
                source.use_face(box.face)
            fed = self._outlets.fed
            self._programme.configure(
                [output.mailbox for output in fed], mine.matting.stall_s,
                [output.sounds for output in fed],
            )  # fmt: skip
            for stop in gone:
                stop()
            if mine != self._settings:
                self._settings = mine
                self._worker.submit(lambda: self._pipeline.configure(mine))

    def ask_to_stop(self) -> None:
        """Have everything end soon. Never waits."""
        self._stopped = True
        self._programme.stop(0.0)
        self._feeder.ask_to_stop()
        self._worker.ask_to_stop()
        self._outlets.ask_to_stop()

    def stop(self, timeout: float = _STOP_S) -> bool:
        """End it; False if something had to be left behind after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout

        def left() -> float:
            return max(_LEAST_S, deadline - time.monotonic())

        self.ask_to_stop()
        # A change that is being made waits for a decoder, at the longest.
        held = self._changing.acquire(timeout=left())
        self._programme.stop(left())
        clean = self._feeder.stop(left())
        clean = self._worker.stop(left()) and clean
        clean = self._outlets.stop(left) and clean
        self._background.close()
        if held:
            self._changing.release()
        return clean and held

    def _watched(self) -> bool:
        return self._outlets.watched or self.tap.wanted

    def _spoken_to(self) -> bool:
        """Whether a turn has come since the last look, or one is on."""
        playout = self.playout
        if playout is None:
            return False
        turns, self._turns = self._turns, playout.counts.turns
        return turns != self._turns or any(
            turn.state in ("queued", "speaking") for turn in playout.turns()
        )

    def _placeholder(self) -> Frame:
        wanted = self._settings.canvas.placeholder == "background"
        picture = self._background.picture if wanted else None
        return picture or slate(self.format, starting=self._programme.composites == 0)

    def _reason(self) -> str:
        source = self._feeder.state
        if source.state != "live":
            return f"{source.state}: {source.reason}" if source.reason else source.state
        if self._worker.processed == 0 and self._worker.failed == 0:
            return "starting"
        return "no frame comes from the source" if self._worker.alive else "it has stopped"

    def _held(self) -> bool:
        return self._worker.busy_with is None and time.monotonic_ns() < self._feeder.held_until
