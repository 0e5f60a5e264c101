"""The map over time: it follows what is measured, slowly, and rests where nothing changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.media.frame import F32, Colour
from appliance.stages.harmonise.transport import F64, Colours, eased

PACE_NS = 500_000_000
"""Time constant: after a change, 63 % of it are there after this, 95 % after three times this."""

# A map is left alone until a measured one moves the person's colours by more than this, of 255.
_DEAD = 0.75
# So near to where it goes it is there.
_REST = 0.2


@dataclass(frozen=True, slots=True)
class _Aim:
    map: F64
    person: Colours


class LightMap:
    """Where the person's colours go, from frame to frame."""

    def __init__(self, colour: Colour) -> None:
        self._colour = colour
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next measurement counts at once."""
        self._aim: _Aim | None = None
        self._now: _Aim | None = None
        self._pts = 0
        self._made: tuple[float, F32] | None = None

    def measured(self, map: F64, person: Colours) -> None:
        """Note where the colours of the person, as they are, should go: float64 (3, 4)."""
        aim = _Aim(map, person)
        if self._aim is None or self._differs(self._aim, aim):
            self._aim = aim

    def matrix(self, strength: float, pts: int) -> F32 | None:
        """The map for the frame of this time, float32 (3, 4); None before anything is known.

        ``strength``: 0..1. ``pts``: nanoseconds; only what lies between two frames counts.
        """
        aim, now = self._aim, self._now
        elapsed, self._pts = max(0, pts - self._pts), pts
        if aim is None:
            return None
        if now is None:
            self._now, self._made = aim, None
        elif now is not aim:
            step = 1 - math.exp(-elapsed / PACE_NS)
            near = _between(now, aim, step)
            self._now = aim if not self._differs(near, aim, _REST) else near
            self._made = None
        if self._made is None or self._made[0] != strength:
            assert self._now is not None
            made = eased(self._now.map, strength, self._now.person, self._colour)
            self._made = (strength, made)
        return self._made[1]

    @staticmethod
    def _differs(one: _Aim, other: _Aim, by: float = _DEAD) -> bool:
        """Whether two maps take the person's colours to places that differ."""
        mean = other.person.mean
        spread = 2 * np.sqrt(np.diag(other.person.covariance))
        apart = other.map - one.map
        at_mean = np.abs(apart[:, :3] @ mean + apart[:, 3])
        return bool((at_mean + np.abs(apart[:, :3]) @ spread > by).any())


def _between(now: _Aim, aim: _Aim, step: float) -> _Aim:
    a, b = now.person, aim.person
    skin = b.skin if a.skin is None or b.skin is None else a.skin + step * (b.skin - a.skin)
    person = Colours(
        a.mean + step * (b.mean - a.mean), a.covariance + step * (b.covariance - a.covariance), skin
    )
    return _Aim(now.map + step * (aim.map - now.map), person)
