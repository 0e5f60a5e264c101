"""A window's own process, seen from here: start it, send it frames, end it."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import tempfile
import time

import numpy as np

from appliance.errors import OutputError
from appliance.media.frame import U8, Format, Frame
from appliance.media.gst import colorimetry
from appliance.outputs.display.window import READY
from appliance.system import folders

START_TIMEOUT_S = 8.0
WRITE_TIMEOUT_S = 1.0
STOP_TIMEOUT_S = 1.0
_PIPE_BYTES = 1 << 20


def by_gstreamer(format: Format, description: str) -> list[str]:
    """The command that runs ``display.window`` on a launch line from NV12 to a window."""
    source = (
        f"fdsrc fd=0 do-timestamp=true blocksize={_PIPE_BYTES} ! rawvideoparse format=nv12 "
        f"width={format.width} height={format.height} "
        f"framerate={format.fps[0]}/{format.fps[1]} colorimetry={colorimetry(format.colour)}"
    )
    return [sys.executable, "-m", "appliance.outputs.display.window", f"{source} ! {description}"]


def by_jetson_utils(format: Format) -> list[str]:
    """The command that runs ``display.jetson``."""
    colour = (format.colour.matrix.value, format.colour.range.value)
    size = f"{format.width}x{format.height}"
    return [sys.executable, "-m", "appliance.outputs.display.jetson", size, *colour]


class WindowProcess:
    """Runs a program that shows what it reads on stdin: NV12, rows padded to four bytes."""

    def __init__(self, uri: str, command: list[str]) -> None:
        """Start it and wait until it has found its screen. Raises OutputError."""
        self._uri = uri
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by stop
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=folders.root(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        ready, _, _ = select.select([self._process.stdout], [], [], START_TIMEOUT_S)
        if not ready or self._process.stdout.readline() != READY.encode():
            reason = self._reason() if ready else f"no screen within {START_TIMEOUT_S:g} s"
            self.stop()
            raise OutputError(f"{uri}: {reason}")

    def send(self, frame: Frame) -> None:
        """Show ``frame``; waits while the window is behind. Raises OutputError if it is gone."""
        deadline = time.monotonic() + WRITE_TIMEOUT_S
        for plane in (frame.y, frame.uv_rows):
            left = _packed(plane).data.cast("B")
            while left:
                _, writable, _ = select.select(
                    [], [self._pipe], [], max(0.0, deadline - time.monotonic())
                )
                if not writable:
                    raise OutputError(
                        f"{self._uri}: the window took nothing for {WRITE_TIMEOUT_S:g} s"
                    )
                try:
                    left = left[os.write(self._pipe, left) :]
                except BrokenPipeError:
                    raise OutputError(f"{self._uri}: {self._reason()}") from None

    def stop(self) -> None:
        """Close the window; a process that does not exit by itself within a second is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
        self._process.stdout.close()
        self._errors.close()

    def _reason(self) -> str:
        """Why it exited, from the last that it wrote on stderr."""
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "the window does not answer"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        if any("of failed request" in line or line.startswith("X connection") for line in lines):
            return "the window or its X server is gone: " + " ".join(lines[0].split())
        return lines[-1].strip() if lines else "the window's program ended without a word"


def _packed(plane: U8) -> U8:
    """The plane with rows padded to a multiple of four bytes, GStreamer's raw video layout."""
    rows, columns = plane.shape
    if columns % 4 == 0:
        return np.ascontiguousarray(plane)
    padded = np.zeros((rows, -(-columns // 4) * 4), np.uint8)
    padded[:, :columns] = plane
    return padded
