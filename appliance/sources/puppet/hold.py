"""A part that is lost is held for a moment, then eased to rest; one that is found, eased in."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.sources.puppet.gesture import Gesture
from appliance.sources.puppet.skin import F64

HOLD_S, EASE_S = 0.5, 0.8


@dataclass(slots=True)
class _Part:
    numbers: F64
    lost_s: float = 0.0
    share: float = 0.0


class Hold:
    """Follows gestures in time, part by part."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def reset(self) -> None:
        """Be at rest."""
        self._parts.clear()

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
        return {
            name: part.numbers * _eased(part.share)
            for name, part in self._parts.items()
            if part.share > 0
        }


def _eased(share: float) -> float:
    """Without a jerk at either end."""
    return share * share * (3 - 2 * share)
