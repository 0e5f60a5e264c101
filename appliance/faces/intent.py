"""What the mouth is to do in one tick, from the marks and the sound around it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from appliance.faces.base import Spoken
from appliance.faces.visemes import CLOSED, SHAPES, SILENT
from appliance.media.frame import F32
from appliance.voices.base import VISEMES, Mark

# A mouth begins to move towards the next sound so long before it, and is half way there when it
# begins (Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993, whose
# dominance falls off over about this time).
_AHEAD_MS = 80.0
# Of the last tick's shape: lips have mass. Not where they have to meet.
_CARRIED = 0.35
_QUIET_DB, _LOUD_DB = -50.0, -20.0


@dataclass(frozen=True, slots=True, eq=False)
class Intent:
    """What the mouth is to do.

    Attributes:
        shape: float32 (2,), as ``visemes.SHAPES``.
        weights: float32 (15,), how much each viseme counts, 1 together; all 0: not known.
        silent: a pause within speech.
    """

    shape: F32
    weights: F32
    silent: bool = False


def intent_of(said: Spoken, tick_ms: float, rate: int, last: Intent | None) -> Intent | None:
    """The intent for a tick of ``tick_ms``; None: no voice at all.

    ``last`` is the tick's before. With visemes, by them, and the next one looked ahead at; without
    any, by loudness.
    """
    now, level = tick_ms / 2, _level(said)
    # Before the first mark nothing is said yet.
    before: Mark | None = None
    after: Mark | None = None
    for mark in said.marks:
        if mark.kind == "viseme" and mark.ms <= now:
            before = mark
        elif mark.kind == "viseme":
            after = mark
            break
    if before is None and after is None:
        return _by_loudness(level, last)
    current = SILENT if before is None else VISEMES.index(before.value)
    upcoming = None if after is None else (after.ms, VISEMES.index(after.value))
    if upcoming is None and level <= _QUIET_DB - 10:
        # After the last mark: a voice need not say that it has ended.
        current = SILENT
    weights = np.zeros(len(VISEMES), np.float32)
    weights[current] = 1
    if current == SILENT:
        # Nothing more to come is the end, in which there is no voice.
        if upcoming is None and level <= _QUIET_DB:
            return None
        weights[:] = 0
        weights[CLOSED] = 1
        return Intent(SHAPES[SILENT], weights, True)
    if upcoming is not None:
        near = 1 - (upcoming[0] - now) / _AHEAD_MS
        if near > 0:
            share = 0.5 * near * near * (3 - 2 * near)
            weights[current] -= share
            weights[CLOSED if upcoming[1] == SILENT else upcoming[1]] += share
    shape = weights @ SHAPES
    if last is not None and not last.silent and current != CLOSED:
        shape = (1 - _CARRIED) * shape + _CARRIED * last.shape
    return Intent(np.asarray(shape, np.float32), weights)


def _by_loudness(level: float, last: Intent | None) -> Intent | None:
    if level <= _QUIET_DB:
        return None
    open_ = min(1.0, (level - _QUIET_DB) / (_LOUD_DB - _QUIET_DB)) ** 1.5
    shape = np.array([open_, 0.0], np.float32)
    if last is not None and not last.silent:
        shape = (1 - _CARRIED) * shape + np.float32(_CARRIED) * last.shape
    return Intent(np.asarray(shape, np.float32), np.zeros(len(VISEMES), np.float32))


def _level(said: Spoken) -> float:
    """How loud the sound is, dB of full scale, RMS."""
    if len(said.sound) == 0:
        return -math.inf
    power = float(np.mean(np.square(said.sound, dtype=np.float64)))
    return 10 * math.log10(power / 32768.0**2) if power > 0 else -math.inf
