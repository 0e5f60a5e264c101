"""The program that owns a window of jetson-utils: raw NV12 in on stdin, shown until it is closed.

A process of its own for the reason given in ``window``. Each picture is read from the pipe, and
written as RGBA into memory that the GPU draws from: no further copy on the CPU. The colours are
computed here, as the library's own conversion takes all NV12 for full-range BT.601.

Not tried on hardware yet. The library draws at the picture's own size, in the window's corner.

    python -m appliance.outputs.display.jetson 1920x1080 bt709 limited
"""

from __future__ import annotations

import ctypes
import io
import signal
import sys
from typing import Any

import numpy as np

from appliance.errors import MissingDependency
from appliance.media.frame import U8, Colour, Matrix, Range
from appliance.outputs.display.window import READY
from appliance.system import jetson_utils


def main(size: str, matrix: str, range: str, frames: io.FileIO) -> int:
    """Show what comes in; exit code 0 at its end, 1 with the reason on stderr."""
    # Ctrl-C on the terminal goes to both; the appliance decides when the window closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    width, height = map(int, size.split("x"))
    try:
        window = _Window(width, height, Colour(Matrix(matrix), Range(range)))
    except Exception as error:  # noqa: BLE001  the library raises nothing more particular
        print(str(error).removeprefix("jetson.utils -- "), file=sys.stderr)
        return 1
    sys.stdout.write(READY)
    sys.stdout.flush()
    # Rows come padded to a multiple of four bytes.
    pitch = -(-width // 4) * 4
    memory = np.empty((height + height // 2) * pitch, np.uint8)
    try:
        while _fill(frames, memory):
            luma = memory[: height * pitch].reshape(height, pitch)[:, :width]
            chroma = memory[height * pitch :].reshape(height // 2, pitch)[:, :width]
            if not window.show(luma, chroma.reshape(height // 2, width // 2, 2)):
                print("the window was closed", file=sys.stderr)
                return 1
    except Exception as error:  # noqa: BLE001  as above
        print(str(error).removeprefix("jetson.utils -- "), file=sys.stderr)
        return 1
    finally:
        window.close()
    return 0


def _fill(frames: io.FileIO, memory: U8) -> bool:
    """A whole picture read into ``memory``; False at the stream's end."""
    left = memory.data.cast("B")
    while left:
        count = frames.readinto(left)
        if not count:
            return False
        left = left[count:]
    return True


class _Window:
    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self._module = module = jetson_utils.load()
        if not hasattr(module, "cudaAllocMapped"):
            raise MissingDependency("this jetson-utils has no cudaAllocMapped; build a newer one")
        arguments = ["mattebox", f"--output-width={width}", f"--output-height={height}"]
        self._output = module.videoOutput("display://0", argv=arguments)
        self._image: Any = module.cudaAllocMapped(width=width, height=height, format="rgba8")
        memory: Any = (ctypes.c_uint8 * (4 * width * height)).from_address(self._image.ptr)
        self._rgba: U8 = np.frombuffer(memory, np.uint8).reshape(height, width, 4)
        # Now, as it takes a second to load: not for a window that does not open.
        from appliance.pixels.cpu.rgba import nv12_to_rgba, yuv_to_rgb

        self._convert, self._matrix = nv12_to_rgba, yuv_to_rgb(colour)
        self._output.SetStatus("Mattebox")

    def show(self, y: U8, uv: U8) -> bool:
        """Draw a picture; False when the window is closed."""
        self._convert(y, uv, self._matrix, self._rgba)
        self._output.Render(self._image)
        # Drawn from this memory, which the next picture overwrites.
        self._module.cudaDeviceSynchronize()
        return bool(self._output.IsStreaming())

    def close(self) -> None:
        """Close the window."""
        self._output.Close()


if __name__ == "__main__":
    # Without a buffer in between, a picture is read straight into its place.
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], stdin))
