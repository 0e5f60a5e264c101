"""How much of the work is left out: only the rules, applied to figures passed in.

No clock, no thread, no pipeline: ``watch`` takes the figures and carries out the decisions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.shedding.costs import Costs
from appliance.shedding.level import NETWORK_LEVELS, Level, Means
from appliance.system.thermal import Heat


@dataclass(frozen=True, slots=True)
class Made:
    """One frame that was made.

    Attributes:
        at: when it was finished, in seconds of any monotonic clock.
        cost: how long that took, seconds.
        means: what gave the matte.
        interval: seconds between two frames that are to be made at ``Level.FULL``.
        late: a frame was lost just before it, because it or the previous one took too long.
    """

    at: float
    cost: float
    means: Means
    interval: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level, and why, in words; ``hot``: because of heat, not for want of time."""

    level: Level
    why: str
    hot: bool = False


# Figures cover this stretch of time, in seconds, and at least this many frames.
_WINDOW_S, _WINDOW_LEAST = 3.0, 8
# One frame that hung must not outweigh all the others: it counts as at most this many intervals.
_MOST_FRAMES = 8
# Seconds between two looks at the figures.
_LOOK_S = 0.1
# Up: after _UP_AFTER_S seconds at a level, when at least _LATE_LEAST frames were late, and these
# are the fraction _LATE_FULL of all if the load is _FULL, else _LATE_BUSY: some are late by chance.
_UP_AFTER_S, _LATE_LEAST, _LATE_FULL, _LATE_BUSY = 1.0, 3, 0.03, 0.15
# The load that counts as full; and the load below which lost frames are not our doing: a network
# that delivers them in bursts, say.
_FULL, _BUSY = 0.95, 0.7
# Down: when the lower level would take at most the fraction _FITS of the time, with hardly a frame
# late (_CALM_SHARE), for _CALM_S seconds. Twice as long after a relapse, and so on.
_FITS, _CALM_SHARE = 0.7, 0.02
_CALM_S, _MOST_RELAPSES = 5.0, 6
# A step up this soon (seconds) after a step down: that should not have been taken.
_RELAPSE_S = 20.0
# A level that held for this long (seconds) was right.
_HELD_S = 60.0
# Seconds between two steps up while it is too hot: cooling down takes time.
_COOL_S = 15.0


def _bounded(frame: Made) -> float:
    return min(frame.cost, _MOST_FRAMES * frame.interval)


class Controller:
    """Decides on the level. Call ``made`` for each frame; it says when the level changes."""

    def __init__(self, levels: Sequence[Level] = NETWORK_LEVELS) -> None:
        """``levels``: those that help here, ascending, ``Level.FULL`` first."""
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
        """Time frames take, as a fraction of the time available; 0 before there is a figure."""
        if not self._window:
            return 0.0
        mean = sum(map(_bounded, self._window)) / len(self._window)
        return mean / self._budget(self.level)

    @property
    def late(self) -> float:
        """The fraction of the recent frames, 0 to 1, just before which one was lost."""
        window = self._window
        return sum(made.late for made in window) / len(window) if window else 0.0

    @property
    def settled(self) -> bool:
        """Whether the level has held long enough for its figures to mean something."""
        window = self._window
        return bool(window) and self._since is not None and window[-1].at - self._since >= _WINDOW_S

    def made(self, frame: Made, heat: Heat | None = None) -> Change | None:
        """Take in one frame; returns the change of level that it leads to, if any."""
        heat = heat or Heat()
        window = self._window
        if window and frame.at - frame.cost - window[-1].at > _WINDOW_S:
            # Nothing came for a while (the source was away): earlier figures say nothing.
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
        """Seconds available for one frame at a level."""
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
        # It is the newest frames that are too slow; earlier ones may not have been.
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
