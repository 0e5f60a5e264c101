"""Shedding at work: measures the frames, lets the controller decide, and carries it out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from appliance.config.settings.load import LoadSettings
from appliance.media.decimator import Decimator
from appliance.media.mailbox import Mailbox
from appliance.shedding.controller import Change, Controller, Made
from appliance.shedding.level import Level, Means, in_words
from appliance.system.thermal import Heat

# The stretch, in seconds, over which frames are counted to tell how often they come.
_RATE_S = 3.0
# The fraction of frames lost, with nothing more to leave out, from which that is reported, and
# below which the report is withdrawn.
_BEYOND, _NOT_BEYOND = 0.1, 0.02

log = structlog.get_logger(__name__)


class Sheds(Protocol):
    """What shedding needs of a pipeline."""

    @property
    def levels(self) -> Sequence[Level]:
        """The levels that help here, ascending, ``Level.FULL`` first."""
        ...

    def shed(self, level: Level) -> None:
        """Make frames at this level from the next one on. Skipping whole frames is not its job."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """The state of shedding.

    Attributes:
        level: 0 (nothing is left out) to 3, see ``Level``.
        doing: what is left out, in words.
        why: why, in words; empty at level 0. hot: because of heat, not for want of time.
        load: the time that frames take, as a fraction of the time available.
        lost: the fraction of frames lost although nothing more can be left out.
    """

    level: Level = Level.FULL
    doing: str = in_words(Level.FULL)
    why: str = ""
    hot: bool = False
    load: float = 0.0
    lost: float = 0.0

    @property
    def sentence(self) -> str:
        """For people; empty at level 0."""
        if self.level == Level.FULL:
            return ""
        # In tenths: a sentence that changed with every frame would be reported with every frame.
        lost = max(1, round(10 * self.lost))
        even_so = f"; even so about {lost} in 10 frames is lost" if self.lost else ""
        what = "hot" if self.hot else "slow"
        return f"too {what} for all of it: {self.doing} ({self.why}){even_so}"


class Shedding:
    """Stands between the worker and its pipeline. Used from the worker's thread.

    For each frame: ``takes`` says whether to make it at all, ``made`` must be called when it is.
    ``state`` may be read from any thread.
    """

    def __init__(
        self,
        settings: LoadSettings,
        period_ns: int,
        heat: Callable[[], Heat] = Heat,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Get ready.

        Args:
            period_ns: time from one frame of the canvas to the next.
            heat: how hot the machine is; must not block.
            clock: monotonic, in nanoseconds.
        """
        self.state = State()
        self._settings = settings
        self._period, self._heat, self._clock = period_ns, heat, clock
        self._pipeline: Sheds | None = None
        self._levels: tuple[Level, ...] = (Level.FULL,)
        self._controller = Controller(self._levels)
        self._every_second = Decimator(2 * period_ns)
        self._inbox: Mailbox[Any] | None = None
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=1024)
        self._dropped = 0
        self._pts: int | None = None
        self._began = 0
        self._late = False

    def attach(self, pipeline: Sheds) -> None:
        """Steer this pipeline from the next frame on; another one's figures say nothing of it."""
        self._pipeline, self._levels = pipeline, tuple(pipeline.levels)
        self._start_over("another network")

    def look_again(self) -> None:
        """Note that the pipeline may have other stages now: other levels, or other costs."""
        if self._pipeline is None or tuple(self._pipeline.levels) == self._levels:
            return
        self._levels = tuple(self._pipeline.levels)
        self._start_over("other stages")

    def configure(self, settings: LoadSettings) -> None:
        """Apply new settings from the next frame on."""
        if settings != self._settings:
            self._settings = settings
            self._start_over("other settings")

    def _start_over(self, why: str) -> None:
        before, self.state = self.state, State()
        self._controller = Controller(self._levels)
        if self._pipeline is not None:
            self._pipeline.shed(Level.FULL)
        if before.level != Level.FULL:
            log.info("load: less is left out", level=0, now=self.state.doing, why=why)

    def takes(self, pts: int, inbox: Mailbox[Any]) -> bool:
        """Whether to make the frame of this presentation time (nanoseconds), or leave it out.

        ``inbox`` is where it came from. Always True for a lossless one: its source waits.
        """
        if inbox is not self._inbox:
            self._inbox, self._pts = inbox, None
            self._dropped = inbox.dropped
            self._arrivals.clear()
        if inbox.lossless:
            return True
        if self._controller.level == Level.HALF and not self._every_second.takes(pts):
            return False
        self._began = self._clock()
        self._count(pts, inbox.put_count)
        self._late = self._lost_one(pts, inbox)
        return True

    def _count(self, pts: int, arrived: int) -> None:
        """Record how many frames had arrived by the one of this time."""
        arrivals = self._arrivals
        if arrivals and not 0 < pts - arrivals[-1][0] < _RATE_S * 1e9:
            # A loop or a jump: counting starts again here.
            arrivals.clear()
        arrivals.append((pts, arrived))
        while pts - arrivals[0][0] > _RATE_S * 1e9 and len(arrivals) > 2:
            arrivals.popleft()

    def _lost_one(self, pts: int, inbox: Mailbox[Any]) -> bool:
        """Whether a frame that should have been made was lost before this one."""
        last, self._pts = self._pts, pts
        dropped = inbox.dropped - self._dropped
        self._dropped = inbox.dropped
        if last is None or dropped <= 0:
            return False
        # A source faster than the canvas loses frames that nobody wanted.
        wanted = self._interval() * (2 if self._controller.level == Level.HALF else 1)
        return not last < pts < last + 1.5 * wanted

    def _interval(self) -> float:
        """Nanoseconds between two wanted frames: the canvas's interval, or a slower source's."""
        (first, before), (last, now) = self._arrivals[0], self._arrivals[-1]
        return max(self._period, (last - first) / (now - before) if now > before else 0.0)

    def made(self, *, carried: bool) -> None:
        """Note that the frame was made and sent; ``carried`` as in ``pipeline.base.Outcome``."""
        if self._inbox is None or self._inbox.lossless or not self._settings.shed:
            return
        controller, now = self._controller, self._clock()
        small = controller.level >= Level.SMALL and Level.SMALL in self._levels
        change = controller.made(
            Made(
                at=now / 1e9,
                cost=(now - self._began) / 1e9,
                means=Means.CARRIED if carried else Means.SMALL if small else Means.NETWORK,
                interval=self._interval() / 1e9,
                late=self._late,
            ),
            self._heat(),
        )
        if change is not None:
            self._change(change)
        else:
            self._look_beyond()

    def _change(self, change: Change) -> None:
        assert self._pipeline is not None
        self._pipeline.shed(change.level)
        doing = in_words(change.level, self._levels)
        level, why, hot = int(change.level), change.why, change.hot
        if change.level > self.state.level:
            log.warning("load: more is left out", level=level, now=doing, why=why)
        else:
            log.info("load: less is left out", level=level, now=doing, why=why)
            # The earlier reason still holds for what is still left out.
            why, hot = (self.state.why, self.state.hot) if level else ("", False)
        self.state = State(change.level, doing, why, hot)

    def _look_beyond(self) -> None:
        """Update the figures, and see whether even the last level is not enough."""
        controller, state = self._controller, self.state
        lost, settled = controller.late, controller.settled
        beyond = 0.0
        if controller.level == self._levels[-1] and settled:
            beyond = lost if lost >= (_NOT_BEYOND if state.lost else _BEYOND) else 0.0
        if bool(beyond) != bool(state.lost):
            if beyond:
                share = f"{100 * beyond:.0f} %"
                log.warning("load: nothing more can be left out, frames are lost", share=share)
            else:
                log.info("load: frames are no longer lost")
        self.state = replace(state, load=controller.load, lost=beyond)
