"""Times of work on a GPU, against the bytes that it must move and the speed of a plain copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog

from appliance.cuda.context import Buffer, Context, GpuError
from appliance.cuda.graph import Graph
from appliance.errors import MissingDependency

_WARM_UP = 2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: what was timed. us: microseconds of one.
        nbytes: what it must move, whatever the implementation; 0 where that says nothing.
        target_us, target_share: what is asked of it: at most so many microseconds, at least so
            large a part of the copy's speed; None for nothing.
    """

    name: str
    us: float
    nbytes: int = 0
    target_us: float | None = None
    target_share: float | None = None

    @property
    def gb_s(self) -> float:
        """10^9 bytes a second."""
        return self.nbytes / self.us / 1e3

    def held(self, copy_gb_s: float) -> bool | None:
        """Whether the target is held; None where there is none."""
        if self.target_us is not None:
            return self.us <= self.target_us
        if self.target_share is not None:
            return self.gb_s / copy_gb_s >= self.target_share
        return None

    def json(self, copy_gb_s: float) -> dict[str, Any]:
        """All of it, rounded for people."""
        found: dict[str, Any] = {"name": self.name, "us": round(self.us, 2)}
        if self.nbytes:
            found |= {
                "bytes": self.nbytes,
                "gb_s": round(self.gb_s, 1),
                "of_copy": round(self.gb_s / copy_gb_s, 3),
            }
        if self.target_us is not None:
            found["target_us"] = self.target_us
        if self.target_share is not None:
            found["target_of_copy"] = self.target_share
        held = self.held(copy_gb_s)
        return found if held is None else found | {"held": held}


class Timer:
    """Times launches between two events of the GPU's own clock.

    What is timed is recorded into one graph and replayed, for a launch from Python costs more than
    most kernels take.
    """

    def __init__(self, context: Context, *, rounds: int = 20, copy_bytes: int = 1 << 29) -> None:
        """``rounds``: replays between the two events. ``copy_bytes``: see ``copy_gb_s``."""
        self.context, self.rows = context, list[Row]()
        self.graphs: str | None = None
        """Why nothing could be recorded, and launches were timed one by one; None: it was."""
        self._rounds = rounds
        self._kept: list[object] = []
        self.copy_gb_s = self._copy(copy_bytes)
        """Bytes read and written a second by a copy within the device, in 10^9."""

    def measure(
        self, name: str, nbytes: int, launches: Callable[[int], None], *, count: int = 16,
        target_us: float | None = None, target_share: float | None = None,
    ) -> Row:  # fmt: skip
        """Time ``launches(i)`` for i = 0 to count-1, each with pictures of its own.

        Together these should be more than the GPU's L2 cache holds. Appends to ``rows``.

        Raises:
            GpuError: CUDA failed.
        """
        for i in range(min(_WARM_UP, count)):
            launches(i)

        def all_of_them() -> None:
            for i in range(count):
                launches(i)

        graph = self._recorded(all_of_them)
        us = self.time(graph.launch if graph else all_of_them) / count
        if graph:
            graph.close()
        row = Row(name, us, nbytes, target_us, target_share)
        self.rows.append(row)
        return row

    def _recorded(self, launches: Callable[[], None]) -> Graph | None:
        if self.graphs is not None:
            return None
        try:
            graph = Graph(self.context)
            with graph:
                launches()
        except (GpuError, MissingDependency) as error:
            # Where the context itself is lost, the launches fail too.
            self.graphs = str(error)
            log.warning("no CUDA graph: the host's launches are timed too", why=str(error))
            return None
        return graph

    def time(self, run: Callable[[], None]) -> float:
        """Microseconds of one ``run``, which launches and does not wait."""
        context = self.context
        for _ in range(_WARM_UP):
            run()
        with context.guard("timing"):
            start, end = context.driver.Event(), context.driver.Event()
            start.record(context.stream)
        for _ in range(self._rounds):
            run()
        with context.guard("timing"):
            end.record(context.stream)
            end.synchronize()
            return float(end.time_since(start)) * 1e3 / self._rounds

    def _copy(self, size: int) -> float:
        context = self.context
        a, b = context.alloc(size), context.alloc(size)

        def run() -> None:
            with context.guard("copying"):
                context.driver.memcpy_dtod_async(b.address, a.address, size, context.stream)

        return 2 * size / self.time(run) / 1e3

    def upload(self, array: np.ndarray[Any, Any]) -> Buffer:
        """Device memory with a copy of an array, kept as long as the timer."""
        buffer = self.context.upload(array)
        self._kept.append(buffer)
        return buffer

    def alloc(self, nbytes: int) -> Buffer:
        """Device memory of zeros, kept as long as the timer."""
        buffer = self.context.alloc(nbytes, zero=True)
        self._kept.append(buffer)
        return buffer
