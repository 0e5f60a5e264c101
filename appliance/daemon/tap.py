"""A tap on what goes out, on request: composites, placeholders, and the matte behind them.

While nobody asks, it costs one comparison per frame. While somebody does, at most one frame per
period is kept, in one slot, and its matte is written out too. The camera's picture never gets
here: only what went to the outputs is kept.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from appliance.media.frame import U8, Frame

# A request lasts this long unless renewed; then the slot is freed, and its canvas with it.
_ASKED_FOR_S = 2.0


@dataclass(frozen=True, slots=True)
class TappedFrame:
    """One frame that went out.

    Attributes:
        serial: numbers the tapped frames, from 1.
        frame: what went out; whoever holds it holds a canvas, of which there are few.
        matte: its alpha, uint8 (height, width); None for a placeholder.
    """

    serial: int
    frame: Frame
    matte: U8 | None


class Tap:
    """The slot. Any thread may call ``ask`` and ``next``; the rest is for the frame path."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._until = self._due = 0.0
        self._period = 0.0
        # The luma of the composite that is being made, and its matte.
        self._matte: tuple[U8, U8] | None = None
        self._look: TappedFrame | None = None
        self._serial = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody has asked."""
        return time.monotonic() < self._until

    def ask(self, period_s: float = 0.0) -> None:
        """Have frames kept for the next two seconds, at most one per ``period_s``."""
        with self._condition:
            now = time.monotonic()
            self._period = min(self._period, period_s) if now < self._until else period_s
            self._until = now + _ASKED_FOR_S
            self._due = min(self._due, now + period_s)

    def next(self, after: int, timeout: float) -> TappedFrame | None:
        """The newest frame tapped after number ``after``; None after ``timeout`` seconds."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._look is not None and self._look.serial > after, timeout
            )
            look = self._look
            return look if look is not None and look.serial > after else None

    @property
    def serial(self) -> int:
        """The number of the newest tapped frame."""
        return self._serial

    def matte_for(self, out: Frame) -> U8 | None:
        """Where to write the next composite's matte; None while nobody wants it."""
        now = time.monotonic()
        if now >= self._until or now < self._due:
            self._matte = None
        else:
            # A new array each time: the last one may still be in use.
            self._matte = (out.y, np.empty((out.height, out.width), np.uint8))
        return None if self._matte is None else self._matte[1]

    def composite(self, frame: Frame) -> None:
        """Note a composite that goes out; kept if ``matte_for`` gave it an array for its matte."""
        matte = self._matte
        # A frame made between two of the source goes out as well, and has no matte.
        if matte is not None and matte[0] is frame.y:
            self._matte = None
            self._keep(frame, matte[1])
        else:
            self._tidy()

    def placeholder(self, frame: Frame) -> None:
        """Note a placeholder that goes out."""
        if self.wanted and time.monotonic() >= self._due:
            self._keep(frame, None)
        else:
            self._tidy()

    def _keep(self, frame: Frame, matte: U8 | None) -> None:
        with self._condition:
            now = time.monotonic()
            # Counted from when it was due, so that the period is met on average.
            self._due = max(self._due + self._period, now + self._period / 2)
            self._serial += 1
            self._look = TappedFrame(self._serial, frame, matte)
            self._condition.notify_all()

    def _tidy(self) -> None:
        if self._look is not None and not self.wanted:
            with self._condition:
                self._look = None
