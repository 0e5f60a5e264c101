"""From one place to another without a jolt: a critically damped spring behind a goal that runs.

The spring does not follow where it is to arrive, but a point that runs there straight and at no
more than a given speed. Its answer is an average of where that point has been, with weights that
are never negative (w^2 t exp(-w t)): so it is never faster than the point, never overshoots, and
stays within every straight boundary that the point stays within. Each stretch is solved in closed
form, so that the path is the same at any frame rate. (Lowe, "Critically Damped Ease-In/Ease-Out
Smoothing", Game Programming Gems 4, 2004, has the spring alone, with an approximated exponential.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# Nearer than that is arrived: a fiftieth of a pixel cannot be seen, and what rests costs nothing.
_ARRIVED = 0.02


class Glide:
    """A point of several coordinates that glides to where it is sent."""

    def __init__(self, start: F64, *, lag_s: float) -> None:
        """``lag_s``: how far, in time, it stays behind a goal that runs evenly."""
        self._omega = 2 / lag_s
        self.jump(start)

    def jump(self, to: F64) -> None:
        """Be there at once, at rest."""
        self.place = to.copy()
        self._velocity = np.zeros_like(to)
        self._runner, self.goal = to.copy(), to.copy()
        self.resting = True

    def follow(self, lag_s: float) -> None:
        """Another lag from now on; a longer one only at rest, for it would overshoot."""
        self._omega = 2 / lag_s

    def send(self, goal: F64) -> None:
        """Go there."""
        self.goal = goal.copy()
        self.resting = self.resting and bool((goal == self.place).all())

    def halt(self) -> None:
        """Come to rest, as soon as that goes without going back."""
        self.goal = self._runner.copy()

    def push(self, by: F64) -> None:
        """Be displaced at once, and go on from there; the runner not past the goal."""
        before, after = self.goal - self._runner, self.goal - self._runner - by
        self._runner = np.where(before * after < 0, self.goal, self._runner + by)
        self.place = self.place + by
        self.resting = False

    def advance(self, seconds: float, speed: float) -> None:
        """Let time pass; no coordinate moves by more than ``speed`` a second."""
        if self.resting or seconds <= 0:
            return
        way = self.goal - self._runner
        far = float(np.abs(way).max())
        running = min(seconds, far / speed) if far > 0 else 0.0
        if running > 0:
            self._spring(way * (speed / far), running)
            if running < seconds:
                self._runner = self.goal.copy()
        if running < seconds:
            self._spring(np.zeros_like(way), seconds - running)
        away = float(np.abs(self.goal - self.place).max())
        if max(away, float(np.abs(self._velocity).max()) / self._omega) < _ARRIVED:
            self.jump(self.goal)

    def _spring(self, run: F64, seconds: float) -> None:
        """Solve x'' = w^2 (r - x) - 2 w x' for a runner r that moves evenly: exact."""
        omega, decay = self._omega, math.exp(-self._omega * seconds)
        behind = 2 / omega * run
        y0, v0 = self.place - self._runner + behind, self._velocity - run
        c = v0 + omega * y0
        self._runner = self._runner + run * seconds
        self.place = (y0 + c * seconds) * decay + self._runner - behind
        self._velocity = (v0 - omega * c * seconds) * decay + run
