"""Sends frames made between those of the source, each at its time, and what stands in for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Protocol

from appliance.config.settings import Companion
from appliance.media.frame import Frame

Companions = Mapping[Companion, Frame]
NONE: Companions = {}

# Where the source was away for longer than this, nothing fills the gap.
_LONGEST_NS = 500_000_000


class Publish(Protocol):
    """Sends a frame, with its companions, at a time (``time.monotonic_ns()``; 0: now)."""

    def __call__(self, frame: Frame, at: int = 0, companions: Companions = NONE) -> None:
        """See ``Programme.publish``."""
        ...


class Filler:
    """Doubles the rate: one frame for each of the source's, made or, at a cut, the last again."""

    def __init__(self, publish: Publish, fill_ns: int | None, *, lossless: bool) -> None:
        """Get ready.

        Args:
            publish: sends a frame.
            fill_ns: how long the source's frames must last for another to fit between; None: never.
            lossless: a file read as fast as possible: every gap is filled, and nothing waits.
        """
        self._publish = publish
        self._fill_ns, self._lossless = fill_ns, lossless
        self._last: tuple[Frame, Companions] | None = None
        self.held_ns = 0
        """How long the source's own frames were last held for those made before them."""

    def forget(self) -> None:
        """What went out last is not to be shown again."""
        self._last, self.held_ns = None, 0

    def has_room(self, frame: Frame) -> bool:
        """Whether another frame fits between this one and its neighbours."""
        return self._fill_ns is not None and frame.duration >= self._fill_ns

    def send(
        self, shown: Frame, made: Frame | None, mode: Literal["between", "ahead"],
        companions: Companions = NONE, made_companions: Companions = NONE,
    ) -> int:  # fmt: skip
        """Send a composite and the frame made with it, if one was; returns for how long it is held.

        Each is sent with its own companions.
        Where none was made (a cut, the first frame), the last composite is shown in its place, so
        that the rate stays.
        """
        last, self._last = self._last, (shown, companions)
        half = shown.duration // 2
        shown = replace(shown, duration=shown.duration - half)
        if mode == "ahead":
            now = time.monotonic_ns()
            self.held_ns = 0
            self._publish(shown, 0, companions)
            if made is None:
                made = replace(shown, pts=shown.pts + half, discontinuity=False)
                made_companions = companions
            self._publish(replace(made, duration=half), now + made.pts - shown.pts, made_companions)
            return 0
        if made is None and last is not None and self._near(last[0], shown):
            again, made_companions = last
            middle = again.pts + (shown.pts - again.pts) // 2
            made = replace(again, pts=middle, discontinuity=False)
        if made is None:
            self.held_ns = 0
            self._publish(shown, 0, companions)
            return 0
        step = shown.pts - made.pts
        now = time.monotonic_ns()
        self._publish(replace(made, duration=step, discontinuity=False), 0, made_companions)
        self.held_ns = 0 if self._lossless else step
        self._publish(shown, now + step, companions)
        return self.held_ns

    def _near(self, last: Frame, shown: Frame) -> bool:
        step = shown.pts - last.pts
        return step > 1 and (self._lossless or step <= _LONGEST_NS)
