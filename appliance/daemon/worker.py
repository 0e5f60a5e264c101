"""The pipeline's thread: frames in from the source's mailbox, composites out to the programme."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from appliance.config.settings import Companion
from appliance.cuda.context import GpuError
from appliance.daemon.companions import CompanionPool
from appliance.daemon.dissolve import Dissolve
from appliance.daemon.filler import NONE, Companions, Filler
from appliance.daemon.programme import Programme
from appliance.daemon.tap import Tap
from appliance.errors import MattingError
from appliance.media.borrowed import Borrowed
from appliance.media.canvas import BufferPool, Lease
from appliance.media.decimator import Decimator
from appliance.media.frame import Frame
from appliance.media.mailbox import Closed, Mailbox
from appliance.pipeline.base import FramePipeline
from appliance.shedding import Shedding
from appliance.stages.timings import Histogram

# Enough for a large engine on a slow memory card, and for loading kernels for the first time.
LOAD_S = 120.0
_POLL_S = 0.25
_CANVAS_WAIT_S = 5.0

_Result = TypeVar("_Result")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LatencyParts:
    """Where the time of one composite went, in nanoseconds.

    Attributes:
        waited: from the frame's capture until the pipeline began with it.
        made: in the pipeline.
        handed_on: from then until it was in the outputs' mailboxes, or is due there.
    """

    waited: int
    made: int
    handed_on: int


class Worker:
    """Runs the pipeline on the newest frame, again and again, in a thread of its own."""

    def __init__(
        self,
        inbox: Mailbox[Frame],
        pipeline: FramePipeline | None,
        programme: Programme,
        pool: BufferPool,
        *,
        patient: bool = False,
        period_ns: int | None = None,
        exact: bool = True,
        fill_ns: int | None = None,
        tap: Tap | None = None,
        shedding: Shedding | None = None,
        companions: CompanionPool | None = None,
        watched: Callable[[], bool] = lambda: True,
    ) -> None:
        """Get ready; ``start`` begins.

        Args:
            inbox: where the source leaves its frames.
            pipeline, programme, pool: what makes, sends out and holds the composites. None for the
                pipeline means that ``open`` will make it.
            patient: wait for a free canvas instead of dropping the frame (fast files).
            period_ns: least time between two composites, for a canvas slower than its source;
                None takes every frame.
            exact: hold to ``period_ns`` whatever the source; else only where it is clearly faster,
                since cameras are off by a few in a hundred, and dropping those frames shows.
            fill_ns: where the pipeline makes frames between those of the source, it does so if
                these are to be shown for this long at least; None: never.
            tap: says whether somebody wants to see the matte.
            shedding: decides which frames to make, and is told how long they took.
            companions: what is to be made beside the composites, and the canvases for it.
            watched: whether anybody would see the next composite. If not, the last one goes out
                again at its time, so that clock and sound go on, and no work is done for nobody.
        """
        self._companions = companions
        self._watched, self._passed_over = watched, False
        self._inbox = self._last_inbox = inbox
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._rate = Decimator(period_ns) if period_ns else None
        self._period, self._exact = period_ns or 0, exact
        self._pipeline: FramePipeline | None = None
        self._filler = Filler(self._publish, fill_ns, lossless=patient)
        self._programme = programme
        self.fade = Dissolve()
        """What fades into the composites; for the thread itself."""
        self.shown: Frame | None = None
        """The last composite that was sent, and may be seen again; for the thread itself."""
        self._pool = pool
        self._patient = patient
        self._tap = tap
        self.shedding = shedding
        if pipeline is not None:
            self.use(pipeline)
        self._opened = False
        self._stop, self._another, self._going = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self.processed = 0
        self.failed = 0
        self.no_canvas = 0
        self.people = 0
        self.made = 0
        """Frames made between those of the source."""
        self.no_room = False
        """Frames are to be made between the source's, and the canvas has no room for them."""
        self.busy_ns = 0
        """Time spent on frames so far, each from receipt to publication."""
        self.latency_ns: deque[int] = deque(maxlen=600)
        self.parts_ns: deque[LatencyParts] = deque(maxlen=600)
        self.latency = Histogram()
        self.error: BaseException | None = None
        """What ended the thread, if not ``stop``."""
        self.drained: Mailbox[Frame] | None = None
        """The mailbox of which every frame has been made, and no more will come."""
        self.busy_with: int | None = None
        """The number of the frame that it is working on; None between two frames."""
        self._begun = 0

    def open(
        self,
        make: Callable[[], FramePipeline],
        timeout: float,
        given_up: Callable[[], bool] = lambda: False,
    ) -> FramePipeline:
        """Have the thread make the pipeline that it will run; it closes it at the end.

        GPU resources belong to the thread that acquired them. Raises as ``call`` does, also as soon
        as ``given_up`` says that nobody wants the pipeline any more.
        """
        self._thread.start()
        pipeline = self.call(make, timeout, given_up)
        self.use(pipeline)
        self._opened = True
        return pipeline

    def start(self) -> None:
        """Take frames from now on."""
        self._going.set()
        # It may be waiting for something to do, and would go on waiting.
        self._actions.put(_nothing)
        if self._thread.ident is None:
            self._thread.start()

    def ask_to_stop(self) -> None:
        """Have the thread end after its current frame; ``stop`` waits for that."""
        self._stop.set()

    def stop(self, timeout: float = 2.0) -> bool:
        """End the thread; False if it has not ended within ``timeout`` seconds."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def submit(self, action: Callable[[], None], timeout: float = 5.0) -> bool:
        """Have the thread run ``action`` between two frames; an exception ends the thread.

        Returns whether it was done within ``timeout`` seconds. If not, it is done later, or never
        if the thread has ended or was asked to.
        """
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self._actions.put(act)
        deadline = time.monotonic() + timeout
        while not done.wait(_POLL_S):
            if self._stop.is_set() or time.monotonic() >= deadline:
                return done.is_set()
        return True

    def call(
        self,
        action: Callable[[], _Result],
        timeout: float,
        given_up: Callable[[], bool] = lambda: False,
    ) -> _Result:
        """Have the thread run ``action`` between two frames; returns its result.

        Raises what it raised; a GpuError also ends the thread. Raises MattingError if it was not
        done within ``timeout`` seconds, or before ``given_up`` is true; if it had not begun by
        then, it never will.
        """
        future: Future[_Result] = Future()

        def act() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(action())
            except GpuError as error:
                future.set_exception(error)
                raise
            except Exception as error:  # noqa: BLE001  whoever asked raises it
                _empty(error)
                future.set_exception(error)

        self._actions.put(act)
        deadline = time.monotonic() + timeout
        while not wait([future], _POLL_S).done:
            ended = self._stop.is_set() or not self.alive or given_up()
            if ended or time.monotonic() >= deadline:
                future.cancel()
                raise MattingError(
                    "the pipeline is stopping"
                    if ended
                    else f"the pipeline did not answer within {timeout:g} s"
                )
        return future.result()

    def use(self, pipeline: FramePipeline) -> None:
        """Run another pipeline from the next frame on; call only in the thread itself."""
        self._pipeline = pipeline
        if self.shedding is not None:
            self.shedding.attach(pipeline)

    def forget(self) -> None:
        """What went out last is not to be shown again; call only in the thread itself."""
        self._filler.forget()
        self.fade.end()
        self.shown = None

    def accompany(self, companions: CompanionPool | None) -> None:
        """From the next frame on, make this beside the composites; call only in the thread."""
        self._companions = companions

    def take_from(self, inbox: Mailbox[Frame]) -> None:
        """Read another mailbox from the next frame on; its first frame is a cut."""
        self._inbox = inbox
        self._another.set()

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._act()
                if self._going.is_set():
                    self._next()
                else:
                    self._await_action()
        except BaseException as error:  # noqa: BLE001  SystemExit would also end it silently
            try:
                if self._going.is_set():
                    # Before anything else: what was last shown is no longer live.
                    self._programme.fail("the pipeline has stopped")
                log.exception("the pipeline's thread died")
            finally:
                self.error = error
        finally:
            if self._opened and self._pipeline is not None:
                self._pipeline.close()

    def _act(self) -> None:
        while not self._actions.empty():
            self._actions.get_nowait()()

    def _await_action(self) -> None:
        try:
            action = self._actions.get(timeout=_POLL_S)
        except queue.Empty:
            return
        action()

    def _next(self) -> None:
        assert self._pipeline is not None
        inbox = self._inbox
        try:
            frame = inbox.get(_POLL_S)
        except Closed:
            # The source has ended; ``take_from`` may bring another.
            self.drained = inbox
            self._another.wait(_POLL_S)
            self._another.clear()
            return
        if frame is None or not self._wanted(frame):
            return
        # Once more, so that changes requested while waiting apply to this frame already.
        self._act()
        if self.shedding is not None and not self.shedding.takes(frame.pts, inbox):
            return
        if not self._watched() and self.shown is not None:
            self._passed_over = True
            self._programme.publish(_as_shown(self.shown, frame, frame.duration))
            return
        if inbox is not self._last_inbox or self._passed_over:
            self._last_inbox, self._passed_over = inbox, False
            self._pipeline.reset()
        began = time.monotonic_ns()
        self._begun += 1
        self.busy_with = self._begun
        self._composite(frame)
        self.busy_with = None
        self.busy_ns += time.monotonic_ns() - began

    def _wanted(self, frame: Frame) -> bool:
        """Whether the canvas's rate has room for it."""
        if self._rate is None:
            return True
        faster = 0 < 10 * frame.duration < 9 * self._period
        return not (self._exact or faster) or self._rate.takes(frame.pts)

    def _composite(self, frame: Frame) -> None:
        out = self._canvas()
        companions = self._beside()
        if out is None or companions is None:
            self.no_canvas += 1
            return
        pipeline = self._pipeline
        assert pipeline is not None
        mode = pipeline.settings.stages.interpolate.mode if pipeline.interpolates else None
        filling = mode is not None and self._filler.has_room(frame)
        self.no_room = mode is not None and not filling
        also = self._canvas() if filling else None
        # Without room for all of them the outputs concerned go without this one.
        also_companions = self._beside() if also is not None else None
        try:
            began = time.monotonic_ns()
            matte = None if self._tap is None else self._tap.matte_for(out)
            outcome = pipeline.process(
                frame, out, matte, also, companions or None, also_companions or None
            )
            if self.shedding is not None:
                self.shedding.made(carried=outcome.carried)
            self._check_loan(frame)
        except MattingError as error:
            self.failed += 1
            self.forget()
            self._programme.fail(str(error), frame)
            return
        made = time.monotonic_ns()
        made_too = also if outcome.made_at is not None else None
        self._mix([made_too, out] if mode == "between" else [out, made_too])
        for sealed in (out, *companions.values()):
            _seal(sealed)
        self.people = outcome.people
        self.processed += 1
        shown = _as_shown(out, frame, max(frame.duration, self._period) if frame.duration else 0)
        self.shown = shown
        if filling and mode is not None:
            between, made_companions = None, NONE
            if also is not None and outcome.made_at is not None:
                _seal(also)
                between = replace(_as_shown(also, frame, 0), pts=outcome.made_at)
                self.made += 1
                if outcome.made_beside and also_companions is not None:
                    for sealed in also_companions.values():
                        _seal(sealed)
                    made_companions = also_companions
            held = self._filler.send(shown, between, mode, companions, made_companions)
        else:
            held = 0
            self._programme.publish(shown, 0, companions)
            self._filler.forget()
        took = time.monotonic_ns() + held - frame.captured
        self.latency_ns.append(took)
        self.parts_ns.append(
            LatencyParts(
                waited=began - frame.captured,
                made=made - began,
                handed_on=frame.captured + took - made,
            )
        )
        self.latency.observe(took)

    def _mix(self, outs: list[Frame | None]) -> None:
        """Fade, if something is to: into the composites just made, in the order of their times."""
        if not self.fade.active:
            return
        if self._programme.trouble is not None:
            # The placeholder is out: what was before it is not to come back.
            self.fade.end()
        for out in outs:
            if out is not None:
                self.fade.mix(out)

    @property
    def added_ns(self) -> int:
        """By how much frames come out later because of those made between them, nanoseconds."""
        return self._filler.held_ns

    def _publish(self, frame: Frame, at: int = 0, companions: Companions = NONE) -> None:
        self._programme.publish(frame, at, companions)

    def _check_loan(self, frame: Frame) -> None:
        """Raises MattingError if the camera's library has overwritten the frame in the meantime.

        Its pixels would then be from a later moment than its matte.
        """
        if isinstance(frame.owner, Borrowed) and frame.owner.over():
            assert self._pipeline is not None
            self._pipeline.reset()
            raise MattingError(
                "a frame took longer than its memory was lent; make the picture or the network "
                "smaller, or set source.capture to gstreamer"
            )

    def _beside(self) -> dict[Companion, Frame] | None:
        """A free canvas for each companion; None if the outputs still hold all of them."""
        found: dict[Companion, Frame] = {}
        if self._companions is None:
            return found
        for kind in self._companions.kinds:
            canvas = self._canvas(self._companions.pool)
            if canvas is None:
                return None
            found[kind] = canvas
        return found

    def _canvas(self, pool: BufferPool | None = None) -> Frame | None:
        """A free canvas; None if the outputs still hold all of them."""
        pool = pool or self._pool
        out = pool.acquire()
        if out is None and self._patient:
            deadline = time.monotonic() + _CANVAS_WAIT_S
            # Polled, because GStreamer returns memory without telling anyone.
            while out is None and time.monotonic() < deadline and not self._stop.wait(0.002):
                out = pool.acquire()
        return out


def _seal(canvas: Frame) -> None:
    assert isinstance(canvas.owner, Lease)
    canvas.owner.seal()


def _as_shown(canvas: Frame, frame: Frame, duration: int) -> Frame:
    """A canvas with the times of the frame that it was made from."""
    return replace(
        canvas, pts=frame.pts, captured=frame.captured, serial=frame.serial,
        discontinuity=frame.discontinuity, duration=duration, caption=frame.caption,
    )  # fmt: skip


def _nothing() -> None:
    """Wakes the thread."""


def _empty(error: BaseException) -> None:
    """Release what an error's stack frames hold: GPU memory must be freed in the GPU's thread."""
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
