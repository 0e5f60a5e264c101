"""Sound on the appliance's clock: blocks of samples, and the line on which they wait to be sent.

Sound is never thrown away because pictures are. Where none came there is silence, counted; where it
comes too early or too late by more than a bound, it is cut with a fade, counted too.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
"""Samples a second, of every block."""
CHANNELS = 2
_SECOND = 1_000_000_000

I16 = NDArray[np.int16]

# How far a block may lie from where the last one ended, before it counts as a jump; within it, the
# blocks are stretched by at most so much until they lie where they belong: nobody hears that.
MOST_OFF = RATE * 60 // 1000
_SLOWLY = 200
# Less than this is a mere rounding of stamps.
_NOTHING = RATE // 1000
_FADE = RATE // 100
# What a line holds: more than the latest sound is behind its picture.
_HELD = 10 * RATE
# Never more silence at once than this: a jump of the clock must not make an hour of it.
_MOST_SILENCE = 2 * RATE


def position(pts: int) -> int:
    """The number of the sample at a time, nanoseconds."""
    return pts * RATE // _SECOND


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


class AudioRing:
    """What has come in and is not sent yet. One thread puts, one takes.

    Attributes:
        missing: samples that were sent as silence because none had come.
        cut: blocks that did not join on to the last one, by more than the bound.
        late: samples that came after their time had been sent.
    """

    def __init__(self) -> None:
        self.missing = self.cut = self.late = 0
        self._ring = silence(_HELD)
        self._lock = threading.Lock()
        # Numbers of samples, by their times: written up to ``_end``, sent up to ``_sent``.
        self._end: int | None = None
        self._sent: int | None = None
        self._last = np.zeros(CHANNELS, np.int16)

    @property
    def end(self) -> int | None:
        """The time up to which sound has come, nanoseconds; None before the first."""
        end = self._end
        return None if end is None else time_of(end)

    def put(self, sound: AudioBlock) -> None:
        """Add a block, where its time puts it."""
        with self._lock:
            samples, at = sound.samples, position(sound.pts)
            if self._end is None:
                self._end = at
                samples = _faded(samples, into=True)
            off = at - self._end
            if sound.restart or abs(off) > MOST_OFF:
                self.cut += 1
                samples = self._jump(samples, at)
            elif abs(off) > _NOTHING and len(samples) > 1:
                most = max(1, len(samples) // _SLOWLY)
                samples = _stretched(samples, len(samples) + min(max(off, -most), most))
            self._write(samples)

    def _jump(self, samples: I16, at: int) -> I16:
        """End what was with a fade, and begin anew at ``at``."""
        assert self._end is not None
        tail = np.linspace(1, 0, _FADE)[:, None] * self._last
        gap = at - self._end
        if gap > 0:
            self._write(tail[: min(gap, _FADE)].astype(np.int16))
            self._write(silence(min(max(0, gap - _FADE), _HELD)))
            self._end = at
        else:
            # Too early: what overlaps was written already.
            samples = samples[min(-gap, len(samples)) :]
        return _faded(samples, into=True)

    def _write(self, samples: I16) -> None:
        assert self._end is not None
        if len(samples) == 0:
            return
        self._last = samples[-1]
        first, self._end = self._end, self._end + len(samples)
        if self._sent is not None and first < self._sent:
            lost = min(self._sent - first, len(samples))
            self.late += lost
            samples, first = samples[lost:], first + lost
        samples = samples[-_HELD:]
        first = self._end - len(samples)
        at = first % _HELD
        head = min(len(samples), _HELD - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]

    def take(self, until: int, patience: int = 0) -> AudioBlock:
        """What lies between what was taken before and a time, nanoseconds; silence where none is.

        What has not come yet is waited for, so it is taken the next time, up to ``patience``
        nanoseconds behind. The first call only marks where sound begins.
        """
        with self._lock:
            upto = position(until)
            if self._end is not None:
                upto = min(upto, max(self._end, upto - position(patience)))
            first = upto if self._sent is None else self._sent
            if upto - first > _MOST_SILENCE:
                # The clock has jumped, or nothing went out for long: nobody waits for all of it.
                first = upto - _MOST_SILENCE
            count = max(0, upto - first)
            self._sent = first + count
            taken = silence(count)
            end = first if self._end is None else self._end
            # The oldest that the ring still holds.
            begin = max(first, end - _HELD)
            there = min(max(0, end - begin), first + count - begin)
            if there > 0:
                at = begin % _HELD
                head = min(there, _HELD - at)
                into = taken[begin - first : begin - first + there]
                into[:head] = self._ring[at : at + head]
                into[head:] = self._ring[: there - head]
                # Once read it is silence again, so that a gap is one.
                self._ring[at : at + head] = 0
                self._ring[: there - head] = 0
            self.missing += count - max(0, there)
            return AudioBlock(taken, time_of(first))


class AudioQueue:
    """What is on its way to one output; bounded, so that one that hangs costs no memory."""

    def __init__(self) -> None:
        self._blocks: deque[AudioBlock] = deque()
        self._held = 0
        self._lock = threading.Lock()
        self.lost = 0
        """Samples that the output did not fetch in time."""

    def put(self, sound: AudioBlock) -> None:
        """Add a block; the oldest goes if the output is too far behind."""
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


def _faded(samples: I16, *, into: bool) -> I16:
    count = min(_FADE, len(samples))
    ramp = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    made = samples.astype(np.float32)
    if into:
        made[:count] *= ramp
    else:
        made[len(made) - count :] *= ramp[::-1]
    return made.astype(np.int16)


def _stretched(samples: I16, count: int) -> I16:
    """The same in a few more or fewer samples, in straight lines between them."""
    where = np.linspace(0, len(samples) - 1, count)
    index = np.arange(len(samples))
    made = [np.interp(where, index, samples[:, channel]) for channel in range(CHANNELS)]
    return np.stack(made, axis=1).round().astype(np.int16)
