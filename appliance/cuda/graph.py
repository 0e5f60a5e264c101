"""CUDA graphs: many launches recorded once and replayed as one, through the driver's C interface.

pycuda has no graphs; the driver has, and a pycuda stream's ``handle`` is all it needs. A launch
from Python costs several microseconds, more than most kernels of the frame path take, so a frame
that is launched kernel by kernel is bound by the host.

What is recorded is recorded with its arguments: addresses, ROI, pitches. A replay is right only
where all of them are the same again.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any

import structlog

from appliance.cuda.context import Context, GpuError
from appliance.cuda.libcuda import call, library_of
from appliance.errors import MattingError, MissingDependency

log = structlog.get_logger(__name__)

# CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do with the driver does not matter.
_THREAD_LOCAL = 1


class Graph:
    """Launches on a context's stream, recorded within ``with graph:`` and replayed by ``launch``.

    Nothing is run while recording. Recording allocates: it belongs in the set-up, or in the first
    frames.
    """

    def __init__(self, context: Context, *, library: Any = None) -> None:
        """``library`` stands in for libcuda in tests."""
        self._context = context
        self._library = library or library_of(context)
        self._stream = ctypes.c_void_p(int(context.stream.handle))
        self._graph = ctypes.c_void_p()
        self._executable = ctypes.c_void_p()

    def _call(self, name: str, *arguments: Any) -> None:
        call(self._context, self._library, name, *arguments)

    def __enter__(self) -> Graph:
        self.close()
        self._call("cuStreamBeginCapture_v2", self._stream, ctypes.c_int(_THREAD_LOCAL))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        graph = ctypes.c_void_p()
        if error is not None:
            # The capture must be ended all the same; what it says adds nothing to the error.
            self._library.cuStreamEndCapture(self._stream, ctypes.byref(graph))
            self._graph = graph
            self.close()
            return
        self._call("cuStreamEndCapture", self._stream, ctypes.byref(graph))
        self._graph = graph
        self._call(
            "cuGraphInstantiateWithFlags", ctypes.byref(self._executable), graph,
            ctypes.c_ulonglong(0),
        )  # fmt: skip

    def launch(self) -> None:
        """Replay on the context's stream and return at once.

        Raises:
            GpuError: nothing was recorded, or the driver refused.
        """
        if not self._executable.value:
            raise GpuError("a CUDA graph was launched before anything was recorded")
        self._call("cuGraphLaunch", self._executable, self._stream)

    def close(self) -> None:
        """Forget what was recorded. Safe to call twice."""
        if self._executable.value:
            self._call("cuGraphExecDestroy", self._executable)
        if self._graph.value:
            self._call("cuGraphDestroy", self._graph)
        self._executable, self._graph = ctypes.c_void_p(), ctypes.c_void_p()


class Replay:
    """Launches that come again and again with the same arguments, as graphs.

    What is launched for a key is recorded when the key has come up often enough to call the frame
    steady, and replayed from then on. Where the driver or the network cannot be recorded, that is
    said once, and everything is launched one by one as before.
    """

    _STEADY = 4  # times that a key was seen: the first run of an engine must not be recorded
    _MOST_GRAPHS, _MOST_SEEN = 64, 256

    def __init__(self, context: Context) -> None:
        self._context = context
        self._graphs: OrderedDict[Hashable, Graph] = OrderedDict()
        self._seen: OrderedDict[Hashable, int] = OrderedDict()
        self.off = False
        """True: everything is launched one by one, to compare."""
        self.refused: str | None = None
        """Why nothing is recorded; None while it is."""

    def run(self, key: Hashable, launches: Callable[[], None]) -> None:
        """Launch, or replay what ``launches`` launched for the same ``key`` before.

        Raises what ``launches`` raises.
        """
        graph = self._graphs.get(key)
        if self.off:
            launches()
        elif graph is not None:
            self._graphs.move_to_end(key)
            graph.launch()
        elif not self._steady(key) or not self._record(key, launches):
            launches()

    def _steady(self, key: Hashable) -> bool:
        if self.refused is not None:
            return False
        count = self._seen.pop(key, 0) + 1
        self._seen[key] = count
        if len(self._seen) > self._MOST_SEEN:
            self._seen.popitem(last=False)
        return count >= self._STEADY

    def _record(self, key: Hashable, launches: Callable[[], None]) -> bool:
        """Record and replay; False when nothing was launched."""
        graph = None
        try:
            graph = Graph(self._context)
            with graph:
                launches()
        except (GpuError, MattingError, MissingDependency) as error:
            # A broken context fails again when everything is launched one by one, and then ends
            # the process as it must.
            self.refused = str(error)
            log.warning("no CUDA graph: kernels are launched one by one", why=str(error))
            if graph is not None:
                graph.close()
            return False
        del self._seen[key]
        if len(self._graphs) >= self._MOST_GRAPHS:
            self._graphs.popitem(last=False)[1].close()
        self._graphs[key] = graph
        graph.launch()
        return True

    def close(self) -> None:
        """Forget what was recorded."""
        while self._graphs:
            self._graphs.popitem()[1].close()
