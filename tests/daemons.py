"""Daemons for tests: a network that can be broken, an output that remembers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import OutputSettings, Settings
from appliance.daemon import daemon as daemon_module
from appliance.daemon.daemon import Daemon
from appliance.errors import MattingError, OutputError
from appliance.media.frame import F32, Format, Frame
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.outputs.make import make_output
from tests.scenes import PERSON, STAGE, room_share


class Breakable(OnnxRuntimeMatting):
    """A network that can be made to fail, to hang until it is let go, or to be slow."""

    broken: str | None = None
    slow_s: float = 0.0
    """Seconds that it takes besides."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._go = threading.Event()

    def infer(self, *, remember: bool = True) -> F32:
        alpha = super().infer(remember=remember)
        time.sleep(self.slow_s)
        if self.broken == "throws":
            raise MattingError("it broke")
        if self.broken == "hangs":
            self._go.wait(30)
        elif self.broken is not None:
            alpha = np.full_like(alpha, {"nan": np.nan, "inf": np.inf, "ones": 1}[self.broken])
        return alpha

    def break_it(self, how: str) -> None:
        """From the next frame on."""
        self._go.clear()
        self.broken = how

    def mend(self) -> None:
        """As it was, and let go what hangs."""
        self.broken = None
        self._go.set()


@dataclass(frozen=True)
class Seen:
    """What is kept of one frame that left."""

    at: float
    pts: int
    kind: str
    """composite, slate, or other."""
    room: float
    """The part of it that shows the room."""


@dataclass
class Recorder:
    """An output that looks at every frame."""

    uri: str = "null://recorder"
    dropped: int = 0
    seen: list[Seen] = field(default_factory=list)
    fails: bool = False

    def open(self, format: Format) -> None:
        """Nothing to do."""

    def write(self, frame: Frame) -> None:
        """Judge a frame."""
        if self.fails:
            raise OutputError("this output fails")
        corner = int(frame.y[4, 4])
        kind = "composite" if abs(corner - STAGE) <= 2 else "slate" if corner < 40 else "other"
        if kind == "composite" and not (np.abs(frame.y.astype(int) - PERSON) < 6).any():
            kind = "background"
        self.seen.append(Seen(time.monotonic(), frame.pts, kind, room_share(frame.uv)))

    def close(self) -> None:
        """Nothing to do."""

    def clients(self) -> int:
        """Nobody."""
        return 0

    def wait(self, what: Callable[[list[Seen]], bool], timeout: float = 20.0) -> None:
        """Until what was seen is so; fails the test after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        ready = threading.Event()
        while not what(self.seen):
            assert time.monotonic() < deadline, f"not within {timeout} s; last: {self.seen[-5:]}"
            ready.wait(0.02)

    def wait_for(self, kind: str, count: int = 1, timeout: float = 20.0) -> None:
        """Until ``count`` more frames of a kind have left."""
        start = len(self.seen)
        self.wait(lambda seen: sum(s.kind == kind for s in seen[start:]) >= count, timeout)


@contextmanager
def running(
    monkeypatch: pytest.MonkeyPatch, network: Path, *, chosen: Any = None, **settings: Any
) -> Iterator[tuple[Daemon, Recorder, Breakable]]:
    """A daemon over ``network``, with a recorder in place of each ``null://`` output.

    ``chosen``: another network than the one that can be broken.
    """
    recorder = Recorder()
    matting = Breakable(*load_manifest(network), threads=1)

    def output(wanted: OutputSettings) -> Any:
        return recorder if wanted.uri.startswith("null") else make_output(wanted)

    monkeypatch.setattr(daemon_module, "choose_network", lambda _: chosen or matting)
    monkeypatch.setattr(daemon_module, "make_output", output)
    base: dict[str, Any] = {
        "background": {"uri": f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"},
        "outputs": [{"uri": "null://recorder"}],
    }
    daemon = Daemon(Settings.model_validate(base | settings))
    daemon.start()
    try:
        yield daemon, recorder, matting
    finally:
        matting.mend()
        assert daemon.stop(), "something had to be left behind"
