"""The ring in which sound waits for its pictures: nothing is lost, gaps are counted silence.

It never throws sound away because pictures are. Where none came there is silence; where it comes
too early or too late by more than a bound, it is cut. Wherever sound begins or ends in the middle
of a wave it is faded, as a step would be heard as a click.
"""

from __future__ import annotations

import threading

import numpy as np

from appliance.media.audio import I16, RATE, AudioBlock, position, silence, time_of
from appliance.media.stretch import HISTORY, faded_in, faded_out, stretched

# How far a block may lie from where the last one ended, before it counts as a jump; within it, the
# blocks are stretched by at most so much until they lie where they belong: nobody hears that.
MOST_OFF = RATE * 60 // 1000
_SLOWLY = 100
# How long it takes to make good what is off, in samples, and how many lie between two corrections.
_FOLLOW = RATE
_SELDOM = RATE // 50
# Less than this is a mere rounding of stamps.
_NOTHING = RATE // 1000
FADE = RATE // 100
# What begins anew is meant to begin: only a step is taken off it, not its attack.
_ATTACK = RATE // 500
# What the ring holds: more than the latest sound is behind its picture.
HELD = 10 * RATE
# Never more silence at once than this: a jump of the clock must not make an hour of it.
_MOST_SILENCE = 2 * RATE


