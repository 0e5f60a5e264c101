"""Sound on the appliance's clock: blocks of samples, and how they wait for an output."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
"""Samples a second, of every block."""
CHANNELS = 2
_SECOND = 1_000_000_000

I16 = NDArray[np.int16]

# What one queue holds: an output that is further behind loses the oldest.
_HELD = 10 * RATE


def position(pts: int) -> int:
    """The number of the sample nearest to a time, nanoseconds; that of ``time_of`` exactly."""
    return (pts * RATE + _SECOND // 2) // _SECOND


def time_of(sample: int) -> int:
    """The time of a sample, nanoseconds."""
    return sample * _SECOND // RATE


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A block of sound.

    Attributes:
        samples: int16 (count, 2): left and right, 48,000 a second.
        pts: the time of the first of them, nanoseconds, on the clock that frames have theirs on.
        restart: the source begins anew with it: it does not join on to the last block.
    """

    samples: I16
    pts: int
    restart: bool = False

    @property
    def duration(self) -> int:
        """How long it lasts, nanoseconds."""
        return time_of(len(self.samples))


def silence(count: int) -> I16:
    """Samples of true silence."""
    return np.zeros((count, CHANNELS), np.int16)


class AudioQueue:
    """What is on its way to one output; bounded, so that one that hangs costs no memory."""

    def __init__(self, idle: Callable[[], bool] = lambda: False) -> None:
        """``idle``: says, at each put, that the output has no use for sound: it is forgotten."""
        self._idle = idle
        self._blocks: deque[AudioBlock] = deque()
        self._held = 0
        self._lock = threading.Lock()
        self.lost = 0
        """Samples that the output did not fetch in time."""

    def put(self, sound: AudioBlock) -> None:
        """Add a block; the oldest goes if the output is too far behind."""
        if self._idle():
            # What is left from before would come long after its time.
            self.take()
            return
        with self._lock:
            self._blocks.append(sound)
            self._held += len(sound.samples)
            while self._held > _HELD:
                oldest = self._blocks.popleft()
                self._held -= len(oldest.samples)
                self.lost += len(oldest.samples)

    def take(self) -> list[AudioBlock]:
        """All there is, in order."""
        with self._lock:
            found = list(self._blocks)
            self._blocks.clear()
            self._held = 0
            return found
