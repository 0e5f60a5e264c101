"""Breakable parts: a camera to unplug, an output to hold up. And what a process has left over."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.config.settings import SourceSettings
from appliance.errors import OutputError, SourceError
from appliance.media.frame import Format, Frame
from appliance.outputs.null import NullOutput
from appliance.sources.base import Source
from appliance.sources.make import make_source
from tests.scenes import FULL, disc

CAMERA = "test://ball"
"""The address for which ``Camera.make_source`` returns the camera."""
FORMAT = Format(320, 180, (30, 1), FULL)
_PICTURES = 30


def wait_until(condition: Callable[[], object], seconds: float = 20.0, what: str = "") -> float:
    """Wait until ``condition()`` is true; fails after ``seconds``. Returns the seconds it took."""
    begun = time.monotonic()
    tick = threading.Event()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not within {seconds:g} s: {what or condition}"
        tick.wait(0.005)
    return time.monotonic() - begun


class Camera:
    """A camera that sees the room and its person, on a cable that can be pulled.

    Attributes:
        plugged: when false, reading and opening fail, as for a device that is gone.
        silent: neither frames nor errors come.
        fps: actual frames a second, whatever the format says; None: as many as are taken.
        jump_ns: added to the times of frames from now on.
        opened: how often it was opened.
        died: any exception, raised by the next read.
    """

    def __init__(self, format: Format = FORMAT, fps: float | None = None) -> None:
        self.format = format
        self.fps: float | None = fps or format.rate
        self.plugged, self.silent = True, False
        self.jump_ns = 0
        self.opened = self.frames = 0
        self.died: BaseException | None = None
        self.wanted: Callable[[], bool] = lambda: True
        """With ``fps`` None: whether another frame is wanted."""
        size = (format.width, format.height)
        self.pictures = [
            disc(*size, size[0] * (0.4 + 0.2 * i / _PICTURES), size[1] / 2, size[1] / 5)
            for i in range(_PICTURES)
        ]

    def make_source(self, settings: SourceSettings) -> Source:
        """Replaces ``appliance.sources.make.make_source``; other addresses work as usual."""
        return _Cable(self) if settings.uri == CAMERA else make_source(settings)


class _Cable:
    """The camera as a source."""

    live = True
    paced = False

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._due = 0.0
        self._serial = 0
        self._moment = threading.Event()

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        camera = self._camera
        if not camera.plugged:
            raise SourceError("camera: there is no such device; is it plugged in?")
        assert want is None or (want.width, want.height) == (
            camera.format.width,
            camera.format.height,
        )
        camera.opened += 1
        self._due = time.monotonic()
        self._serial = 0
        return want or camera.format

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        deadline = time.monotonic() + timeout
        camera = self._camera
        while True:
            if camera.died is not None:
                error, camera.died = camera.died, None
                raise error
            if not camera.plugged:
                raise SourceError("camera: the device is gone (No such device)")
            now = time.monotonic()
            hurried = camera.fps is None
            if not camera.silent and (camera.wanted() if hurried else now >= self._due):
                break
            if now >= deadline:
                return None
            self._moment.wait(0.0005 if hurried else min(0.005, max(0.0, self._due - now)))
        if camera.fps is not None:
            self._due = max(self._due + 1 / camera.fps, now - 0.1)
        serial, self._serial = self._serial, self._serial + 1
        camera.frames += 1
        return replace(
            camera.pictures[camera.frames % _PICTURES],
            pts=round(serial * 1e9 / camera.format.rate) + camera.jump_ns,
            captured=time.monotonic_ns(),
            serial=serial,
            discontinuity=serial == 0,
        )

    def close(self) -> None:
        """See ``Source.close``."""


class Sluice(NullOutput):
    """An output that can be blocked or broken.

    Attributes:
        fails: what opening and writing raise, or None.
        free: while cleared, a write blocks until it is set.
    """

    def __init__(self, uri: str = "null://sluice") -> None:
        super().__init__(uri)
        self.fails: BaseException | None = None
        self.free = threading.Event()
        self.free.set()

    def open(self, format: Format) -> None:
        """Open, or fail."""
        if self.fails is not None:
            raise self.fails
        super().open(format)

    def write(self, frame: Frame) -> None:
        """Take the frame, block, or fail."""
        if self.fails is not None:
            raise self.fails
        if not self.free.wait(60):
            raise OutputError("held up for a minute")
        super().write(frame)


@dataclass(frozen=True)
class Resources:
    """What a process holds: resident memory in kB, descriptors, threads (C's included)."""

    rss_kb: int
    descriptors: int
    threads: int

    def fits(self, other: Resources) -> bool:
        """Whether it has no more descriptors and threads than ``other``."""
        return self.descriptors <= other.descriptors and self.threads <= other.threads

    @classmethod
    def now(cls, pid: int | None = None) -> Resources:
        """Of this process, or of another."""
        if pid is None:
            gc.collect()
        process = Path("/proc", str(pid or os.getpid()))
        status = (process / "status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        descriptors = len(os.listdir(process / "fd"))
        return cls(int(resident.split()[1]), descriptors, len(os.listdir(process / "task")))
