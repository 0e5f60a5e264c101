"""Which seams an avatar gets, before any is made.

Each idle and talk clip loops, and leads to the others and into each action, from exits near one
another, so that nothing is waited for long. An action is played whole, then idles or talks; it can
be broken off, as talking can: from each of their frames, the idle pose is near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from appliance.avatars.avatar import AvatarManifest
from appliance.media.frame import F32
from appliance.tools.avatar.search import BestEntries, ClipLook, best_entries, best_loop, cover

START_S = 0.45
"""From one exit into an action, or from idle to talk, to the next, at most."""
BREAK_S = 0.16
"""From one exit of an action, or of talking, into idle to the next, at most."""
CALM_S = 0.4
"""From an interrupt to the idle pose, at most."""
LONGEST_S = 0.4
"""The longest seam."""
SHORTEST = 2
"""Frames of a seam that is no cut, at least."""
ENTRIES_S = 20.0
"""An idle or talk clip is entered within so many seconds from its beginning."""
_MOST_NEAREST = 6
"""Other idle clips that an idle clip leads to, and talk clips a talk clip."""
Kind = Literal["start", "break", "silence"]
"""What exits of one clip are for: into other clips; out of an action, out of talking into idle."""
MOST: dict[Kind, int] = {"start": 1600, "break": 1600, "silence": 1600}
"""Frames of all seams of a kind, a cut counted as one: with more, exits lie further apart."""
_NEAR = (-1, 1)


@dataclass(frozen=True, slots=True)
class SeamPlace:
    """An exit and an entry."""

    exit: int
    target: str
    entry: int


@dataclass(frozen=True, slots=True)
class WantedSeam:
    """A seam that is to be made.

    Attributes:
        most: frames of its own, at most.
        others: what would do in the place of the best, best first.
    """

    source: str
    best: SeamPlace
    most: int
    others: tuple[SeamPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """The times above in frames."""

    start: int
    rest: int
    most: int
    most_calm: int
    most_talk: int
    entries: int

    @classmethod
    def at(cls, fps: float) -> Times:
        """Of an avatar of this rate."""
        start, rest, calm, longest, entries = (
            int(time * fps + 1e-6) for time in (START_S, BREAK_S, CALM_S, LONGEST_S, ENTRIES_S)
        )
        most, rest = max(SHORTEST, longest), max(1, rest)
        # After an interrupt: up to ``rest`` frames, the seam's own, and the entry.
        most_calm = min(most, max(0, calm - rest - 1))
        # In the loop of talking: back or on to its nearer end, and from there to the idle pose.
        most_talk = min(most, max(SHORTEST, 2 * (calm - most_calm - 1)))
        return cls(max(1, start), rest, most, most_calm, most_talk, max(1, entries))


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """What lies near each exit of one clip, from frame ``first`` on: exits are chosen from these.

    Attributes:
        costs, entries, whose: (exits, 2 for each target), the best first: as in ``BestEntries``,
            and the target's index.
    """

    source: str
    first: int
    targets: Sequence[str]
    costs: F32
    entries: NDArray[np.int64]
    whose: NDArray[np.int64]
    kind: Kind

    def places(self, at: int, most: int = 2) -> list[SeamPlace]:
        """The best for one exit, best first."""
        return [
            SeamPlace(self.first + at, self.targets[self.whose[at, i]], int(self.entries[at, i]))
            for i in range(min(most, self.costs.shape[1]))
            if np.isfinite(self.costs[at, i])
        ]


class Planner:
    """Finds what leads where, by all distances; then how many exits of each that can be."""

    def __init__(self, manifest: AvatarManifest, looks: Mapping[str, ClipLook], fps: float) -> None:
        self._looks, self.times = looks, Times.at(fps)
        names = {
            role: [clip.name for clip in manifest.clips if clip.role == role]
            for role in ("idle", "action", "talk")
        }
        self._loops = {
            name: best_loop(looks[name], self.times.entries)
            for name in names["idle"] + names["talk"]
        }
        self._talk = frozenset(names["talk"])
        self._fixed: list[WantedSeam] = []
        self._ways: list[_Way] = []
        for role in ("idle", "talk"):
            for name in names[role]:
                self._loop(name, names[role])
        for name in names["idle"]:
            for target in names["talk"] + names["action"]:
                self._lead(name, [target])
        for name in names["talk"]:
            # To be broken off, and to end: what need not be quick is longer, and smoother.
            self._lead(name, names["idle"], "silence")
            self._lead(name, names["idle"])
            for at in {*self._loops[name]}:
                self._end(name, range(at, at + 1), names["idle"], self.times.most_calm)
            for target in names["action"]:
                self._lead(name, [target])
        for name in names["action"]:
            self._lead(name, names["idle"], "break")
            end = range(looks[name].frames - 1, looks[name].frames)
            for targets in (names["idle"], *([talk] for talk in names["talk"])):
                self._end(name, end, targets)

    def plan(self, length: Callable[[WantedSeam], int]) -> list[WantedSeam]:
        """All seams. ``length`` says how many frames of its own one will have."""
        found = list(self._fixed)
        widest = max(look.frames for look in self._looks.values())
        for kind, most in MOST.items():
            times = self.times
            gap, longest = (
                (times.start, times.most) if kind == "start" else (times.rest, times.most_calm)
            )
            ways = [way for way in self._ways if way.kind == kind]
            # Each takes a frame at least.
            gap = max(gap, sum(len(way.costs) for way in ways) // most)
            while True:
                some = [each for way in ways for each in _chosen(way, gap, longest)]
                frames = sum(max(1, length(each)) for each in some)
                if gap > widest or frames <= most:
                    break
                gap = max(gap + 1, int(gap * frames / most))
            found += some
        return found

    def _loop(self, name: str, others: list[str]) -> None:
        """Back to the clip's own beginning, and to those of the most alike of its kind."""
        exit, entry = self._loops[name]
        most = self.times.most_talk if name in self._talk else self.times.most
        self._fixed.append(_wanted(name, [SeamPlace(exit, name, entry)], most))
        near = range(max(0, exit - self.times.start), exit + 1)
        ways = [self._way(name, near, [other], "start") for other in others if other != name]
        for way in sorted(ways, key=lambda way: float(way.costs.min()))[:_MOST_NEAREST]:
            order = np.argsort(way.costs[:, 0])[:3]
            places = [place for at in order for place in way.places(int(at), 1)]
            self._fixed.append(_wanted(name, places, self.times.most))

    def _end(self, name: str, end: range, targets: list[str], most: int | None = None) -> None:
        if targets:
            places = self._way(name, end, targets, "start").places(0)
            self._fixed.append(_wanted(name, places, self.times.most if most is None else most))

    def _lead(self, name: str, targets: list[str], kind: Kind = "start") -> None:
        if targets:
            last = self._loops[name][0] if name in self._loops else self._looks[name].frames - 2
            if last >= 0:
                self._ways.append(self._way(name, range(last + 1), targets, kind))

    def _way(self, name: str, exits: range, targets: list[str], kind: Kind) -> _Way:
        found = [self._entries(name, exits, target) for target in targets]
        costs = np.concatenate([each.costs for each in found], 1)
        entries = np.concatenate([each.frames for each in found], 1)
        whose = np.broadcast_to(np.repeat(np.arange(len(targets)), 2), costs.shape)
        order = np.argsort(costs, 1, "stable")
        costs, entries, whose = (
            np.take_along_axis(each, order, 1) for each in (costs, entries, whose)
        )
        return _Way(name, exits.start, targets, costs, entries, whose, kind)

    def _entries(self, name: str, exits: range, target: str) -> BestEntries:
        last = self._loops[target][0] if target in self._loops else 0
        if target in self._talk and last > 2 * self.times.start:
            # Not at its end, from which it would have to go round at once.
            last -= self.times.start
        entries = range(min(last + 1, self.times.entries))
        return best_entries(self._looks[name], exits, self._looks[target], entries)


def _chosen(way: _Way, gap: int, most: int) -> list[WantedSeam]:
    costs = way.costs[:, 0] + np.float32(1e-3)
    found = []
    # A loop goes on at its beginning; an action can be left after its last frame, too.
    for at in cover(costs, gap, gap // 2):
        places = way.places(at)
        if way.kind == "start":
            beside = (at + near for near in _NEAR)
            places += [p for i in beside if 0 <= i < len(costs) for p in way.places(i, 1)]
        found.append(_wanted(way.source, places, most))
    return found


def _wanted(source: str, places: list[SeamPlace], most: int) -> WantedSeam:
    return WantedSeam(source, places[0], most, tuple(places[1:]))
