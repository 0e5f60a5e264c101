"""What frames cost, by how they were made, and hence what they would cost at another level."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from appliance.shedding.level import Level, Means

_RECENT = 32
# This many frames tell what the smaller input saves; no network saves more than this factor.
_ENOUGH, _MOST_SAVED = 8, 4.0
# After this many seconds what was learned is stale: the machine and the picture have changed.
_STALE_S = 600.0
_STAGES = (Level.SPARE, Level.PLAIN)


@dataclass(slots=True)
class _Saving:
    """The full network's cost over the small one's, measured when it gave way to the small one."""

    network: float
    at: float
    ratio: float | None = None


class Costs:
    """Recent costs of frames, in seconds, by their ``Means``."""

    def __init__(self) -> None:
        self._costs: dict[Means, deque[float]] = {m: deque(maxlen=_RECENT) for m in Means}
        self._order: deque[Means] = deque(maxlen=_RECENT)
        self._saving: _Saving | None = None
        self._level = Level.FULL
        self._stages: dict[Level, _Saving] = {}

    def add(self, means: Means, cost: float) -> None:
        """Take in one frame."""
        self._costs[means].append(cost)
        self._order.append(means)
        saving, small = self._saving, self._costs[Means.SMALL]
        if saving is not None and saving.ratio is None and len(small) >= _ENOUGH:
            saving.ratio = min(max(saving.network / _mean(small), 1.0), _MOST_SAVED)
        stages, network = self._stages.get(self._level), self._costs[Means.NETWORK]
        if stages is not None and stages.ratio is None and len(network) >= _ENOUGH:
            stages.ratio = min(max(stages.network / _mean(network), 1.0), _MOST_SAVED)

    def moved(self, before: Level, level: Level, now: float) -> None:
        """Note that the level changes, from ``before`` to ``level``."""
        network = self._costs[Means.NETWORK]
        self._level = level
        if before in _STAGES or level in _STAGES:
            if level in _STAGES and level > before and network:
                self._stages[level] = _Saving(_mean(network), now)
            # Frames made with other stages tell nothing.
            self._forget(Means.NETWORK)
            network = self._costs[Means.NETWORK]
        if before < Level.SMALL <= level and network:
            self._saving = _Saving(_mean(network), now)
            self._forget(Means.SMALL)
        if level < Level.SMALL <= before:
            self._forget(Means.NETWORK)

    def _forget(self, means: Means) -> None:
        self._costs[means].clear()
        self._order = deque((m for m in self._order if m != means), maxlen=_RECENT)

    def of(self, level: Level, now: float) -> float | None:
        """The mean cost of a frame at a level below the present one; None when nothing tells.

        If the full network has not run lately, its cost is estimated from the small one's, times
        the ratio measured when it was given up: so the machine's present pace is allowed for.
        """
        network = self._look(small=level >= Level.SMALL, now=now)
        if network is not None:
            network *= self._with_stages(level, now)
        carried = self._costs[Means.CARRIED]
        if network is None or level < Level.REUSE or Means.CARRIED not in self._order:
            return network
        # Carried as often as was possible lately; a picture full of cuts leaves it to the network.
        share = min(0.5, sum(m == Means.CARRIED for m in self._order) / len(self._order))
        return (1 - share) * network + share * _mean(carried)

    def _with_stages(self, level: Level, now: float) -> float:
        """By what factor frames get dearer with the stages that a level brings back."""
        saving = self._stages.get(self._level)
        known = saving is not None and saving.ratio is not None and now - saving.at <= _STALE_S
        if level >= self._level or saving is None or not known:
            return 1.0
        return saving.ratio or 1.0

    def _look(self, *, small: bool, now: float) -> float | None:
        """What a frame costs when the network runs for it."""
        lately = set(self._order)
        if small and Means.SMALL in lately:
            return _mean(self._costs[Means.SMALL])
        if Means.NETWORK in lately and Means.SMALL not in lately:
            return _mean(self._costs[Means.NETWORK])
        if Means.SMALL not in lately:
            return None
        now_small, saving = _mean(self._costs[Means.SMALL]), self._saving
        if saving is None or saving.ratio is None or now - saving.at > _STALE_S:
            # Nothing tells: trying the step down will.
            return now_small
        return now_small * saving.ratio


def _mean(values: deque[float]) -> float:
    return sum(values) / len(values)
