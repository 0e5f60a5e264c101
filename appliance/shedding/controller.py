"""How much of the work is left out: the rules only, on figures that are handed in.

No clock, no thread, no pipeline: ``watch`` takes the figures and has done what is decided here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.shedding.costs import Costs
from appliance.shedding.level import Level, Means
from appliance.system.thermal import Heat


@dataclass(frozen=True, slots=True)
class Made:
    """One frame that was made.

    Attributes:
        at: when it was done, seconds, of any clock that only rises.
        cost: how long that took, seconds.
        means: what gave the matte.
        interval: seconds between two frames that are to be made at ``Level.FULL``.
        late: a frame before it was lost because this one, or the one before, took too long.
    """

    at: float
    cost: float
    means: Means
    interval: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Another level, and why, in words; ``hot``: not for want of time."""

    level: Level
    why: str
    hot: bool = False


# Figures are of this stretch of time, seconds, and of no fewer frames than that.
_WINDOW_S, _WINDOW_LEAST = 3.0, 8
# One frame that hung must not outweigh all the others: it counts as so many frames' time.
_MOST_FRAMES = 8
# How often it is looked at them.
_LOOK_S = 0.1
# Up: after so many seconds at a level, when so many frames were late, and that was this part of
# them where all the time is used, or that part where it is not and they were late by chance.
_UP_AFTER_S, _LATE_LEAST, _LATE_FULL, _LATE_BUSY = 1.0, 3, 0.03, 0.15
# Frames that are lost while making them takes less than this part of the time are not lost by us:
# a network that delivers them in bursts, say.
_FULL, _BUSY = 0.95, 0.7
# Down: when the lower level would take no more than this part of the time, with as good as no frame
# late, for so many seconds. After a relapse twice as long, and so on.
_FITS, _CALM_SHARE = 0.7, 0.02
_CALM_S, _MOST_RELAPSES = 5.0, 6
# Back up so soon after a step down: it should not have been taken.
_RELAPSE_S = 20.0
# A level that held for so long was right.
_HELD_S = 60.0
# Less is done every so many seconds while it is too hot; heat takes its time to go.
_COOL_S = 15.0


def _bounded(frame: Made) -> float:
    return min(frame.cost, _MOST_FRAMES * frame.interval)


class Controller:
    """Decides on the level. Call ``made`` for each frame; it says when the level changes."""

    def __init__(self, levels: Sequence[Level] = tuple(Level)) -> None:
        """``levels``: those that bring something here, rising, ``Level.FULL`` first."""
        self.level = Level.FULL
        self._levels = tuple(levels)
        self._costs = Costs()
        self._window: deque[Made] = deque(maxlen=1024)
        self._since: float | None = None
        self._calm_since: float | None = None
        self._down_at: float | None = None
        self._relapses = 0
        self._look_again = 0.0

    @property
    def load(self) -> float:
        """Time that frames take, as a part of the time there is; 0 before there is a figure."""
        if not self._window:
            return 0.0
        mean = sum(map(_bounded, self._window)) / len(self._window)
        return mean / self._budget(self.level)

    @property
    def late(self) -> float:
        """The part of the recent frames, 0 to 1, before which one was lost."""
        window = self._window
        return sum(made.late for made in window) / len(window) if window else 0.0

    @property
    def settled(self) -> bool:
        """Whether the level has been the same for long enough for its figures to mean something."""
        window = self._window
        return bool(window) and self._since is not None and window[-1].at - self._since >= _WINDOW_S

    def made(self, frame: Made, heat: Heat | None = None) -> Change | None:
        """Take in one frame; the change of level that follows from it, if any."""
        heat = heat or Heat()
        window = self._window
        if window and frame.at - frame.cost - window[-1].at > _WINDOW_S:
            # Nothing came for a while (the source was away): what was before says nothing.
            self._start_over(None)
        if self._since is None:
            self._since = self._look_again = frame.at
        window.append(frame)
        self._costs.add(frame.means, _bounded(frame))
        while len(window) > _WINDOW_LEAST and frame.at - window[0].at > _WINDOW_S:
            window.popleft()
        if frame.at < self._look_again:
            return None
        self._look_again = frame.at + _LOOK_S
        return self._up(frame.at, heat) or self._down(frame.at, heat)

    def _budget(self, level: Level) -> float:
        """Seconds there are for one frame at a level."""
        interval = sum(made.interval for made in self._window) / len(self._window)
        return 2 * interval if level == Level.HALF else interval

    def _up(self, now: float, heat: Heat) -> Change | None:
        assert self._since is not None
        index = self._levels.index(self.level)
        if index + 1 == len(self._levels):
            return None
        at_it = now - self._since
        if heat.hot and at_it >= _COOL_S:
            return self._change(self._levels[index + 1], now, heat.hot, hot=True)
        late = sum(made.late for made in self._window)
        load = self.load
        share = _LATE_FULL if load >= _FULL else _LATE_BUSY
        overloaded = late >= _LATE_LEAST and late >= share * len(self._window)
        if at_it < _UP_AFTER_S or not overloaded or load < _BUSY:
            return None
        if self._down_at is not None and now - self._down_at < _RELAPSE_S:
            self._relapses = min(self._relapses + 1, _MOST_RELAPSES)
        why = f"{self._too_slow()}; {heat.warm}" if heat.warm else self._too_slow()
        return self._change(self._levels[index + 1], now, why)

    def _too_slow(self) -> str:
        budget = self._budget(self.level)
        # The newest are what is too slow; those before may not have been.
        newest = list(self._window)[-max(_WINDOW_LEAST, len(self._window) // 3) :]
        cost = max(sum(made.cost for made in newest) / len(newest), self.load * budget)
        most = max(made.cost for made in self._window)
        at_times = f", at times {1e3 * most:.3g} ms," if most > 2.5 * cost else ""
        every = 1e3 * budget
        return (
            f"a frame takes {1e3 * cost:.3g} ms{at_times or ','} and one comes every {every:.3g} ms"
        )

    def _down(self, now: float, heat: Heat) -> Change | None:
        assert self._since is not None
        if self.level == Level.FULL:
            if now - self._since >= _HELD_S:
                self._relapses = 0
            return None
        below = self._levels[self._levels.index(self.level) - 1]
        cost = self._costs.of(below, now)
        fits = cost is not None and cost <= _FITS * self._budget(below)
        if not fits or self.late > _CALM_SHARE or heat.warm or heat.hot:
            self._calm_since = None
            return None
        if self._calm_since is None:
            self._calm_since = now
        if now - max(self._since, self._calm_since) < self.patience:
            return None
        assert cost is not None
        if now - self._since >= _HELD_S + self.patience:
            self._relapses = 0
        self._down_at = now
        every = 1e3 * self._budget(below)
        why = f"a frame would take {1e3 * cost:.3g} ms then, and one comes every {every:.3g} ms"
        return self._change(below, now, why)

    @property
    def patience(self) -> float:
        """Seconds of calm before the next step down."""
        return float(_CALM_S * 2**self._relapses)

    def _change(self, level: Level, now: float, why: str, *, hot: bool = False) -> Change:
        self._costs.moved(self.level, level, now)
        self.level = level
        self._start_over(now)
        return Change(level, why, hot)

    def _start_over(self, since: float | None) -> None:
        self._window.clear()
        self._since = since
        self._calm_since = None
