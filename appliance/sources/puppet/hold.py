"""From pose to pose in time: what is lost is held, then eased to rest; a jump is eased over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.sources.puppet.gesture import Gesture
from appliance.sources.puppet.skin import F64

HOLD_S, EASE_S = 0.5, 0.8
"""How long the last good pose is held, and then takes to come to rest, seconds."""

CUT_S = 0.4
"""How long it takes from before a cut to after it, seconds."""


@dataclass(slots=True)
class _Part:
    numbers: F64
    lost_s: float = 0.0
    share: float = 0.0


class Hold:
    """Follows gestures in time, part by part."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}
        self._shown: Gesture = {}
        self._before: Gesture = {}
        self._since_cut = CUT_S

    def reset(self) -> None:
        """Be at rest."""
        self._parts.clear()
        self._shown, self._before, self._since_cut = {}, {}, CUT_S

    def cut(self) -> None:
        """What comes next has nothing to do with what was: go over to it from there."""
        self._before, self._since_cut = self._shown, 0.0

    def __call__(self, gesture: Gesture, seconds: float) -> Gesture:
        """The gesture to make; ``seconds`` since the last one. What is lost is missing from it."""
        seconds = max(seconds, 0.0)
        for name, numbers in gesture.items():
            part = self._parts.setdefault(name, _Part(numbers))
            part.numbers, part.lost_s = numbers, 0.0
            part.share = min(1.0, part.share + seconds / EASE_S)
        for name, part in self._parts.items():
            if name not in gesture:
                part.lost_s += seconds
                if part.lost_s > HOLD_S:
                    part.share = max(0.0, part.share - seconds / EASE_S)
        wanted = {
            name: part.numbers * _eased(part.share)
            for name, part in self._parts.items()
            if part.share > 0
        }
        self._shown = wanted
        if self._since_cut < CUT_S:
            self._since_cut += seconds
            self._shown = self._across(wanted, _eased(min(1.0, self._since_cut / CUT_S)))
        return self._shown

    def _across(self, wanted: Gesture, share: float) -> Gesture:
        found = {}
        for name in {**self._before, **wanted}:
            after = wanted.get(name, np.zeros(()))
            before = self._before.get(name, np.zeros(()))
            found[name] = np.asarray(before + (after - before) * share)
        return found


def _eased(share: float) -> float:
    """Without a jerk at either end."""
    return share * share * (3 - 2 * share)
