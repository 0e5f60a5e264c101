"""Clips for the tests of ``mattebox avatar make``, and a keyer that needs no network."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from appliance.media.frame import Format, Frame
from appliance.tools.avatar.key import Keyed

WIDTH, HEIGHT = 96, 64
FIRST, STEP = 100, 4
"""Luma of the person in the first picture, and how much more it is in each one after it."""


def clip(
    path: Path, frames: int = 10, fps: str = "25", size: tuple[int, int] = (WIDTH, HEIGHT),
    people: int = 1, beep_s: float | None = None,
) -> Path:  # fmt: skip
    """A video of a block, whose luma counts, before black; ``beep_s``: when its sound begins."""
    width, height = size
    pictures = np.full((frames, height * 3 // 2, width), 16, np.uint8)
    pictures[:, height:] = 128
    for number in range(frames):
        for person in range(people):
            # The first is larger, and moves to the right.
            x = 8 + number + person * width // 2
            side = height // 2 - 6 * person
            pictures[number, height - side : height, x : x + side] = FIRST + STEP * number
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s",
        f"{width}x{height}", "-r", fps, "-i", "-",
    ]  # fmt: skip
    if beep_s is not None:
        sound = f"aevalsrc='if(gte(t,{beep_s}),0.5*sin(2*PI*1000*t),0)':s=48000:d={frames}"
        command += ["-f", "lavfi", "-i", sound, "-shortest", "-c:a", "pcm_s16le"]
    command += ["-c:v", "ffv1", str(path)]
    subprocess.run(command, input=pictures.tobytes(), check=True, timeout=60)
    return path


class BrightIsPerson:
    """Keys what is bright; counts what it was given."""

    description, walled = "a threshold", False

    def __init__(self) -> None:
        self.clips = self.frames = 0
        self.dies_at = -1

    def begin(self) -> None:
        """See ``ClipKeyer``."""
        self.clips += 1

    def __call__(self, frame: Frame) -> Keyed:
        """See ``ClipKeyer``."""
        if self.frames == self.dies_at:
            raise KeyboardInterrupt
        self.frames += 1
        alpha = np.where(frame.y > 60, 255, 0).astype(np.uint8)
        return Keyed(frame.y.copy(), frame.uv.copy(), alpha)

    @contextmanager
    def made(self, model: str, chroma: str, format: Format) -> Iterator[BrightIsPerson]:
        """In place of ``clip_keyer``."""
        yield self
