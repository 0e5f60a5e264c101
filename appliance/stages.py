"""Stage times: how long each step of a frame's path took, by the wall and by this thread's CPU."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType


class Stage:
    """One step's recent times; a context manager that measures one pass."""

    __slots__ = ("_cpu", "_wall", "count", "cpu_ns", "wall_ns")

    def __init__(self, keep: int) -> None:
        self.wall_ns: deque[int] = deque(maxlen=keep)
        self.cpu_ns: deque[int] = deque(maxlen=keep)
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
        self.wall_ns.append(time.perf_counter_ns() - self._wall)
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
