"""A stand-in for jetson-utils, with the real library's signatures and quirks.

Modelled on its Python bindings (PyVideo.cpp, PyCUDA.cpp), gstCamera and gstBufferManager: raw
pictures lie in a ring of ``--num-buffers`` that the library's own thread keeps overwriting, even
while somebody reads; ``Capture`` returns None on timeout and raises plain ``Exception`` on failure;
``Render`` accepts RGB formats only. The "GPU" is the host: a pointer is a numpy array's address.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
BITS = {"nv12": 12, "i420": 12, "yuyv": 16, "uyvy": 16, "rgba8": 32, "rgb8": 24, "bayer-bggr": 8}


class cudaImage:
    """Memory holding a picture; attributes as in the bindings."""

    def __init__(
        self, width: int, height: int, format: str = "rgb8", timestamp: int = 0,
        mapped: int = 1, freeOnDelete: int = 1, *, memory: U8 | None = None,
    ) -> None:  # fmt: skip
        size = width * height * BITS[format] // 8
        self._memory = np.zeros(size, np.uint8) if memory is None else memory
        self.ptr = int(self._memory.ctypes.data)
        self.size, self.width, self.height = size, width, height
        self.channels = 4 if format == "rgba8" else 3
        self.shape = (height, width, self.channels)
        self.format, self.timestamp = format, timestamp
        self.mapped = bool(mapped)


def cudaAllocMapped(
    size: int = 0, width: float = 0, height: float = 0, format: str | None = None,
    timestamp: int = 0,
) -> cudaImage:  # fmt: skip
    """Mapped memory for a picture."""
    assert format is not None
    return cudaImage(int(width), int(height), format, timestamp)


def cudaDeviceSynchronize() -> None:
    """Nothing to wait for: all work is done."""


class Camera:
    """What the next ``videoSource`` finds plugged in."""

    def __init__(
        self, format: str = "nv12", size: tuple[int, int] | None = None, *, mapped: bool = True,
        missing: bool = False, old: bool = False, hangs: threading.Event | None = None,
        picture: Callable[[int, int, int], U8] | None = None,
    ) -> None:  # fmt: skip
        self.format, self.size, self.mapped = format, size, mapped
        self.missing, self.old, self.hangs = missing, old, hangs
        self.picture = picture
        self.made: list[videoSource] = []


camera = Camera()


class videoSource:
    """A camera: the tests call ``deliver``, its driver."""

    def __init__(
        self, uri: str = "", argv: list[str] | None = None, positionArg: int = -1,
        options: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.camera = camera
        if camera.hangs is not None:
            camera.hangs.wait(10)
        if camera.missing:
            raise Exception("jetson.utils -- failed to create videoSource device")
        self.uri, self.argv = uri, list(argv or [])
        flags = dict(a[2:].split("=", 1) for a in self.argv if a.startswith("--"))
        asked = int(flags.get("input-width", 1280)), int(flags.get("input-height", 720))
        self.width, self.height = camera.size or asked
        self.rate = int(float(flags.get("input-rate", 30)))
        size = self.width * self.height * BITS[camera.format] // 8
        self.ring = [np.zeros(size, np.uint8) for _ in range(int(flags.get("num-buffers", 4)))]
        self.written = self.read = 0
        self.stamp = 0
        self.streaming = self.closed = self.failing = False
        self._woken = threading.Condition()
        camera.made.append(self)

    def deliver(self) -> None:
        """One picture arrives and overwrites the oldest in the ring."""
        slot = self.ring[self.written % len(self.ring)]
        if self.camera.picture is not None:
            slot[:] = self.camera.picture(self.width, self.height, self.written)
        else:
            slot[:] = self.written % 256
        with self._woken:
            self.written += 1
            self.stamp += 1_000_000_000 // self.rate
            self._woken.notify_all()

    def Open(self) -> None:
        """Must not be called: in some versions a failing one takes the process down."""
        raise AssertionError

    def Close(self) -> None:
        """End it."""
        self.streaming, self.closed = False, True

    def Capture(
        self, format: str = "rgb8", timeout: int = 1000, stream: int = 0
    ) -> cudaImage | None:
        """The newest picture not yet delivered; the first call opens the camera."""
        assert isinstance(timeout, int)
        if not self.streaming:
            self.streaming = True
            self.deliver()
        if self.camera.old and format == "unknown":
            raise Exception("jetson.utils -- videoSource failed to capture image")
        deadline = time.monotonic() + timeout / 1000
        with self._woken:
            while self.read == self.written and not self.failing:
                if not self._woken.wait(max(0.0, deadline - time.monotonic())):
                    return None
            if self.failing:
                self.streaming = False
                raise Exception("jetson.utils -- videoSource failed to capture image")
            self.read = self.written
            memory = self.ring[(self.written - 1) % len(self.ring)]
            stamp = self.stamp
        kind = self.camera.format
        mapped = int(self.camera.mapped)
        return cudaImage(self.width, self.height, kind, stamp, mapped, 0, memory=memory)

    def fail(self) -> None:
        """The cable is pulled."""
        with self._woken:
            self.failing = True
            self._woken.notify_all()

    def GetWidth(self) -> int:
        """Pixels."""
        return self.width

    def GetHeight(self) -> int:
        """Pixels."""
        return self.height

    def GetFrameRate(self) -> int:
        """Whole frames a second."""
        return self.rate

    def IsStreaming(self) -> bool:
        """Whether it is open."""
        return self.streaming


class videoOutput:
    """A window that keeps what was rendered."""

    made: list[videoOutput] = []  # noqa: RUF012
    refuses = False

    def __init__(
        self, uri: str = "", argv: list[str] | None = None, positionArg: int = -1,
        options: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        if videoOutput.refuses:
            raise Exception("jetson.utils -- failed to create videoOutput device")
        self.uri, self.argv = uri, list(argv or [])
        self.shown: list[U8] = []
        self.title = ""
        self.streaming = True
        videoOutput.made.append(self)

    def Render(self, image: cudaImage, stream: int = 0) -> None:
        """Show a picture. Raises for a format that the window does not accept."""
        if not image.format.startswith("rgb"):
            raise Exception("jetson.utils -- videoOutput failed to render image")
        self.shown.append(image._memory.reshape(image.shape).copy())

    def SetStatus(self, str: str) -> None:
        """The window's title."""
        self.title = str

    def IsStreaming(self) -> bool:
        """False once the window is closed."""
        return self.streaming

    def Close(self) -> None:
        """Close it."""
        self.streaming = False

    def GetWidth(self) -> int:
        """Pixels."""
        return 1920

    def GetHeight(self) -> int:
        """Pixels."""
        return 1080

    def GetFrameRate(self) -> float:
        """Frames a second."""
        return 30.0
