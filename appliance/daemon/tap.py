"""A tap on what goes out, for whoever asks: composites, placeholders, and the matte behind them.

Nobody asks: one comparison a frame is all it costs. Somebody does: at most one frame a period is
kept, in one slot, and for that frame the matte is written out too. The camera's picture never gets
here: what is kept is what went to the outputs.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from appliance.media.frame import U8, Frame

# Who asks says so again at least this often; then the slot is given up, and its canvas with it.
_ASKED_FOR_S = 2.0


@dataclass(frozen=True, slots=True)
class TappedFrame:
    """One frame that went out.

    Attributes:
        serial: counts looks, from 1.
        frame: what went out; who holds it holds a canvas, of which there are few.
        matte: uint8 (height, width), its alpha; None for a placeholder.
    """

    serial: int
    frame: Frame
    matte: U8 | None


class Tap:
    """The slot. ``ask`` and ``next`` are for any thread, the rest for the frame's path."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._until = self._due = 0.0
        self._period = 0.0
        self._matte: U8 | None = None
        self._look: TappedFrame | None = None
        self._serial = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody looks."""
        return time.monotonic() < self._until

    def ask(self, period_s: float = 0.0) -> None:
        """Have frames kept for the next two seconds, at most one in ``period_s``."""
        with self._condition:
            now = time.monotonic()
            self._period = min(self._period, period_s) if now < self._until else period_s
            self._until = now + _ASKED_FOR_S
            self._due = min(self._due, now + period_s)

    def next(self, after: int, timeout: float) -> TappedFrame | None:
        """The newest look later than the one numbered ``after``; None after ``timeout`` seconds."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._look is not None and self._look.serial > after, timeout
            )
            look = self._look
            return look if look is not None and look.serial > after else None

    @property
    def serial(self) -> int:
        """The number of the newest look so far."""
        return self._serial

    def matte_for(self, out: Frame) -> U8 | None:
        """Where to write the next composite's matte; None while nobody wants it."""
        now = time.monotonic()
        if now >= self._until or now < self._due:
            self._matte = None
        else:
            # A new one each time: the last may still be looked at.
            self._matte = np.empty((out.height, out.width), np.uint8)
        return self._matte

    def composite(self, frame: Frame) -> None:
        """This composite goes out; its matte is what ``matte_for`` gave last."""
        matte, self._matte = self._matte, None
        if matte is not None:
            self._keep(frame, matte)
        else:
            self._tidy()

    def placeholder(self, frame: Frame) -> None:
        """This placeholder goes out."""
        if self.wanted and time.monotonic() >= self._due:
            self._keep(frame, None)
        else:
            self._tidy()

    def _keep(self, frame: Frame, matte: U8 | None) -> None:
        with self._condition:
            now = time.monotonic()
            # From when it was due, so that a period is met on average.
            self._due = max(self._due + self._period, now + self._period / 2)
            self._serial += 1
            self._look = TappedFrame(self._serial, frame, matte)
            self._condition.notify_all()

    def _tidy(self) -> None:
        if self._look is not None and not self.wanted:
            with self._condition:
                self._look = None
