"""Frames as RGB pictures in float64, and what ffmpeg makes of the same clip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.config.settings import SourceSettings
from appliance.media.frame import Frame
from appliance.sources.base import Source
from appliance.sources.make import make_source
from tests.pixels.reference import to_rgb

F64 = NDArray[np.float64]


def source_for(uri: str | Path, **settings: object) -> Source:
    """A source, as fast as it goes unless told otherwise."""
    return make_source(SourceSettings.model_validate({"uri": str(uri), "pace": "fast", **settings}))


def read_some(source: Source, count: int) -> list[Frame]:
    """The next ``count`` frames; fails when one takes longer than 10 s."""
    frames = []
    for _ in range(count):
        frame = source.read(10.0)
        assert frame is not None, f"no frame after {len(frames)}"
        frames.append(frame)
    return frames


def first_frame(uri: str | Path, want: object = None, **settings: object) -> Frame:
    """The first picture that a source gives."""
    source = source_for(uri, **settings)
    try:
        source.open(want)  # type: ignore[arg-type]
        return read_some(source, 1)[0]
    finally:
        source.close()


def rgb(frame: Frame) -> F64:
    """(height, width, 3), 0..255, by the equations of the standard."""
    uv = frame.uv.astype(np.float64).repeat(2, 0).repeat(2, 1)
    planes = to_rgb(frame.y.astype(np.float64), uv[:, :, 0], uv[:, :, 1], frame.colour)
    return np.moveaxis(planes, 0, -1)


def by_ffmpeg(path: Path, width: int, height: int, *, index: int = 0, filters: str = "") -> F64:
    """Frame ``index`` as ffmpeg shows it."""
    chain = f"select=eq(n\\,{index}),{filters + ',' if filters else ''}format=rgb24"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-vf", chain]
    command += ["-sws_flags", "accurate_rnd+full_chroma_int+bicubic", "-frames:v", "1"]
    command += ["-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    picture = np.frombuffer(done.stdout, np.uint8)
    return picture.reshape(height, width, 3).astype(np.float64)


def assert_alike(ours: F64, theirs: F64, *, typical: float = 1.5, most: float = 6.0) -> None:
    """The same picture: wrong matrices or ranges are off by 5 to 30 over whole areas."""
    assert ours.shape == theirs.shape
    off = np.abs(ours - theirs)
    assert np.median(off) <= typical, f"typically off by {np.median(off):.2f}"
    assert np.percentile(off, 90) <= most, f"90 % within {np.percentile(off, 90):.2f}"
