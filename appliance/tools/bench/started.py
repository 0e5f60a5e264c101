"""Within a ``mattebox run`` that is measured: notes when what was done, up to the first composite.

``start`` begins such a process and reads what it says. Imports are made in groups, in the order in
which they are first needed, so that each has its share; otherwise nothing is done that the program
would not do.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from appliance.tools.bench import smaps

_GROUPS = (
    ("the settings' code", "appliance.config.load"),
    ("NumPy", "numpy"),
    ("OpenCV", "cv2"),
    ("GStreamer and its registry", "appliance.media.gst"),
    ("ONNX Runtime", "onnxruntime"),
    ("the kernels' code", "appliance.pixels.cpu"),
    ("all other code of the daemon", "appliance.service.run"),
)


class Notes:
    """What happened when, and with ``memory`` what was resident then."""

    def __init__(self, begun_ns: int, frames: int, memory: bool) -> None:
        """``begun_ns``: ``time.monotonic_ns()`` when the process was asked for.

        ``frames``: composites after which the process says what it noted, and ends.
        """
        self._begun, self._frames, self._memory = begun_ns, frames, memory
        self._marks: list[dict[str, Any]] = []
        self._beside: dict[str, float] = {}
        self._composites = 0

    def mark(self, what: str) -> None:
        """Note that this is done now."""
        note: dict[str, Any] = {
            "done": what,
            "wall_ms": (time.monotonic_ns() - self._begun) / 1e6,
            "cpu_ms": time.process_time_ns() / 1e6,
        }
        if self._memory:
            held = smaps.total()
            note |= {"rss_mb": held.rss, "private_mb": held.private}
        self._marks.append(note)

    def watch(self) -> None:
        """Import what the program will, and put marks where the daemon passes."""
        self.mark("the interpreter")
        for what, module in _GROUPS:
            importlib.import_module(module)
            self.mark(what)
        from appliance.daemon import daemon
        from appliance.daemon.programme import Programme

        self._timed(daemon, "choose_network", "the network")
        self._timed(daemon, "first_open", "the source")
        self._marked(daemon.Daemon, "_open_pipeline", "network, source, pipeline, kernels")
        self._marked(daemon.Daemon, "_await_outputs", "the outputs")
        publish = Programme.publish

        def published(programme: Programme, *given: Any, **named: Any) -> None:
            publish(programme, *given, **named)
            self._composites += 1
            if self._composites == 1:
                self.mark("the first composite")
            if self._composites == self._frames:
                self._end()

        setattr(Programme, "publish", published)  # noqa: B010 - mypy knows the method's own type

    def _end(self) -> None:
        if self._frames > 1:
            self.mark(f"{self._frames} composites")
        from appliance.pixels.cpu import jit

        said: dict[str, Any] = {"marks": self._marks, "beside_ms": self._beside}
        if self._memory:
            said["holders"] = {
                name: {"rss_mb": held.rss, "private_mb": held.private}
                for name, held in smaps.by_holder().items()
            }
        said["modules"] = sorted(sys.modules)
        said["kernels"] = [kernel.name for kernel in jit.kernels() if kernel.ready]
        os.write(1, json.dumps(said).encode())
        # The rest of the program is not measured.
        os._exit(0)

    def _timed(self, module: Any, name: str, what: str) -> None:
        """How long a call takes that runs beside others."""
        call: Callable[..., Any] = getattr(module, name)

        def timed(*given: Any, **named: Any) -> Any:
            begun = time.monotonic_ns()
            try:
                return call(*given, **named)
            finally:
                self._beside[what] = (time.monotonic_ns() - begun) / 1e6

        setattr(module, name, timed)

    def _marked(self, kind: Any, name: str, what: str) -> None:
        call: Callable[..., Any] = getattr(kind, name)

        def marked(*given: Any, **named: Any) -> Any:
            result = call(*given, **named)
            self.mark(what)
            return result

        setattr(kind, name, marked)
