"""Which mouth of the bank: what fits what is said, and goes on from the last one."""

from __future__ import annotations

import numpy as np

from appliance.faces import region
from appliance.faces.bank import Bank
from appliance.faces.intent import Intent
from appliance.faces.visemes import CLOSED, DISTANCES, SHAPES
from appliance.media.frame import F32

# How much a unit of each counts; the first two are about as long as the range of a mouth.
_VISEME_SPOKEN, _VISEME_SEEN, _SHAPE, _JUMP = 1.0, 0.4, 1.2, 0.5
_TURN, _SIZE, _LIGHT = 3.0, 0.3, 0.01
# A level of luma, in the mean around the mouth, between a mouth and the picture it is laid on:
# another light, a jaw or hair elsewhere, which would show through where the mask falls.
_AROUND = 0.02
# Lips that have to meet: everybody sees it if they do not.
_MEET = 3.0
# What came next in the footage is a movement that somebody has made; a mouth that stands still is
# none.
_NEXT, _AGAIN, _WITHIN = 0.15, 0.06, 3
_SIDES: F32 = np.array([1.0, 0.5], np.float32)


class Chooser:
    """Chooses from one bank, tick by tick; the same ticks give the same mouths."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._far = DISTANCES[:, bank.viseme]
        self._by_viseme = _VISEME_SPOKEN if bank.spoken else _VISEME_SEEN
        self._sizes = np.log(np.abs(bank.place[:, 0])).astype(np.float32)
        places = [(complex(a), complex(b)) for a, b in bank.place.tolist()]
        rings = [region.ring(y, place) for y, place in zip(bank.y, places, strict=True)]
        self._rings = np.stack(rings)
        self._goals = self._learnt(bank)
        count = len(bank)
        self._cost, self._part = np.empty(count, np.float32), np.empty(count, np.float32)
        self._last: int | None = None

    @staticmethod
    def _learnt(bank: Bank) -> F32:
        """What each viseme looks like on this person, where the footage has said it often."""
        goals = SHAPES.copy()
        if bank.spoken:
            for viseme in range(len(goals)):
                theirs = bank.shape[bank.viseme == viseme]
                if len(theirs) >= 4:
                    goals[viseme] = 0.5 * goals[viseme] + 0.5 * np.median(theirs, axis=0)
        return goals

    def reset(self) -> None:
        """Forget the last mouth."""
        self._last = None

    def __call__(self, intent: Intent, turn: F32, size: float, ring: F32) -> int:
        """The number of the mouth for a tick.

        The face that it is laid on is turned like ``turn``, of ``size`` pixels from eye to eye, and
        has ``region.ring`` around its mouth.
        """
        bank, cost = self._bank, self._cost
        known = float(intent.weights.sum()) > 0
        goal = intent.shape
        if known:
            goal = goal + intent.weights @ (self._goals - SHAPES)
        np.matmul(intent.weights * np.float32(self._by_viseme), self._far, out=cost)
        meets = float(intent.weights[CLOSED]) > 0.5
        self._add(np.abs(bank.shape - goal), _SHAPE * _MEET if meets else _SHAPE)
        self._add(np.abs(bank.turn - turn) * 2, _TURN)
        np.abs(self._sizes - np.float32(np.log(size)), out=self._part)
        cost += np.float32(_SIZE) * np.minimum(self._part, 1)
        np.abs(self._rings - ring).mean(1, out=self._part)
        cost += np.float32(_AROUND) * self._part
        if self._last is not None:
            self._from(bank, self._last)
        self._last = int(cost.argmin())
        return self._last

    def _from(self, bank: Bank, last: int) -> None:
        """What it costs to go on from the last mouth."""
        cost = self._cost
        self._add(np.abs(bank.shape - bank.shape[last]), _JUMP)
        self._add(np.abs(bank.turn - bank.turn[last]) * 2, _TURN / 2)
        cost += np.float32(_LIGHT) * np.abs(bank.light - bank.light[last])
        clip, frame = bank.origin[last].tolist()
        after = bank.origin[:, 1] - frame
        cost[(bank.origin[:, 0] == clip) & (after > 0) & (after <= _WITHIN)] -= _NEXT
        cost[last] += _AGAIN

    def _add(self, apart: F32, weight: float) -> None:
        np.matmul(apart, _SIDES * np.float32(weight), out=self._part)
        self._cost += self._part
