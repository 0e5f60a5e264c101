"""ffmpeg as the other end of a stream: colour bars or another picture, with a tone or without."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

PICTURE = "testsrc2=size=160x120:rate=30"


@contextmanager
def sending(
    *to: str, picture: str = PICTURE, seconds: float = 20, tone: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """ffmpeg at work, in real time, with ``to`` as its last arguments: format and address."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed (make test installs it)")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-re", "-f", "lavfi", "-i", picture]
    command += ["-re", "-f", "lavfi", "-i", "sine=440"] if tone else []
    command += ["-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-g", "15"]
    command += ["-pix_fmt", "yuv420p", "-c:a", "aac", *to]
    sender = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield sender
    finally:
        sender.kill()
        sender.wait(10)


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a condition; fails when it does not come to pass."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)
