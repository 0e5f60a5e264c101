"""Fewer frames, evenly: those of a slower rate chosen from those of a faster one."""

from __future__ import annotations


class Decimator:
    """Chooses the frames of a slower rate from those of a faster one."""

    def __init__(self, period_ns: int) -> None:
        self._period = period_ns
        self._due: int | None = None

    def takes(self, pts: int) -> bool:
        """Whether the frame of this presentation time (nanoseconds) is to be shown."""
        due = self._due
        if due is not None and due - 2 * self._period < pts < due:
            return False
        if due is not None and 0 <= pts - due < self._period:
            self._due = due + self._period
        else:
            # A quarter of a period early is a camera's jitter, not another rate.
            self._due = pts + self._period - self._period // 4
        return True
