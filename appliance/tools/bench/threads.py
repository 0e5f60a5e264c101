"""Where a process's CPU time goes: by thread, and by what the threads are there for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TASKS = Path("/proc/self/task")
# What a thread is there for, by how its name begins. Names are those that threads got in Python,
# else those that GStreamer gives them: the element and the pad that they push from.
_GROUPS = {
    # decodebin's queue pushes compressed pictures through the decoder and what conforms them.
    "multiqueue": "decoder",
    "av:": "decoder",
    "qtdemux": "source",
    "matroska": "source",
    "source": "source",
    "pipeline": "frame path",
    # The appsrc before the encoder: x264 runs in its thread.
    "frames:": "encoder",
    "x264": "encoder",
    # The encoder of sound and its payloader.
    "sound:": "sound",
    "video:": "RTSP server",
    "rtsp": "RTSP server",
    "rtpsession": "RTSP server",
    "pool-": "RTSP server",
    "output": "outputs",
    # Threads that libraries start without a name: those of the network.
    "python": "frame path",
}
REST = "rest"


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """One thread: its name, CPU time since its start, and how often it has gone to sleep."""

    name: str
    cpu_ns: int
    sleeps: int


def group_of(name: str) -> str:
    """What a thread of this name is there for."""
    return next((group for head, group in _GROUPS.items() if name.startswith(head)), REST)


def now() -> dict[int, ThreadTime]:
    """This process's threads by their id (Linux)."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found = {}
    for task in _TASKS.iterdir():
        try:
            comm = (task / "comm").read_text(encoding="utf-8", errors="replace").strip()
            # On the CPU, in nanoseconds; waiting for one; how often it ran.
            spent = int((task / "schedstat").read_text(encoding="ascii").split()[0])
            status = (task / "status").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended since
        sleeps = status.rpartition("\nvoluntary_ctxt_switches:")[2].split()[0]
        thread = int(task.name)
        found[thread] = ThreadTime(names.get(thread, comm), spent, int(sleeps))
    return found


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent between two looks.

    Attributes:
        cpu_ns: by group (``group_of``); ``ended`` for threads that are not there any more.
        threads: by name, the same.
        sleeps: by name, how often threads of that name went to sleep: each time one is woken.
    """

    cpu_ns: dict[str, int]
    threads: dict[str, int]
    sleeps: dict[str, int]


class Watch:
    """Counts from its construction to ``spent``."""

    def __init__(self) -> None:
        self._before, self._process = now(), time.process_time_ns()

    def spent(self) -> Spent:
        """What the threads have spent meanwhile."""
        after, process = now(), time.process_time_ns() - self._process
        return between(self._before, after, process)


def between(
    before: Mapping[int, ThreadTime], after: Mapping[int, ThreadTime], process_ns: int
) -> Spent:
    """What was spent from one look to another; ``process_ns``: by the whole process."""
    groups: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    sleeps: Counter[str] = Counter()
    for number, thread in after.items():
        old = before.get(number)
        cpu = thread.cpu_ns - (old.cpu_ns if old is not None else 0)
        groups[group_of(thread.name)] += cpu
        threads[thread.name] += cpu
        sleeps[thread.name] += thread.sleeps - (old.sleeps if old is not None else 0)
    groups["ended"] = max(0, process_ns - sum(groups.values()))
    return Spent(*(dict(counter.most_common()) for counter in (groups, threads, sleeps)))