class AudioRing:
    """What has come in and is not sent yet. One thread takes; of those who put, one is in use.

    Attributes:
        missing: samples sent as silence in the place of sound that should have come.
        cut: blocks that did not join on to the last one, by more than the bound, without a reason.
        late: samples that came after their time had been sent.
    """

    def __init__(self) -> None:
        self.missing = self.cut = self.late = 0
        self._ring = silence(HELD)
        self._lock = threading.Lock()
        self._user: object | None = None
        # Whether the next block begins something new; whether sound is on its way.
        self._anew = self._joins = False
        self._expected = True
        self._delay = 0
        # Numbers of samples, by their times: written up to ``_end``, sent up to ``_sent``.
        self._end: int | None = None
        self._sent: int | None = None
        self._oldest = self._from = 0
        self._since = 0
        # Whether what was sent last is silence because nothing was there.
        self._dry = True

    @property
    def end(self) -> int | None:
        """The time up to which sound has come, nanoseconds; None before the first."""
        end = self._end
        return None if end is None else time_of(end - self._delay)

    def use(self, user: object | None) -> None:
        """From now on only ``put`` and ``expect`` ``by`` this one count: the source was changed."""
        with self._lock:
            if user is not self._user:
                self._user, self._anew, self._expected = user, True, False
                self._joins = True

    def used_by(self, user: object) -> bool:
        """Whether what this one puts counts now."""
        return user is self._user

    def delay(self, delay: int) -> None:
        """Let sound lie so much later than its pictures from now on, nanoseconds, 0 or more."""
        with self._lock:
            if position(delay) != self._delay:
                self._delay, self._anew = position(delay), True

    def expect(self, expected: bool, by: object | None = None) -> None:
        """Say whether more is on its way: only then is it waited for, and counted as missing."""
        with self._lock:
            if by is self._user:
                self._expected = expected

    def put(self, sound: AudioBlock, by: object | None = None) -> None:
        """Add a block, where its time puts it."""
        with self._lock:
            if by is not self._user or len(sound.samples) == 0:
                return
            samples, at = sound.samples, position(sound.pts) + self._delay
            if self._joins and self._sent is not None:
                # What the new one said before it was heard is not late: it was not asked for.
                before = min(max(0, self._sent - at), len(samples))
                samples, at = samples[before:], at + before
                if len(samples) == 0:
                    return
            self._joins = False
            anew, self._anew = self._anew, False
            if self._end is None:
                self._begin(samples, at)
                return
            off = at - self._end
            if anew:
                self._jump(samples, at, FADE)
            elif abs(off) <= _NOTHING:
                if sound.restart and off:
                    self._close_up(off)
                self._append(samples)
            elif sound.restart:
                self._jump(samples, at, _ATTACK)
            elif abs(off) > MOST_OFF:
                self.cut += 1
                # What of a gap was sent already is counted already.
                self.missing += max(0, at - max(self._end, self._sent or self._end))
                self._jump(samples, at, FADE)
            else:
                self._append(self._drawn(samples, off))

    def _begin(self, samples: I16, at: int) -> None:
        """Begin with the first block, without what lies before the first picture."""
        before = 0 if self._sent is None else max(0, self._sent - at)
        if before < len(samples):
            self._end = self._oldest = self._from = at + before
            self._append(faded_in(samples[before:], _ATTACK))

    def _drawn(self, samples: I16, off: int) -> I16:
        """The block a little longer or shorter, so that after some of them nothing is off."""
        self._since += len(samples)
        most = len(samples) // _SLOWLY
        if self._since < _SELDOM or most == 0:
            return samples
        self._since = 0
        by = min(most, max(1, abs(off) * len(samples) // _FOLLOW), abs(off))
        assert self._end is not None
        before = self._read(self._end - HISTORY, HISTORY)
        return stretched(samples, len(samples) + (by if off > 0 else -by), before)

    def _close_up(self, off: int) -> None:
        """Stretch the end of what is there, so that a round of a loop joins on to it.

        Times are that coarse in some files, and demuxers cut the last block to them.
        """
        assert self._end is not None
        first = max(self._from, self._end - _SELDOM, self._sent or self._from)
        count = self._end - first
        if count > 4 * abs(off):
            before = self._read(first - HISTORY, HISTORY)
            tail = stretched(self._read(first, count), count + off, before)
            self._end = first
            self._append(tail)

    def _jump(self, samples: I16, at: int, rise: int) -> None:
        """End what was with a fade, and begin anew at ``at``, or where that was sent already."""
        assert self._end is not None
        begin = at if self._sent is None else max(at, self._sent)
        lost = begin - at
        if lost:
            self.late += min(lost, len(samples))
            samples = samples[lost:]
        if len(samples) == 0:
            # The next one is the first that can be heard.
            self._anew = True
            self._end = min(self._end, begin + FADE)
            self._fade_end()
            return
        if begin < self._end:
            # Both are there: the old one ends within the new one's first samples.
            both = min(FADE, self._end - begin, len(samples))
            old = self._read(begin, both)
            samples = faded_in(samples, rise)
            samples[:both] = _mixed(faded_out(old, both), samples[:both])
            self._end = begin
        else:
            self._fade_end()
            gap = begin - self._end
            if gap < HELD:
                self._append(silence(gap))
            else:
                # Nothing of what was is held any more.
                self._oldest = self._end = begin
            samples = faded_in(samples, rise)
        self._from = begin
        self._append(samples)

    def _fade_end(self) -> None:
        """Let what is not sent yet of the last samples fall to silence."""
        assert self._end is not None
        first = self._oldest if self._sent is None else max(self._sent, self._oldest)
        count = min(FADE, self._end - first)
        if count > 0:
            self._write(self._end - count, faded_out(self._read(self._end - count, count), count))

    def _append(self, samples: I16) -> None:
        assert self._end is not None
        first, self._end = self._end, self._end + len(samples)
        if self._sent is not None and first < self._sent:
            self.late += min(self._sent - first, len(samples))
        samples = samples[-HELD:]
        self._write(self._end - len(samples), samples)

    def _write(self, first: int, samples: I16) -> None:
        at = first % HELD
        head = min(len(samples), HELD - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]

    def _read(self, first: int, count: int) -> I16:
        at = first % HELD
        over = max(0, at + count - HELD)
        return np.concatenate((self._ring[at : at + count], self._ring[:over]))

    def turn_back(self, until: int) -> None:
        """What is taken next begins at this time, nanoseconds: the line of times begins anew."""
        with self._lock:
            self._sent, self._dry = position(until), True

    def take(self, until: int, patience: int = 0, ahead: int = 0) -> AudioBlock:
        """What lies between what was taken before and a time, nanoseconds; silence where none is.

        What is expected and has not come yet is waited for, so it is taken the next time, up to
        ``patience`` nanoseconds behind. What is here already is taken up to ``ahead`` nanoseconds
        before its time. The first call only marks where sound begins.
        """
        with self._lock:
            first_call = self._sent is None
            upto = self._upto(
                position(until), position(patience), 0 if first_call else position(ahead)
            )
            first = upto if self._sent is None else self._sent
            first, upto = self._bounded(first, upto)
            count = max(0, upto - first)
            self._sent = first + count
            return AudioBlock(self._taken(first, count), time_of(first))

    def _upto(self, wanted: int, patience: int, ahead: int) -> int:
        """Up to which sample to send: the last ones that are there stay, as they may be faded."""
        if not self._expected:
            return wanted
        if self._end is None:
            return wanted - patience if self._sent is not None else wanted
        settled = self._end - FADE
        upto = min(wanted + ahead, max(settled, wanted - patience))
        return settled if patience and settled < upto <= self._end else upto

    def _bounded(self, first: int, upto: int) -> tuple[int, int]:
        """The same without more silence than anybody waits for: the clock has jumped, say."""
        end = first if self._end is None else max(first, min(self._end, upto))
        if end == first:
            return max(first, upto - _MOST_SILENCE), upto
        return max(first, self._held_from(end) - _MOST_SILENCE), min(upto, end + _MOST_SILENCE)

    def _held_from(self, end: int) -> int:
        """The oldest sample that the ring still holds."""
        return max(end - HELD, self._oldest)

    def _taken(self, first: int, count: int) -> I16:
        """Samples from ``first`` on, faded where they begin or end because none are there."""
        taken = silence(count)
        if count == 0:
            return taken
        end = first if self._end is None else self._end
        begin = max(first, self._held_from(end))
        there = min(end, first + count) - begin
        if there > 0:
            found = self._read(begin, there)
            if begin > self._from and (self._dry or begin > first):
                found = faded_in(found, FADE)
            if end < first + count:
                found = faded_out(found, FADE)
            taken[begin - first : begin - first + there] = found
        self._dry = end < first + count
        if self._expected:
            # Before it began none was missing.
            before = 0 if self._end is None else min(begin - first, count)
            self.missing += count - max(0, there) - before
        return taken


def _mixed(one: I16, other: I16) -> I16:
    return (one.astype(np.int32) + other).clip(-32768, 32767).astype(np.int16)
