"""Frames as RGB pictures in float64, and ffmpeg's version of the same clip."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.config.settings import SourceSettings
from appliance.media.clock import SourceClock
from appliance.media.frame import Frame
from appliance.media.mailbox import Closed, Mailbox
from appliance.sources.base import Source
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source
from tests.pixels.reference import to_rgb

F64 = NDArray[np.float64]


def source_for(uri: str | Path, **settings: object) -> Source:
    """A source, as fast as possible unless told otherwise."""
    return make_source(SourceSettings.model_validate({"uri": str(uri), "pace": "fast", **settings}))


def read_some(source: Source, count: int) -> list[Frame]:
    """The next ``count`` frames; fails when one takes longer than 10 s."""
    frames = []
    for _ in range(count):
        frame = source.read(10.0)
        assert frame is not None, f"no frame after {len(frames)}"
        frames.append(frame)
    return frames


def on_one_line(frames: Sequence[Frame], fps: float) -> list[Frame]:
    """The frames as the feeder of a file read as fast as possible would give them."""
    clock = SourceClock("own", round(1e9 / fps))
    placed = [clock.enter(f.pts, 0, duration=f.duration, restart=f.discontinuity) for f in frames]
    return [
        replace(f, pts=p.pts, duration=p.duration, discontinuity=f.discontinuity or p.jump)
        for f, p in zip(frames, placed, strict=True)
    ]


def fed(uri: str | Path, count: int, **settings: object) -> list[Frame]:
    """The first ``count`` frames, or all, as a feeder posts them at the source's own speed."""
    asked = SourceSettings.model_validate({"uri": str(uri), "pace": "realtime", **settings})
    # Lossless, so that a busy machine drops none.
    mailbox: Mailbox[Frame] = Mailbox(lossless=True)
    feeder = SourceFeeder(make_source(asked), asked, mailbox=mailbox)
    frames: list[Frame] = []
    try:
        feeder.start()
        while len(frames) < count:
            frame = mailbox.get(10.0)
            assert frame is not None, f"no frame after {len(frames)}"
            frames.append(frame)
    except Closed:
        pass
    finally:
        assert feeder.stop()
    return frames


def first_frame(uri: str | Path, want: object = None, **settings: object) -> Frame:
    """A source's first picture."""
    source = source_for(uri, **settings)
    try:
        source.open(want)  # type: ignore[arg-type]
        return read_some(source, 1)[0]
    finally:
        source.close()


def rgb(frame: Frame) -> F64:
    """(height, width, 3), 0..255, by the standard's equations."""
    uv = frame.uv.astype(np.float64).repeat(2, 0).repeat(2, 1)
    planes = to_rgb(frame.y.astype(np.float64), uv[:, :, 0], uv[:, :, 1], frame.colour)
    return np.moveaxis(planes, 0, -1)


def by_ffmpeg(path: Path, width: int, height: int, *, index: int = 0, filters: str = "") -> F64:
    """Frame ``index`` as ffmpeg decodes it."""
    chain = f"select=eq(n\\,{index}),{filters + ',' if filters else ''}format=rgb24"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-vf", chain]
    command += ["-sws_flags", "accurate_rnd+full_chroma_int+bicubic", "-frames:v", "1"]
    command += ["-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    picture = np.frombuffer(done.stdout, np.uint8)
    return picture.reshape(height, width, 3).astype(np.float64)


def assert_alike(ours: F64, theirs: F64, *, typical: float = 1.5, most: float = 6.0) -> None:
    """The same picture: a wrong matrix or range is off by 5 to 30 over whole areas."""
    assert ours.shape == theirs.shape
    off = np.abs(ours - theirs)
    assert np.median(off) <= typical, f"typically off by {np.median(off):.2f}"
    assert np.percentile(off, 90) <= most, f"90 % within {np.percentile(off, 90):.2f}"
