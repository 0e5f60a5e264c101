"""A machine that makes frames in virtual time: all that shedding sees of one, without the wait.

Frames arrive in a real mailbox at their rate; the newest is processed once the last one is done,
taking as long as the machine decides. ``Shedding`` itself is real.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from appliance.config.settings.load import LoadSettings
from appliance.media.mailbox import Mailbox
from appliance.shedding import NETWORK_LEVELS, Level, Shedding
from appliance.system.thermal import Heat

Pace = Callable[[float], float]


@dataclass(frozen=True)
class Work:
    """Seconds that each part of a frame takes when the machine is at its fastest."""

    network: float
    small: float
    carry: float
    rest: float


@dataclass(frozen=True)
class Done:
    """One frame sent: when it arrived, when it was done (seconds), at which level."""

    came: float
    done: float
    level: Level
    took: float


@dataclass
class Machine:
    """A machine, its source, and a pipeline that supports ``levels``.

    ``pace`` gives by what factor the machine is slower than its fastest at a moment, ``heat`` how
    hot it is; ``jitter`` is the spread of a frame's time, as a fraction of it.
    """

    work: Work
    fps: float = 30.0
    canvas_fps: float | None = None
    pace: Pace = lambda now: 1.0
    heat: Callable[[float], Heat] = lambda now: Heat()
    jitter: float = 0.05
    levels: Sequence[Level] = NETWORK_LEVELS
    lossless: bool = False
    seed: int = 0
    settings: LoadSettings = field(default_factory=LoadSettings)
    done: list[Done] = field(default_factory=list)
    changes: list[tuple[float, Level]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = 0.0
        self._level, self._carry = Level.FULL, False
        self._random = Random(self.seed)
        self._frame = 0
        self.inbox: Mailbox[int] = Mailbox(lossless=self.lossless)
        self.shedding = Shedding(
            self.settings, int(1e9 / (self.canvas_fps or self.fps)),
            lambda: self.heat(self.now), lambda: int(self.now * 1e9),
        )  # fmt: skip
        self.shedding.attach(self)

    def shed(self, level: Level) -> None:
        """Like a pipeline's."""
        assert level in self.levels
        if level != self._level:
            self.changes.append((self.now, level))
        self._level = level

    @property
    def level(self) -> Level:
        """The current level."""
        return self._level

    def _arrive(self) -> None:
        """Every frame that has arrived by now, newest last."""
        while self._frame / self.fps <= self.now:
            if self.lossless and not self.inbox.empty:
                return
            self.inbox.put(self._frame)
            self._frame += 1

    def run(self, until: float) -> None:
        """Advance to a moment."""
        while self.now < until:
            self._arrive()
            if self.inbox.empty:
                self.now = self._frame / self.fps
                continue
            index = self.inbox.get(0)
            assert index is not None
            if not self.shedding.takes(int(index / self.fps * 1e9), self.inbox):
                continue
            level, carried = self._level, self._level >= Level.REUSE and self._carry
            self._carry = self._level >= Level.REUSE and not carried
            small = level >= Level.SMALL and Level.SMALL in self.levels
            work = self.work
            look = work.carry if carried else work.small if small else work.network
            spread = max(0.2, self._random.gauss(1.0, self.jitter))
            took = (look + work.rest) * self.pace(self.now) * spread
            self.now += took
            self._arrive()
            self.done.append(Done(index / self.fps, self.now, level, took))
            self.shedding.made(carried=carried)

    def load(self, level: Level, pace: float = 1.0) -> float:
        """The average share of the available time that a level takes, without jitter."""
        work = self.work
        small = level >= Level.SMALL and Level.SMALL in self.levels
        look = work.small if small else work.network
        mean = look if level == Level.FULL else (look + work.carry) / 2
        frames = min(self.fps, self.canvas_fps or self.fps) / (2 if level == Level.HALF else 1)
        return (mean + work.rest) * pace * frames
