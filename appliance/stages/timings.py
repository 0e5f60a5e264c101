"""Stage times: how long each step of a frame's path took, by the wall and by this thread's CPU."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from types import TracebackType

BOUNDS_MS = (0.25, 0.5, 1, 2, 4, 8, 16, 33, 66, 133, 250, 500, 1000)
"""Upper bounds of a histogram's buckets, milliseconds; one more bucket takes what is above."""

_BOUNDS_NS = tuple(int(bound * 1e6) for bound in BOUNDS_MS)


class Histogram:
    """Times counted by size since the start. Written by one thread, read by any."""

    __slots__ = ("counts", "total_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS_NS) + 1)
        self.total_ns = 0

    def observe(self, nanoseconds: int) -> None:
        """Count one time."""
        self.counts[bisect_left(_BOUNDS_NS, nanoseconds)] += 1
        self.total_ns += nanoseconds


class Stage:
    """One step's recent times; a context manager that measures one pass."""

    __slots__ = ("_cpu", "_wall", "count", "cpu_ns", "histogram", "wall_ns")

    def __init__(self, keep: int) -> None:
        self.wall_ns: deque[int] = deque(maxlen=keep)
        self.cpu_ns: deque[int] = deque(maxlen=keep)
        self.histogram = Histogram()
        self.count = 0
        self._wall = self._cpu = 0

    def __enter__(self) -> None:
        self._wall, self._cpu = time.perf_counter_ns(), time.thread_time_ns()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cpu_ns.append(time.thread_time_ns() - self._cpu)
        wall = time.perf_counter_ns() - self._wall
        self.wall_ns.append(wall)
        self.histogram.observe(wall)
        self.count += 1


class StageClock:
    """Stages by name; the last ``keep`` passes of each stay, in bounded memory."""

    def __init__(self, keep: int = 600) -> None:
        self.keep = keep
        self.stages: dict[str, Stage] = {}

    def __call__(self, name: str) -> Stage:
        """The stage called ``name``, to be used in a ``with``."""
        stage = self.stages.get(name)
        if stage is None:
            stage = self.stages[name] = Stage(self.keep)
        return stage

    def reset(self) -> None:
        """Drop every figure (after a warm-up)."""
        self.stages.clear()
